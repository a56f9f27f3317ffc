"""Find the restore that an earlier run began, and refuse a table that is not of it."""

import argparse

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, UsageError, is_denied
from model.names import STACK_TAG
from ops.inventory import stack_tables, vaults
from ops.inventory.found import ExistingTable
from ops.inventory.stack_tables import Restored
from ops.restore import origins


def find(arguments: argparse.Namespace, context: Context) -> Restored:
    """The restore that ``--resume --target`` means.

    Raises OpsError where no such restore is under way, or nothing shows that the table was
    restored from the source; UsageError for the source itself.
    """
    target, sources = arguments.target, _sources(arguments, context)
    if target in sources:
        raise UsageError(f"--target {target} is the source itself")
    table = next(stack_tables.existing(context.clients("dynamodb"), [target]), None)
    if table and table.stack not in ("", context.stack):
        raise OpsError(
            f"table {target} belongs to stack {table.stack} (tag {STACK_TAG}), not to "
            f"{context.stack}; check --target, or pass --stack {table.stack}"
        )
    found = _restored(context, target, table)
    if not found:
        raise OpsError(_unproven(context, target, sources[0], exists=bool(table)))
    if found.source not in sources:
        raise OpsError(
            f"table {target} was restored from {found.source}, not from {', '.join(sources)}; "
            f"check --target, or pass --table {found.source}"
        )
    return found


def _sources(arguments: argparse.Namespace, context: Context) -> tuple[str, ...]:
    """The names that the source has, or had."""
    if arguments.arn:
        return (origins.choose(arguments, context).table,)
    return stack_tables.names(context, arguments.table)


def _restored(context: Context, target: str, table: ExistingTable | None) -> Restored | None:
    """What AWS says, else what the tags of an earlier run do."""
    tagged = Restored(source=table.restored) if table and table.restored else None
    try:
        return stack_tables.restore_of(context, target) or tagged
    except ClientError as error:
        if not tagged or not is_denied(error):
            raise
        return tagged


def _unproven(context: Context, target: str, origin: str, *, exists: bool) -> str:
    if not exists:
        return (
            f"table {target} does not exist, and no restore to that name is under way in "
            f"{context.region}; to begin one, leave out --resume"
        )
    return (
        f"nothing shows that table {target} was restored from {origin}: neither DynamoDB, nor "
        f"AWS Backup's restore jobs, nor the tag {stack_tables.RESTORED_TAG}; check --target, or, if it "
        f"was, tag it and run this again: `aws dynamodb tag-resource --resource-arn "
        f"{vaults.table_arn(context, target)} --tags Key={stack_tables.RESTORED_TAG},Value={origin} "
        f"--region {context.region}`"
    )
