"""Changes of a table that CloudFormation, or DynamoDB behind it, refuses. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.spelling import spelled
from ops.review.survival import protections

TABLES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
Properties = Mapping[str, Any]


def table_failures(old: Properties, new: Properties) -> Iterator[str]:
    """Why an update of a table from ``old`` to ``new`` fails, a line each."""
    yield from _of_indexes(old, new)
    yield from _of_billing(old, new)
    yield from _of_replicas(old, new)


def _of_indexes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html"""
    before, after = (
        {spelled(index.get("IndexName")): index for index in one.get("GlobalSecondaryIndexes", [])}
        for one in (old, new)
    )
    for name in before:
        for key in ("KeySchema", "Projection"):
            if name in after and before[name].get(key) != after[name].get(key):
                yield f"{key} of index {name}: an index cannot be changed, only another one made"
    if len(moves := _moves(before, after)) > 1:
        yield (
            f"indexes {', '.join(moves)}: DynamoDB makes or deletes one index an update; "
            "deploy them one after the other"
        )


def _moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names that come (+) and go (-), in order."""
    come = [f"+ {name}" for name in after.keys() - before.keys()]
    return sorted([*come, *(f"- {name}" for name in before.keys() - after.keys())])


def _of_billing(old: Properties, new: Properties) -> Iterator[str]:
    """CloudFormation reference, GlobalTable CapacityAutoScalingSettings; aws-cdk#27735."""
    modes = tuple(one.get("BillingMode", "PROVISIONED") for one in (old, new))
    if modes == ("PAY_PER_REQUEST", "PROVISIONED") and _lacks_seed_capacity(new):
        yield ("BillingMode PROVISIONED: CloudFormation refuses the switch unless all that scales has a SeedCapacity")
    if modes == ("PROVISIONED", "PAY_PER_REQUEST") and _lacks_seed_capacity(old):
        yield (
            "BillingMode PAY_PER_REQUEST: CloudFormation refuses the switch unless all that scales "
            "has a SeedCapacity already, for a rollback; deploy it once as PROVISIONED with one, "
            "then switch"
        )


def _lacks_seed_capacity(value: Any) -> bool:
    """Whether anything in ``value`` scales and has no seed capacity; a Table has none in it."""
    if isinstance(value, Mapping):
        if "MaxCapacity" in value:
            return "SeedCapacity" not in value
        return any(map(_lacks_seed_capacity, value.values()))
    return isinstance(value, list) and any(map(_lacks_seed_capacity, value))


def _of_replicas(old: Properties, new: Properties) -> Iterator[str]:
    """CloudFormation reference, GlobalTable Replicas; DynamoDB guide, global tables."""
    before, after = (dict(protections(one)) for one in (old, new))
    for region in sorted(before.keys() - after.keys()):
        if before[region]:
            call = f"--table-name {spelled(new.get('TableName', 'TABLE'))} --region {region}"
            yield (
                f"the replica in {region}, protected against deletion, cannot leave before "
                f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
            )
    if len(moves := _moves(before, after)) > 1:
        yield (
            f"replicas {', '.join(moves)}: CloudFormation adds or deletes one replica an "
            "update; deploy them one after the other"
        )
