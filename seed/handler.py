"""The custom resource that seeds the table: CloudFormation's event in, attributes out.

Runs behind the CDK provider framework
(https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html):
what it returns becomes the resource's attributes, what it raises the reason of
the failure.
"""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from seed.changes import key_of, plan
from seed.writer import read, write

# Throttling is normal on a table that was made a moment ago.
_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 10})


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Bring the table from the old seed to the new one; a Delete leaves the data alone.

    The id never changes, on any path: a changed id would make CloudFormation
    delete the "old" resource after every update.
    """
    physical_id = event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-seed"
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": physical_id}
    dynamodb = boto3.resource("dynamodb", config=_RETRIES)
    properties = event["ResourceProperties"]
    counts = _apply(dynamodb, properties, event.get("OldResourceProperties", {}))
    _log(request=event["RequestType"], table=properties["TableName"], **counts)
    return {"PhysicalResourceId": physical_id, "Data": counts}


def _apply(
    dynamodb: Any, properties: Mapping[str, Any], old_properties: Mapping[str, Any]
) -> dict[str, int]:
    """Make the changes, prove them by reading again, and count what happened."""
    table, new = properties["TableName"], properties["Messages"]
    # A table that replaced another one starts without anything of the old seed.
    same_table = old_properties.get("TableName") == table
    old = old_properties["Messages"] if same_table else []

    keys = list(dict.fromkeys(map(key_of, [*old, *new])))
    changes = plan(old, new, read(dynamodb, table, keys))
    lost = set(write(dynamodb, table, changes.writes))

    done = [w for w in changes.writes if key_of(w.after or w.before or {}) not in lost]
    written = [key_of(w.after) for w in done if w.after is not None]
    present = read(dynamodb, table, list(map(key_of, new)))
    if missing := [key for key in written if key not in present]:
        raise RuntimeError(f"{len(missing)} of {len(written)} items written to {table} are "
                           f"not there, among them {missing[0]}")  # fmt: skip
    return {
        "Total": len(new),
        "Present": len(present),
        "Written": len(written),
        "Unchanged": len(changes.unchanged),
        "Preserved": len(changes.preserved) + len(lost),
        "Removed": len(done) - len(written),
    }


def _log(**fields: object) -> None:
    """One line of JSON: CloudWatch Logs Insights reads its fields by name."""
    print(json.dumps({"message": "seeded", **fields}))
