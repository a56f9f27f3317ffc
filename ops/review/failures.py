"""Changes that CloudFormation, or the service behind it, refuses. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ops.review.survival import protections
from ops.review.wording import short, spelled, titled
from ops.template import TABLE_TYPES, Properties, Resources

# No update changes these, and no replacement either: "the update request fails"
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-key.html).
_FIXED = {"AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion", "Origin")}


def failures(before: Resources, after: Resources, replaced: Collection[str]) -> list[str]:
    """Why CloudFormation, or the service behind it, refuses to deploy ``after`` over ``before``."""
    found = [*_taken(before, after, replaced)]
    for id, old in before.items():
        if id in after:
            reasons = _of_one(old, after[id], is_replaced=id in replaced)
            found += [f"{titled(id, after[id])}: {why}" for why in reasons]
    return found


def _taken(before: Resources, after: Resources, replaced: Collection[str]) -> Iterator[str]:
    """The names that something new is given while something old still has them."""
    leaving = {id: one for id, one in before.items() if id not in after or id in replaced}
    for id, resource in after.items():
        name = _name(resource)
        if not name or (id in before and id not in replaced):
            continue
        for other in [other for other, old in leaving.items() if _name(old) == name]:
            yield (
                f"{titled(id, resource)}: CloudFormation creates before it deletes, and the name {name[-1]} is "
                f"taken by {short(other) if other != id else 'the one that it replaces'}"
            )


def _name(resource: Properties) -> tuple[str, str, str] | None:
    """The fixed name of a resource, unique in account and region, with its service and property."""
    service, _, kind = resource["Type"].rpartition("::")
    properties = resource.get("Properties", {})
    for key in ("TableName" if kind == "GlobalTable" else f"{kind}Name", "Name"):
        if key in properties:
            return service, key, spelled(properties[key])
    return None


def _of_one(old: Properties, new: Properties, *, is_replaced: bool) -> Iterator[str]:
    if old["Type"] != new["Type"]:
        yield f"it was {old['Type']}, and CloudFormation cannot change the type of a resource"
        return
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for key in _FIXED.get(new["Type"], ()):
        if before.get(key) != after.get(key):
            yield f"{key} cannot be changed; give a new key another logical id"
    if new["Type"] in TABLE_TYPES and not is_replaced:
        yield from _of_indexes(before, after)
        yield from _of_billing(before, after)
        yield from _of_replicas(before, after)


def _of_indexes(old: Properties, new: Properties) -> Iterator[str]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html"""
    before, after = (
        {spelled(one.get("IndexName")): one for one in side.get("GlobalSecondaryIndexes", [])} for side in (old, new)
    )
    for name in before.keys() & after.keys():
        for key in ("KeySchema", "Projection"):
            if before[name].get(key) != after[name].get(key):
                yield f"{key} of index {name}: give a changed index another name"
    if len(moves := _moves(before, after)) > 1:
        yield f"indexes {', '.join(moves)}: DynamoDB creates or deletes one index an update; deploy them one by one"


def _of_billing(old: Properties, new: Properties) -> Iterator[str]:
    """CloudFormation reference, GlobalTable CapacityAutoScalingSettings; aws-cdk#27735."""
    modes = tuple(one.get("BillingMode", "PROVISIONED") for one in (old, new))
    if modes == ("PAY_PER_REQUEST", "PROVISIONED") and _lacks_seed_capacity(new):
        yield "BillingMode PROVISIONED: CloudFormation refuses the switch unless all that scales has a SeedCapacity"
    if modes == ("PROVISIONED", "PAY_PER_REQUEST") and _lacks_seed_capacity(old):
        yield (
            "BillingMode PAY_PER_REQUEST: CloudFormation refuses the switch unless all that scales "
            "has a SeedCapacity already, for a rollback; deploy it once as PROVISIONED with one, then switch"
        )


def _lacks_seed_capacity(value: Any) -> bool:
    """Whether anything in ``value`` scales without a seed capacity; a Table has no scaling in it."""
    if isinstance(value, Mapping):
        if "MaxCapacity" in value:
            return "SeedCapacity" not in value
        return any(map(_lacks_seed_capacity, value.values()))
    return isinstance(value, list) and any(map(_lacks_seed_capacity, value))


def _of_replicas(old: Properties, new: Properties) -> Iterator[str]:
    """CloudFormation reference, GlobalTable Replicas; DynamoDB guide, global tables."""
    before, after = protections(old), protections(new)
    for region in sorted(before.keys() - after.keys()):
        if before[region]:
            call = f"--table-name {spelled(new.get('TableName', 'TABLE'))} --region {region}"
            yield (
                f"the replica in {region} is protected against deletion; first run "
                f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
            )
    if len(moves := _moves(before, after)) > 1:
        yield (
            f"replicas {', '.join(moves)}: CloudFormation adds or deletes one replica an update; deploy them one by one"
        )


def _moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names that come (+) and go (-)."""
    come = [f"+ {name}" for name in after.keys() - before.keys()]
    return sorted([*come, *(f"- {name}" for name in before.keys() - after.keys())])
