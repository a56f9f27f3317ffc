"""Changes that CloudFormation, or the service behind it, refuses. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ops.review.failing_tables import TABLES, table_failures
from ops.review.spelling import short, spelled

Resources = Mapping[str, Mapping[str, Any]]
# What no update changes, and no replacement either: "the update request fails", see
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-key.html
_FIXED = {"AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion", "Origin")}


def failures(before: Resources, after: Resources, replaced: Collection[str]) -> list[str]:
    """Why a deployment of ``after`` over ``before`` fails, a line each."""
    found = [*_taken(before, after, replaced)]
    for name in before:
        if name in after:
            found += _of_both(name, before[name], after[name], is_replaced=name in replaced)
    return found


def _taken(before: Resources, after: Resources, replaced: Collection[str]) -> Iterator[str]:
    """The names that something new should have while something old still has them."""
    leaving = {name: one for name, one in before.items() if name not in after or name in replaced}
    for name, resource in after.items():
        if name in before and name not in replaced:
            continue
        for other, old in leaving.items():
            taken = _name(resource)
            if taken and taken == _name(old) and _service(resource) == _service(old):
                yield (
                    f"{short(name)} ({resource['Type']}): CloudFormation creates before it "
                    f"deletes, and the name {taken[1]} is taken by "
                    f"{short(other) if other != name else 'the one that it replaces'}"
                )


def _of_both(name: str, old: Any, new: Any, *, is_replaced: bool) -> Iterator[str]:
    what = f"{short(name)} ({new['Type']})"
    if old["Type"] != new["Type"]:
        yield f"{what}: it was {old['Type']}, and CloudFormation changes no type of a resource"
        return
    one, other = old.get("Properties", {}), new.get("Properties", {})
    for key in _FIXED.get(new["Type"], ()):
        if one.get(key) != other.get(key):
            yield f"{what}: {key} cannot be changed; give a new key another logical id"
    if new["Type"] in TABLES and not is_replaced:
        yield from (f"{what}: {why}" for why in table_failures(one, other))


def _name(resource: Mapping[str, Any]) -> tuple[str, str] | None:
    """The fixed name that a resource has in its account and region, and the property it is in."""
    last = resource["Type"].rpartition("::")[2]
    properties = resource.get("Properties", {})
    for key in ("TableName" if last == "GlobalTable" else f"{last}Name", "Name"):
        if key in properties:
            return key, spelled(properties[key])
    return None


def _service(resource: Mapping[str, Any]) -> str:
    found: str = resource["Type"].rpartition("::")[0]
    return found
