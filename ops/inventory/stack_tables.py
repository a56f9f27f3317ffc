"""A stack's tables: their names, those that still exist, and the restores that made them."""

import dataclasses
import re
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.clients import default_table, deleted_stacks, find_stack
from cli.command_line import Context
from cli.errors import OpsError, code, is_denied
from model.names import STACK_TAG
from ops.inventory.found import ExistingTable, Point
from ops.inventory.vaults import allowed, rows, tagged

# The tag on a table that `python -m ops restore` made; its value names the table that was backed up.
RESTORED_TAG = "messages:restored"
# The temporary table of a drill or a recovery; DynamoDB stops showing what it was restored from.
TEMPORARY = re.compile(r"(.+)\.(?:drill-[0-9a-f]{8}|recover-([0-9a-f]{8}|\d{8}T\d{6}Z))")


def names(context: Context, given: str | None = None) -> tuple[str, ...]:
    """The names of the table that a command is about, while the stack exists and after it is gone.

    The first of: ``given``; the stack's output; the tags of its vaults and the outputs of deleted
    stacks of its name, which may name several; the stage's default name. Raises OpsError for none.
    """
    if given is not None:
        return (given,)
    deployed = find_stack(context.clients, context.stack)
    if deployed and deployed.outputs.get("TableName"):
        return (deployed.outputs["TableName"],)
    traces = [
        *allowed(vault.table for vault in tagged(context.clients("backup"), context.stack)),
        *allowed(old.outputs.get("TableName", "") for old in deleted_stacks(context.clients, context.stack)),
    ]
    found = tuple(dict.fromkeys(name for name in traces if name))
    if not found and (default := default_table(context.stack)):
        return (default,)
    if not found:
        raise OpsError(
            f"stack {context.stack} does not exist in {context.region}, and no trace of it names its table; "
            "pass --table"
        )
    return found


def name_of(arn: str) -> str:
    """The table's name in its ARN; empty for anything else."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return name if kind == "table" and ":dynamodb:" in arn else ""


def described(dynamodb: Any, table: str) -> dict[str, Any]:
    """DynamoDB's description of ``table``; empty when there is no such table."""
    try:
        shown: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return {}
    return shown


def existing(dynamodb: Any, names: Iterable[str]) -> Iterator[ExistingTable]:
    """Those of ``names`` that exist."""
    for name in names:
        if shown := described(dynamodb, name):
            yield _table(dynamodb, shown)


def encrypted_with(dynamodb: Any, keys: Collection[str]) -> Iterator[ExistingTable]:
    """The tables of the region that are encrypted with one of ``keys`` (ARNs), whatever their names and tags."""
    for name in rows(dynamodb, "list_tables", "TableNames") if keys else ():
        shown = described(dynamodb, name)
        if shown.get("SSEDescription", {}).get("KMSMasterKeyArn") in keys:
            yield _table(dynamodb, shown)


def origin(table: ExistingTable) -> str:
    """For people: ``restored from`` its source; empty for a table that was not restored."""
    being = "being " if table.creating else ""
    return f"{being}restored from {table.restored}" if table.restored else ""


def deletion(name: str, region: str) -> str:
    """The command that deletes a table, for people."""
    return f"`aws dynamodb delete-table --table-name {name} --region {region}`"


def how_to_delete(table: ExistingTable, region: str) -> str:
    """The commands that delete ``table``, for people."""
    delete = deletion(table.name, region)
    if table.protected:
        call = f"--table-name {table.name} --region {region}"
        unprotect = f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
        delete = f"{unprotect}, wait until it is ACTIVE, then {delete}"
    return f"wait until it is ACTIVE, then {delete}" if table.creating else delete


def _table(dynamodb: Any, shown: dict[str, Any]) -> ExistingTable:
    arn, indexes = shown["TableArn"], shown.get("GlobalSecondaryIndexes", [])
    # Local indexes have no throughput of their own, but they are stored.
    stored = [*indexes, *shown.get("LocalSecondaryIndexes", [])]
    units = [shape.get("ProvisionedThroughput", {}) for shape in (shown, *indexes)]
    tags = {tag["Key"]: tag["Value"] for tag in rows(dynamodb, "list_tags_of_resource", "Tags", ResourceArn=arn)}
    regions = {replica["RegionName"] for replica in shown.get("Replicas", [])}
    return ExistingTable(
        name=shown["TableName"],
        stack=tags.get(STACK_TAG, ""),
        restored=tags.get(RESTORED_TAG, ""),
        creating=shown["TableStatus"] == "CREATING",
        key=shown.get("SSEDescription", {}).get("KMSMasterKeyArn", ""),
        protected=shown.get("DeletionProtectionEnabled", False),
        replicas=tuple(sorted(regions - {arn.split(":")[3]})),
        bytes=shown.get("TableSizeBytes", 0) + sum(index.get("IndexSizeBytes", 0) for index in stored),
        items=shown.get("ItemCount", 0),
        read_units=sum(given.get("ReadCapacityUnits", 0) for given in units),
        write_units=sum(given.get("WriteCapacityUnits", 0) for given in units),
    )


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A restore of the table ``source``, from the backup ``arn`` or else from point-in-time recovery."""

    source: str
    arn: str = ""
    moment: datetime | None = None
    point: Point | None = None  # the backup, if AWS Backup has it
    latest: bool = False  # at the latest possible time
    job: str = ""  # the id of AWS Backup's restore job, if it runs one


def restore_of(context: Context, table: str) -> Restored | None:
    """The restore that made ``table``, or is about to; None where AWS shows none.

    AWS Backup remembers jobs for a while, DynamoDB a restore until the table is ACTIVE
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html).
    """
    shown, backup = described(context.clients("dynamodb"), table), context.clients("backup")
    summary = shown.get("RestoreSummary")
    try:
        jobs = sorted(
            rows(backup, "list_restore_jobs", "RestoreJobs", ByResourceType="DynamoDB"),
            key=lambda job: job["CreationDate"],
            reverse=True,
        )
        for job in jobs:
            # A finished job made another table of that name, if there is none now.
            if (shown or job["Status"] != "COMPLETED") and _target(backup, job) == table:
                return Restored(
                    source=name_of(job.get("SourceResourceArn", "")),
                    arn=job["RecoveryPointArn"],
                    moment=job.get("RecoveryPointCreationDate"),
                    job=job["RestoreJobId"],
                )
    except ClientError as error:
        if not summary or not is_denied(error):
            raise
    if not summary:
        return None
    source, arn = name_of(summary.get("SourceTableArn", "")), summary.get("SourceBackupArn", "")
    return Restored(source=source, arn=arn, moment=summary.get("RestoreDateTime"))


def _target(backup: Any, job: dict[str, Any]) -> str:
    """The name of the table that a job makes; until the job has ended, only its metadata have it."""
    if created := job.get("CreatedResourceArn"):
        return name_of(created)
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html: in any case of letters
    kept = backup.get_restore_job_metadata(RestoreJobId=job["RestoreJobId"])["Metadata"]
    return str({key.lower(): value for key, value in kept.items()}.get("targettablename", ""))


def untagged(context: Context, names: Collection[str], known: Container[str]) -> Iterator[ExistingTable]:
    """Restored tables of the tables ``names`` that interrupted restores left without tags.

    A restored table has no tags until `python -m ops restore` adds them when it can be used.
    Only names that begin with one of ``names`` and a dot: the stack's role restores to no others,
    and no stage's own table has a dot in its name. Those in ``known`` are left out.
    """
    dynamodb, prefixes = context.clients("dynamodb"), tuple(f"{name}." for name in names)
    every = list(rows(dynamodb, "list_tables", "TableNames")) if names else []
    for table in existing(dynamodb, [name for name in every if name.startswith(prefixes) and name not in known]):
        if table.stack not in ("", context.stack):
            continue
        temporary = TEMPORARY.fullmatch(table.name)
        source = table.restored or (temporary[1] if temporary else "")
        if not source and (found := restore_of(context, table.name)):
            source = found.source
        if source in names:
            yield dataclasses.replace(table, stack=context.stack, restored=source)
