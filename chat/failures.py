"""What DynamoDB's refusals mean for a command, said with the table, the region and the remedy."""

from typing import Any

from botocore.exceptions import ClientError

from chat.target import Target
from cli.errors import OpsError, code, message
from model.messages import INDEX_NAME


def explained(error: ClientError, target: Target) -> OpsError | None:
    """An error that says what to do; None where this module knows no better.

    On AWS a table that is still being created answers as one that is missing:
    its description tells them apart.
    """
    if error.operation_name not in _operations(target):
        return None
    table, kind, text = target.table_name, code(error), message(error)
    if kind == "ResourceNotFoundException":
        return OpsError(_missing(target, table))
    if kind == "ValidationException" and "does not have the specified index" in text:
        return OpsError(
            f"table {table} in {target.region} has no index {INDEX_NAME}; deploy its stack again, "
            "or name another table with --table, --stage or --stack"
        )
    if kind == "ValidationException" and "backfilling" in text:
        return OpsError(f"the index {INDEX_NAME} of table {table} is still being filled; run this again later")
    return None


def _operations(target: Target) -> frozenset[str]:
    """The operations that act on the table; that Cognito or CloudFormation misses something is
    no matter of ours."""
    names = target.client.meta.method_to_api_mapping.values()
    return frozenset(names) - {"ListTables"}


def _missing(target: Target, table: str) -> str:
    status = _status(target, table)
    if status in ("CREATING", "UPDATING", "ACTIVE"):
        return f"table {table} in {target.region} cannot be used yet (status {status}); run this again in a moment"
    if status:
        return f"table {table} in {target.region} cannot be used (status {status})"
    if missing := target.missing_table():
        return missing
    unsure = ", or is still being created" if status is None else ""
    return (
        f"table {table} does not exist in {target.region}{unsure}; deploy it, or name another one "
        "with --table, --stage, --stack or --region"
    )


def _status(target: Target, table: str) -> str | None:
    """The table's status; empty when there is none, None when nobody says."""
    try:
        described: dict[str, Any] = target.client.describe_table(TableName=table)
    except ClientError as error:
        return "" if code(error) == "ResourceNotFoundException" else None
    return str(described["Table"]["TableStatus"])
