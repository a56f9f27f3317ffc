"""The custom resource that seeds the table: CloudFormation's event in, attributes out.

Runs behind the CDK provider framework
(https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html):
what it returns becomes the resource's attributes, what it raises the reason of
the failure.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config

from seed.apply import WORKERS, apply
from seed.changes import Outcome
from seed.source import SourceMissing, items
from seed.wire import Typed
from seed.writer import Table

# Throttling is normal on a table that was made a moment ago. What is sent was
# validated at synth, against more than botocore knows.
_CLIENT = Config(
    retries={"mode": "standard", "total_max_attempts": 10},
    # One request that hangs must not use up the function's 15 minutes.
    connect_timeout=5,
    read_timeout=15,
    max_pool_connections=WORKERS,
    parameter_validation=False,
)


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Bring the table from the old seed to the new one; a Delete leaves the data alone.

    The id never changes, on any path: a changed id would make CloudFormation
    delete the "old" resource after every update.
    """
    physical_id = event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-seed"
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": physical_id}
    properties, old_properties = event["ResourceProperties"], event.get("OldResourceProperties")
    s3 = boto3.client("s3", config=_CLIENT)
    table = Table(boto3.client("dynamodb", config=_CLIENT), properties["TableName"])
    outcomes = apply(table, old=_old(s3, properties, old_properties), new=items(s3, properties))
    counts = _counts(outcomes)
    _log("seeded", request=event["RequestType"], table=properties["TableName"], **counts)
    return {"PhysicalResourceId": physical_id, "Data": counts}


def _old(
    s3: Any, properties: Mapping[str, Any], old_properties: Mapping[str, Any] | None
) -> Iterator[Typed] | None:
    """The seed that the table had; None when it had none, or when nobody knows any more."""
    # A table that replaced another one starts without anything of the old seed.
    if old_properties is None or old_properties["TableName"] != properties["TableName"]:
        return None
    try:
        return items(s3, old_properties)
    except SourceMissing as error:
        # For example after `cdk gc`. Without it nothing can be told from an
        # edit, so nothing is rewritten or removed.
        _log("old seed is missing", reason=str(error))
        return None


def _counts(outcomes: Counter[Outcome]) -> dict[str, int]:
    """The resource's attributes. Total is the seed's size, Present what of it is in the table."""
    present = sum(outcomes[o] for o in (Outcome.WRITTEN, Outcome.UNCHANGED, Outcome.EDITED))
    preserved = sum(outcomes[o] for o in (Outcome.EDITED, Outcome.DELETED, Outcome.KEPT))
    return {
        "Total": present + outcomes[Outcome.DELETED],
        "Present": present,
        "Written": outcomes[Outcome.WRITTEN],
        "Unchanged": outcomes[Outcome.UNCHANGED],
        "Preserved": preserved,
        "Removed": outcomes[Outcome.REMOVED],
    }


def _log(message: str, **fields: object) -> None:
    """One line of JSON: CloudWatch Logs Insights reads its fields by name."""
    print(json.dumps({"message": message, **fields}))
