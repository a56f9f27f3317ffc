"""What changes from one template to another, resource by resource. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.review.differences import differences
from ops.review.documents import without_documents
from ops.review.failing import failures
from ops.review.normal import HASH, normalised
from ops.review.permissions import IDENTITY_POLICIES, OF_PRINCIPALS, is_principal
from ops.review.replacing import Resources, replacements
from ops.review.spelling import short
from ops.review.survival import HOLDS, emptied, fate, held, is_lost, on_replacement, protections, weakened

Template = Mapping[str, Any]
_KEEPING = (
    "the function that is deployed empties the vault when it leaves the stack; deploy once with "
    "backups_on_destroy delete, then with keep"
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource or output: ``added``, ``removed``, ``changed``, and how; or loud.

    Loud are ``lost``, ``replaced``, ``fails``, and ``weaker`` for what no longer survives.
    """

    kind: str
    what: str
    details: tuple[str, ...] = ()

    @property
    def is_loud(self) -> bool:
        """Whether nobody should miss it."""
        return self.kind not in ("added", "removed", "changed")


def changes(before: Template, after: Template) -> list[Change]:
    """The resources, their code and the outputs that are not the same, permissions aside."""
    one, other = normalised(before), normalised(after)
    return [
        *_resources(_without_policies(one), _without_policies(other)),
        *_files(before["Resources"], after["Resources"]),
        *_outputs(one.get("Outputs", {}), other.get("Outputs", {})),
    ]


def _without_policies(template: Template) -> dict[str, dict[str, Any]]:
    """The resources, less what ``access_changes`` compares."""
    return {
        name: resource | {"Properties": _but_policies(resource)}
        for name, resource in template.get("Resources", {}).items()
        if resource["Type"] not in IDENTITY_POLICIES
    }


def _but_policies(resource: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    aside = OF_PRINCIPALS if is_principal(resource) else ()
    return without_documents({k: v for k, v in properties.items() if k not in aside})  # type: ignore[no-any-return]


def _resources(before: Resources, after: Resources) -> Iterator[Change]:
    replaced = replacements(before, after)
    for line in failures(before, after, replaced):
        yield Change(kind="fails", what=line)
    for line in emptied(before, after):
        yield Change(kind="lost", what=line, details=(_KEEPING,))
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old["Type"] != new["Type"]:
            yield from _come_or_gone(name, old, new)
            continue
        for what in weakened(old, new):
            yield Change(kind="weaker", what=f"{what}: {_named(name, new)}")
        if name in replaced:
            yield _replaced(name, old, new, replaced[name])
        elif old != new:
            yield Change(kind="changed", what=_named(name, new), details=_details(old, new))


def _come_or_gone(name: str, old: Any, new: Any) -> Iterator[Change]:
    if old is not None and is_lost(old):
        what = f"{_named(name, old)}: {HOLDS[old['Type']]}"
        yield Change(kind="lost", what=what, details=_unless_protected(old))
    elif old is not None:
        yield Change(kind="removed", what=_named(name, old), details=(fate(old),))
    if new is not None:
        yield Change(kind="added", what=_named(name, new), details=tuple(held({}, new)))


def _unless_protected(resource: Mapping[str, Any]) -> tuple[str, ...]:
    if not any(is_on for _, is_on in protections(resource.get("Properties", {}))):
        return ()
    return ("unless its deletion protection, which is on, refuses: then it stays without a stack",)


def _replaced(name: str, old: Mapping[str, Any], new: Mapping[str, Any], why: list[str]) -> Change:
    line = f"another one takes its place because of {', '.join(why)}; the old one {on_replacement(old)}"
    return Change(kind="replaced", what=_named(name, new), details=(line, *_details(old, new)))


def _details(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    properties = (one.get("Properties", {}) for one in (old, new))
    others = (_but_properties(one) for one in (old, new))
    return (*differences("", *properties), *differences("", *others), *held(old, new))


def _named(name: str, resource: Mapping[str, Any]) -> str:
    return f"{short(name)} ({resource['Type']})"


def _but_properties(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "Properties"}


def _files(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Functions and seeds with another file; in the normalised templates its hash is masked."""
    for name in sorted(before.keys() & after.keys()):
        old, new = (one[name].get("Properties", {}) for one in (before, after))
        if HASH.findall(json.dumps(old)) != HASH.findall(json.dumps(new)):
            what = _named(name, after[name])
            file = "its code" if "Code" in new else "the content of its file"
            yield Change(kind="changed", what=what, details=(file,))


def _outputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name):
            continue
        kind = "added" if name not in before else "removed" if name not in after else "changed"
        yield Change(kind=kind, what=f"output {name}")
