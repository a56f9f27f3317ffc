"""What changes from one template to another, resource by resource, in lines. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.failures import failures
from ops.review.permissions import IDENTITY_POLICIES, OF_PRINCIPALS, PRINCIPALS, without_documents
from ops.review.survival import REPLACEMENT, emptied, fate, is_lost, protections, replacements, weakened
from ops.review.wording import HASH, HOLDS, Template, differences, normalised, titled
from ops.template import Properties, Resources

# A line, and the details below it.
Block = tuple[str, ...]


def changes(before: Template, after: Template) -> list[str]:
    """The resources, their code and the outputs that change, without permissions; what is loud (``!``) first."""
    old, new = normalised(before), normalised(after)
    found = [
        *_resources(_without_policies(old), _without_policies(new)),
        *_files(before["Resources"], after["Resources"]),
        *_outputs(old.get("Outputs", {}), new.get("Outputs", {})),
    ]
    ordered = sorted(found, key=lambda block: not block[0].startswith("!"))
    return [line for first, *details in ordered for line in (first, *(f"    {one}" for one in details))]


def _without_policies(template: Template) -> dict[str, dict[str, Any]]:
    """The resources, less what ``access_changes`` compares."""
    found = {}
    for id, resource in template.get("Resources", {}).items():
        if resource["Type"] not in IDENTITY_POLICIES:
            aside = OF_PRINCIPALS if resource["Type"] in PRINCIPALS else ()
            others = {key: value for key, value in resource.get("Properties", {}).items() if key not in aside}
            found[id] = resource | {"Properties": without_documents(others)}
    return found


def _resources(before: Resources, after: Resources) -> Iterator[Block]:
    replaced = replacements(before, after)
    for line in failures(before, after, replaced):
        yield (f"! fails: {line}",)
    for line in emptied(before, after):
        yield (
            f"! lost: {line}",
            "the deployed function empties the vault when it leaves the stack; deploy once with "
            "backups_on_destroy delete, then with keep",
        )
    for id in dict.fromkeys([*before, *after]):
        old, new = before.get(id), after.get(id)
        if not old or not new or old["Type"] != new["Type"]:
            yield from _come_or_gone(id, old, new)
            continue
        for what in weakened(old, new):
            yield (f"! {what}: {titled(id, new)}",)
        if id in replaced:
            why = f"replaced because of {', '.join(replaced[id])}; the old one {fate(old, REPLACEMENT)}"
            yield (f"! replaced: {titled(id, new)}", why, *_details(old, new))
        elif old != new:
            yield (f"~ changed: {titled(id, new)}", *_details(old, new))


def _come_or_gone(id: str, old: Properties | None, new: Properties | None) -> Iterator[Block]:
    if old and is_lost(old):
        protected = any(protections(old.get("Properties", {})).values())
        unless = "unless its deletion protection, which is on, refuses: then it stays without a stack"
        yield (f"! lost: {titled(id, old)}: {HOLDS[old['Type']]}", *([unless] if protected else []))
    elif old:
        yield (f"- removed: {titled(id, old)}", fate(old))
    if new:
        yield (f"+ added: {titled(id, new)}", *_held({}, new))


def _details(old: Properties, new: Properties) -> Iterator[str]:
    """The properties by their own names, then the rest of the resource."""
    yield from differences(old.get("Properties", {}), new.get("Properties", {}))
    yield from differences(dict(old) | {"Properties": {}}, dict(new) | {"Properties": {}})
    yield from _held(old, new)


def _held(old: Properties, new: Properties) -> Iterator[str]:
    """go-to-k/cdkd#1442: "it has acted as a source region for new replica(s) being added"."""
    before, after = (one.get("Properties", {}).get("Replicas", []) for one in (old, new))
    if len(after) > max(1, len(before)):
        yield "DynamoDB does not delete the table for 24 hours after a replica was created from it"


def _files(before: Resources, after: Resources) -> Iterator[Block]:
    """Functions and seeds with another file; in the normalised templates its hash is masked."""
    for id in sorted(before.keys() & after.keys()):
        old, new = (side[id].get("Properties", {}) for side in (before, after))
        if HASH.findall(json.dumps(old)) != HASH.findall(json.dumps(new)):
            yield (f"~ changed: {titled(id, after[id])}", "its code" if "Code" in new else "the content of its file")


def _outputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Block]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            kind = "+ added" if name not in before else "- removed" if name not in after else "~ changed"
            yield (f"{kind}: output {name}",)
