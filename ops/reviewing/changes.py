"""What changes from one template to another, resource by resource. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.reviewing.differences import differences
from ops.reviewing.documents import without_documents
from ops.reviewing.normal import HASH, normalised
from ops.reviewing.permissions import IDENTITY_POLICIES, OF_PRINCIPALS, is_principal, permissions
from ops.reviewing.spelling import short
from ops.reviewing.statements import Permission
from ops.reviewing.survival import is_kept

Template = Mapping[str, Any]
# The properties whose change makes CloudFormation put another resource in the place of one that
# holds something ("Update requires: Replacement" in the CloudFormation Template Reference).
_REPLACING = {
    "AWS::Backup::BackupVault": {"BackupVaultName", "EncryptionKeyArn"},
    "AWS::DynamoDB::GlobalTable": {"KeySchema", "LocalSecondaryIndexes", "TableName"},
    "AWS::IAM::Role": {"Path", "RoleName"},
    "AWS::KMS::Key": {"KeySpec", "MultiRegion", "Origin"},
    "AWS::Logs::LogGroup": {"LogGroupName"},
    "AWS::SQS::Queue": {"FifoQueue", "QueueName"},
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource or output: ``added``, ``removed``, ``changed`` or ``replaced``, and how."""

    kind: str
    what: str
    details: tuple[str, ...] = ()


def changes(before: Template, after: Template) -> list[Change]:
    """The resources, their code and the outputs that are not the same, permissions aside."""
    one, other = normalised(before), normalised(after)
    return [
        *_resources(_without_policies(one), _without_policies(other)),
        *_files(before["Resources"], after["Resources"]),
        *_outputs(one.get("Outputs", {}), other.get("Outputs", {})),
    ]


def permission_changes(
    before: Template, after: Template
) -> tuple[list[Permission], list[Permission]]:
    """The permissions that are new, and those that are gone."""
    old, new = set(permissions(before["Resources"])), set(permissions(after["Resources"]))
    return sorted(new - old), sorted(old - new)


def _without_policies(template: Template) -> dict[str, dict[str, Any]]:
    """The resources, less what ``permission_changes`` compares."""
    return {
        name: resource | {"Properties": _but_policies(resource)}
        for name, resource in template.get("Resources", {}).items()
        if resource["Type"] not in IDENTITY_POLICIES
    }


def _but_policies(resource: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    aside = OF_PRINCIPALS if is_principal(resource) else ()
    return without_documents({k: v for k, v in properties.items() if k not in aside})  # type: ignore[no-any-return]


def _resources(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is None or new is None or old["Type"] != new["Type"]:
            yield from _come_or_gone(name, old, new)
        else:
            yield _changed(name, old, new)


def _come_or_gone(name: str, old: Any, new: Any) -> Iterator[Change]:
    if old is not None:
        fate = "stays behind" if is_kept(old) else "is deleted"
        yield Change(kind="removed", what=f"{short(name)} ({old['Type']})", details=(fate,))
    if new is not None:
        yield Change(kind="added", what=f"{short(name)} ({new['Type']})")


def _changed(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    properties = new.get("Properties", {}), old.get("Properties", {})
    replacing = {
        key
        for key in _REPLACING.get(new["Type"], ())
        if properties[0].get(key) != properties[1].get(key)
    }
    details = list(differences("", properties[1], properties[0]))
    details += differences("", *(_but_properties(one) for one in (old, new)))
    if replacing:
        fate = "stays behind" if str(old.get("UpdateReplacePolicy")).startswith("Retain") else (
            "is deleted with what it holds"
        )  # fmt: skip
        details.insert(0, f"another one takes its place because of {', '.join(sorted(replacing))}; "
                       f"the old one {fate}")  # fmt: skip
    return Change(
        kind="replaced" if replacing else "changed",
        what=f"{short(name)} ({new['Type']})",
        details=tuple(details),
    )


def _but_properties(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "Properties"}


def _files(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Functions and seeds with another file; in the normalised templates its hash is masked."""
    for name in sorted(before.keys() & after.keys()):
        old, new = (one[name].get("Properties", {}) for one in (before, after))
        if HASH.findall(json.dumps(old)) != HASH.findall(json.dumps(new)):
            what = f"{short(name)} ({after[name]['Type']})"
            file = "its code" if "Code" in new else "the content of its file"
            yield Change(kind="changed", what=what, details=(file,))


def _outputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name):
            continue
        kind = "added" if name not in before else "removed" if name not in after else "changed"
        yield Change(kind=kind, what=f"output {name}")
