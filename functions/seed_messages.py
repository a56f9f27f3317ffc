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
from botocore.exceptions import ClientError

from dynamo.apply import WORKERS, apply
from dynamo.changes import Outcome
from dynamo.writer import Table
from functions.seed_source import SourceMissing, items
from functions.seed_users import under_ids
from model.directory import Directory, pool_region
from model.wire import Typed

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
# To this function, or for ever.
_POOL_IS_CLOSED = frozenset({"AccessDeniedException", "ResourceNotFoundException"})


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
    new = _new(s3, properties)
    outcomes = apply(table, old=_old(s3, properties, old_properties), new=new)
    counts = _counts(outcomes)
    _log("seeded", request=event["RequestType"], table=properties["TableName"], **counts)
    return {"PhysicalResourceId": physical_id, "Data": counts}


def _new(s3: Any, properties: Mapping[str, Any]) -> Iterator[Typed]:
    """The seed that the table shall have. Raises ValueError for a user that the pool lacks."""
    named = items(s3, properties)
    users = _users(properties)
    return under_ids(named, users) if users else named


def _old(s3: Any, properties: Mapping[str, Any], old_properties: Mapping[str, Any] | None) -> Iterator[Typed] | None:
    """The seed that the table had; None when it had none, or when nobody knows any more."""
    # A table that replaced another one starts without anything of the old seed.
    if old_properties is None or old_properties["TableName"] != properties["TableName"]:
        return None
    try:
        named = items(s3, old_properties)
        users = _users(old_properties)
        return under_ids(named, users, unknown=_log_unknown) if users else named
    except SourceMissing as error:
        # For example after `cdk gc`. Without it nothing can be told from an
        # edit, so nothing is rewritten or removed.
        _log("old seed is missing", reason=str(error))
    except ClientError as error:
        # A stage that changed its pool may no longer ask the old one.
        if error.response["Error"]["Code"] not in _POOL_IS_CLOSED:
            raise
        _log("users of the old seed are unknown", reason=str(error))
    return None


def _users(properties: Mapping[str, Any]) -> Directory | None:
    """Who is behind the names of a seed; None where names are all there is."""
    pool = properties.get("UserPoolId")
    if not pool:
        return None
    return Directory(boto3.client("cognito-idp", region_name=pool_region(pool), config=_CLIENT), pool)


def _log_unknown(error: ValueError) -> None:
    # They are gone, or called otherwise, since that seed was written: what it
    # wrote for them cannot be found and stays.
    _log("a user of the old seed is unknown", reason=str(error))


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
