"""A deployed stack whose table was deleted by hand: every command says so in the same words."""

from botocore.exceptions import ClientError

from cli.clients import Clients
from cli.errors import code, is_denied
from cli.stack import Stack


def of(clients: Clients, found: Stack | None) -> str:
    """One line that names the missing table of ``found``, and what to do; empty when it is there.

    Empty too where the caller may not ask, and while the stack itself changes or goes.
    """
    table = found.outputs.get("TableName") if found else None
    if not found or not table or not _is_settled(found):
        return ""
    try:
        clients("dynamodb").describe_table(TableName=table)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return _line(found.name, table, clients.region)
        if not is_denied(error):
            raise
    return ""


def _is_settled(found: Stack) -> bool:
    return not found.status.startswith("DELETE_") and not found.status.endswith("_IN_PROGRESS")


def _line(stack: str, table: str, region: str) -> str:
    where = f"--stack {stack} --region {region}"
    return (
        f"table {table} of stack {stack} does not exist in {region} although the stack is "
        "deployed: it was deleted outside CloudFormation. First restore its data: `python -m ops "
        f"backups {where}` lists the backups, `python -m ops restore ARN --target {table}.restored "
        f"{where}` restores one. Then destroy the stack and deploy it again."
    )
