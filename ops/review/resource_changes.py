"""What changes from one template to another, resource by resource, and what outlives its stack. Pure."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from model.names import VAULT_VARIABLE
from ops.review.permissions import IDENTITY_POLICIES, OF_PRINCIPALS, PRINCIPALS, without_documents
from ops.review.wording import HASH, TYPES, Template, differences, normalised, short, spelled, titled
from ops.template import TABLE_TYPES, Properties, Resources, is_retained

_CREATE_ONLY, _HOLDS = TYPES["create_only"], TYPES["holds"]
# A line, and the details below it.
Block = tuple[str, ...]
_DELETION, _REPLACEMENT = "DeletionPolicy", "UpdateReplacePolicy"
# {"Ref": "Id"}, {"Fn::GetAtt": ["Id", "Attribute"]} or "Id.Attribute", and ${Id.Attribute}.
_REFERENCES = (r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)(?:\.|", ")?([\w.]*)"', r"\$\{(\w+)\.?([^}]*)\}")


def kept(resources: Resources) -> list[str]:
    """The resources that are retained when the stack is destroyed."""
    return [f"{titled(id, one)}{_locked(one)}" for id, one in resources.items() if is_retained(one)]


def lost(resources: Resources) -> list[str]:
    """The resources that are deleted with the stack, with what they hold."""
    return [f"{titled(id, one)}: {_HOLDS[one['Type']]}" for id, one in resources.items() if _is_lost(one)]


def _is_lost(resource: Properties, policy: str = _DELETION) -> bool:
    return resource["Type"] in _HOLDS and not is_retained(resource, policy)


def _locked(resource: Properties) -> str:
    """What the lock of a backup vault means, where it has one."""
    lock = resource.get("Properties", {}).get("LockConfiguration", {})
    grace = lock.get("ChangeableForDays")
    for_good = f"; the lock cannot be removed from {grace} days after its deployment" if grace else ""
    days = f"{lock.get('MinRetentionDays', 0)} to {lock.get('MaxRetentionDays', 'any')} days"
    return f": locked, a recovery point cannot be deleted before its retention ends, {days}{for_good}" if lock else ""


def changes(before: Template, after: Template) -> list[str]:
    """The resources, their code and the outputs that change, without permissions; lines with ``!`` come first."""
    plain = [normalised(side) for side in (before, after)]
    old, new = (_without_policies(side.get("Resources", {})) for side in plain)
    replaced = _replacements(old, new)
    blocks: list[Block] = [(f"! fails: {line}",) for line in _taken_names(old, new, replaced)]
    for id in dict.fromkeys([*old, *new]):
        if id in old and id in new and old[id]["Type"] == new[id]["Type"]:
            hashes = [HASH.findall(json.dumps(side["Resources"][id].get("Properties"))) for side in (before, after)]
            blocks += _changed(id, old[id], new[id], replaced.get(id), has_other_file=hashes[0] != hashes[1])
            continue
        if id in old and id in new:
            kind = f"it was {old[id]['Type']}, and CloudFormation cannot change the type of a resource"
            blocks.append((f"! fails: {titled(id, new[id])}: {kind}",))
        if id in old:
            blocks += _removed(id, old[id], old)
        if id in new:
            blocks.append((f"+ added: {titled(id, new[id])}",))
    was, now = (side.get("Outputs", {}) for side in plain)
    for name in dict.fromkeys([*was, *now]):
        if was.get(name) != now.get(name):
            kind = "+ added" if name not in was else "- removed" if name not in now else "~ changed"
            blocks.append((f"{kind}: output {name}",))
    blocks.sort(key=lambda block: not block[0].startswith("!"))
    return [line for first, *details in blocks for line in (first, *(f"    {one}" for one in details))]


def _without_policies(resources: Resources) -> dict[str, dict[str, Any]]:
    """The resources, less what ``access_changes`` compares."""
    found = {}
    for id, resource in resources.items():
        if resource["Type"] not in IDENTITY_POLICIES:
            aside = OF_PRINCIPALS if resource["Type"] in PRINCIPALS else ()
            others = {key: value for key, value in resource.get("Properties", {}).items() if key not in aside}
            found[id] = {**resource, "Properties": without_documents(others)}
    return found


def _changed(
    id: str, old: Properties, new: Properties, why: list[str] | None, *, has_other_file: bool
) -> Iterator[Block]:
    """A resource in both templates; ``why`` it is replaced, if it is."""
    before, after, title = old["Properties"], new["Properties"], titled(id, new)
    for key in TYPES["fixed"].get(new["Type"], ()):
        if before.get(key) != after.get(key):
            yield (f"! fails: {title}: {key} cannot be changed; give a new key another logical id",)
    if new["Type"] in TABLE_TYPES and not why:
        yield from ((f"! fails: {title}: {reason}",) for reason in _refused_by_dynamodb(before, after))
    yield from ((f"! {what}: {title}",) for what in _weakened(old, new))
    details = [*differences(before, after), *differences({**old, "Properties": {}}, {**new, "Properties": {}})]
    if has_other_file:  # in the normalised templates its hash is masked
        details.append("its code" if "Code" in after else "the content of its file")
    if why:
        reason = f"replaced because of {', '.join(why)}; the old one {_fate(old, _REPLACEMENT)}"
        yield (f"! replaced: {title}", reason, *details)
    elif details:
        yield (f"~ changed: {title}", *details)


def _removed(id: str, old: Properties, before: Resources) -> Iterator[Block]:
    environments = json.dumps([one["Properties"].get("Environment") for one in before.values()])
    # A function from before it knew the stack's vault empties it whenever it leaves the stack.
    if old["Type"] == "Custom::VaultEmptying" and VAULT_VARIABLE not in environments:
        yield (
            f"! lost: {spelled(old['Properties']['VaultName'])}: the recovery points in it",
            "the deployed function empties a vault that is removed; deploy once with "
            "backups_on_destroy delete, then with keep",
        )
    if not _is_lost(old):
        yield (f"- removed: {titled(id, old)}", _fate(old))
        return
    unless = "unless its deletion protection, which is on, refuses: then it is kept, outside any stack"
    protected = any(_protections(old["Properties"]).values())
    yield (f"! lost: {titled(id, old)}: {_HOLDS[old['Type']]}", *([unless] if protected else []))


def _fate(resource: Properties, policy: str = _DELETION) -> str:
    """What happens to a resource that leaves its stack."""
    if is_retained(resource, policy):
        return "stays behind"
    return f"is deleted with what it holds: {_HOLDS[resource['Type']]}" if _is_lost(resource, policy) else "is deleted"


def _weakened(old: Properties, new: Properties) -> Iterator[str]:
    """What protected a resource before, and does not any more."""
    endings = {_DELETION: "a destroy", _REPLACEMENT: "a replacement"}
    gone = [what for policy, what in endings.items() if is_retained(old, policy) and not is_retained(new, policy)]
    if gone:
        yield f"no longer survives {' or '.join(gone)}"
    after = _protections(new["Properties"])
    for where, is_on in _protections(old["Properties"]).items():
        if is_on and after.get(where) is False:  # a replica that is gone is reported as such
            yield f"no longer protected against deletion{f' in {where}' if where else ''}"


def _protections(properties: Properties) -> dict[str, bool]:
    """Whether deletion protection is on, for a global table in each region."""
    parts = {spelled(one.get("Region")): one for one in properties.get("Replicas", [])} or {"": properties}
    said = {where: one.get("DeletionProtectionEnabled", one.get("DeletionProtection")) for where, one in parts.items()}
    return {where: spelled(value).lower() in ("true", "active") for where, value in said.items()}


def _replacements(before: Resources, after: Resources) -> dict[str, list[str]]:
    """The resources of both templates that another one replaces, each with the properties that cause it."""
    both, found = [id for id in after if id in before], dict[str, list[str]]()

    def reasons(id: str) -> Iterator[str]:
        for key in _CREATE_ONLY.get(after[id]["Type"], []):
            was, now = (side[id]["Properties"].get(key) for side in (before, after))
            if was != now:
                yield key
                continue
            # Each logical id with its attribute, which is empty for Ref.
            references = {found for pattern in _REFERENCES for found in re.findall(pattern, json.dumps(now))}
            for other, attribute in sorted(references):
                if other in found or (attribute == "StreamArn" and other in streams):
                    yield f"{key}, which refers to {short(other)}"

    # Another stream of the same table has another ARN.
    settings = [[side[id]["Properties"].get("StreamSpecification") for id in both] for side in (before, after)]
    streams = {id for id, was, now in zip(both, *settings, strict=True) if was != now}
    while more := {id: why for id in both if id not in found and (why := list(reasons(id)))}:
        found |= more
    return found


def _taken_names(before: Resources, after: Resources, replaced: Collection[str]) -> Iterator[str]:
    """The names that a new resource gets while an old one still has them."""
    leaving = {_name(one): id for id, one in before.items() if id not in after or id in replaced}
    for id, resource in after.items():
        name = _name(resource)
        if name and name in leaving and (id not in before or id in replaced):
            other = short(leaving[name]) if leaving[name] != id else "the one that it replaces"
            yield (
                f"{titled(id, resource)}: CloudFormation creates the new resource before it deletes the old one, "
                f"and the name {name[-1]} is taken by {other}"
            )


def _name(resource: Properties) -> tuple[str, str, str] | None:
    """The fixed name of a resource, unique in account and region, with its service and property."""
    service, _, kind = resource["Type"].rpartition("::")
    for key in ("TableName" if kind == "GlobalTable" else f"{kind}Name", "Name"):
        if key in resource["Properties"]:
            return service, key, spelled(resource["Properties"][key])
    return None


def _refused_by_dynamodb(old: Properties, new: Properties) -> Iterator[str]:
    """Why CloudFormation or DynamoDB refuses a change of a table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html (indexes);
    CloudFormation reference, GlobalTable CapacityAutoScalingSettings and Replicas; aws-cdk#27735.
    """
    before, after = (
        {spelled(one["IndexName"]): one for one in side.get("GlobalSecondaryIndexes", [])} for side in (old, new)
    )
    for name in before.keys() & after.keys():
        for key in ("KeySchema", "Projection"):
            if before[name].get(key) != after[name].get(key):
                yield f"{key} of index {name}: give a changed index another name"
    if len(moves := _moves(before, after)) > 1:
        yield f"indexes {', '.join(moves)}: DynamoDB creates or deletes one index an update; deploy them one by one"
    modes = tuple(one.get("BillingMode", "PROVISIONED") for one in (old, new))
    if modes == ("PAY_PER_REQUEST", "PROVISIONED") and _lacks_seed_capacity(new):
        yield (
            "BillingMode PROVISIONED: CloudFormation refuses the switch unless everything that scales has a "
            "SeedCapacity"
        )
    if modes == ("PROVISIONED", "PAY_PER_REQUEST") and _lacks_seed_capacity(old):
        yield (
            "BillingMode PAY_PER_REQUEST: CloudFormation refuses the switch unless everything that scales "
            "has a SeedCapacity already, for a rollback; deploy it once as PROVISIONED with one, then switch"
        )
    protected, replicas = _protections(old), _protections(new)
    for region in sorted(protected.keys() - replicas.keys()):
        if protected[region]:
            call = f"--table-name {spelled(new.get('TableName', 'TABLE'))} --region {region}"
            yield (
                f"the replica in {region} is protected against deletion; first run "
                f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
            )
    if len(moves := _moves(protected, replicas)) > 1:
        yield (
            f"replicas {', '.join(moves)}: CloudFormation adds or deletes one replica an update; deploy them one by one"
        )


def _moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names that are added (+) and removed (-)."""
    return sorted(
        [f"+ {one}" for one in after.keys() - before.keys()] + [f"- {one}" for one in before.keys() - after.keys()]
    )


def _lacks_seed_capacity(table: Properties) -> bool:
    """Whether a capacity of a global table scales without one; a Table has no scaling in it."""
    text = json.dumps(table)
    return text.count('"MaxCapacity"') > text.count('"SeedCapacity"')
