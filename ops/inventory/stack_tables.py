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
from cli.errors import OpsError, UsageError, code, is_denied
from model.names import STACK_TAG, TABLE_NAME
from ops.inventory import vaults
from ops.inventory.found import ExistingTable

# The tag on a table that `python -m ops restore` made; its value names the table that was backed up.
RESTORED_TAG = "messages:restored"
# The table of a drill; DynamoDB stops showing what it was restored from.
_DRILL = re.compile(r"(.+)\.drill-[0-9a-f]{8}")


def names(context: Context, given: str | None = None) -> tuple[str, ...]:
    """The names of the table that a command is about, while the stack exists and after it is gone.

    The first of: ``given``; the stack's output; the tags of its vaults and the outputs of deleted
    stacks of its name, which may tell several; the stage's default name.

    Raises UsageError for a malformed name, OpsError when no name is found.
    """
    if given is not None:
        return (check_name("--table", given),)
    deployed = find_stack(context.clients, context.stack)
    if deployed and deployed.outputs.get("TableName"):
        return (deployed.outputs["TableName"],)
    traces = [
        *vaults.allowed(vault.table for vault in vaults.tagged(context.clients("backup"), context.stack)),
        *vaults.allowed(old.outputs.get("TableName", "") for old in deleted_stacks(context.clients, context.stack)),
    ]
    found = tuple(dict.fromkeys(name for name in traces if name))
    default = default_table(context.stack)
    if not found and default is None:
        raise OpsError(
            f"stack {context.stack} does not exist in {context.region}, and no trace of it names its table; "
            "pass --table"
        )
    return found or (str(default),)


def check_name(option: str, name: str) -> str:
    """``name``. Raises UsageError unless it can be a table's name."""
    if not TABLE_NAME.fullmatch(name):
        raise UsageError(f"{option} '{name}' is not a table name: 3 to 255 letters, digits, '_', '.' and '-'")
    return name


def name_of(arn: str) -> str:
    """The table's name in its ARN; empty for anything else."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return name if kind == "table" and ":dynamodb:" in arn else ""


def existing(dynamodb: Any, names: Iterable[str]) -> Iterator[ExistingTable]:
    """Those of ``names`` that exist."""
    for name in names:
        if shown := described(dynamodb, name):
            yield _table(dynamodb, shown)


def encrypted_with(dynamodb: Any, keys: Collection[str]) -> Iterator[ExistingTable]:
    """The tables of the region that are encrypted with one of ``keys`` (ARNs).

    Looks at every table: one that AWS restored carries neither tag nor name of the deployment,
    and is unreadable once its key is deleted.
    """
    for name in _every_name(dynamodb) if keys else ():
        shown = described(dynamodb, name)
        if shown and _key(shown) in keys:
            yield _table(dynamodb, shown)


def origin(table: ExistingTable) -> str:
    """For people: ``restored from`` its source; empty for a table that was not restored."""
    being = "being " if table.creating else ""
    return f"{being}restored from {table.restored}" if table.restored else ""


def how_to_delete(table: ExistingTable, region: str) -> str:
    """The commands that delete ``table``, for people."""
    call = f"--table-name {table.name} --region {region}"
    delete = f"`aws dynamodb delete-table {call}`"
    if table.protected:
        unprotect = f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
        delete = f"{unprotect}, wait until it is ACTIVE, then {delete}"
    return f"wait until it is ACTIVE, then {delete}" if table.creating else delete


def _every_name(dynamodb: Any) -> list[str]:
    return list(vaults.rows(dynamodb, "list_tables", "TableNames"))


def described(dynamodb: Any, table: str) -> dict[str, Any]:
    """DynamoDB's description of ``table``; empty when there is no such table."""
    try:
        shown: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return {}
    return shown


def _table(dynamodb: Any, described: dict[str, Any]) -> ExistingTable:
    indexes = described.get("GlobalSecondaryIndexes", [])
    # Local indexes have no throughput of their own, but they are stored.
    stored = [*indexes, *described.get("LocalSecondaryIndexes", [])]
    units = [shape.get("ProvisionedThroughput", {}) for shape in (described, *indexes)]
    tags = _tags(dynamodb, described["TableArn"])
    regions = {replica["RegionName"] for replica in described.get("Replicas", [])}
    return ExistingTable(
        name=described["TableName"],
        stack=tags.get(STACK_TAG, ""),
        restored=tags.get(RESTORED_TAG, ""),
        creating=described["TableStatus"] == "CREATING",
        key=_key(described),
        protected=described.get("DeletionProtectionEnabled", False),
        replicas=tuple(sorted(regions - {described["TableArn"].split(":")[3]})),
        bytes=described.get("TableSizeBytes", 0) + sum(index.get("IndexSizeBytes", 0) for index in stored),
        items=described.get("ItemCount", 0),
        read_units=sum(given.get("ReadCapacityUnits", 0) for given in units),
        write_units=sum(given.get("WriteCapacityUnits", 0) for given in units),
    )


def _key(described: dict[str, Any]) -> str:
    return str(described.get("SSEDescription", {}).get("KMSMasterKeyArn", ""))


def _tags(dynamodb: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in vaults.rows(dynamodb, "list_tags_of_resource", "Tags", ResourceArn=arn)}


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A restore of the table ``source``, from the backup ``arn`` as of ``moment``, if known.

    ``job`` is the id of AWS Backup's restore job; empty for a restore by DynamoDB.
    """

    source: str
    arn: str = ""
    moment: datetime | None = None
    job: str = ""


def restore_of(context: Context, table: str) -> Restored | None:
    """The restore that made ``table``, or is about to; None where AWS shows none.

    AWS Backup remembers jobs for a while, DynamoDB a restore until the table is ACTIVE
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html).
    """
    shown = described(context.clients("dynamodb"), table)
    summary = shown.get("RestoreSummary")
    try:
        if found := _by_job(context.clients("backup"), table, shown):
            return found
    except ClientError as error:
        if not summary or not is_denied(error):
            raise
    if not summary:
        return None
    return Restored(
        source=name_of(summary.get("SourceTableArn", "")),
        arn=summary.get("SourceBackupArn", ""),
        moment=summary.get("RestoreDateTime"),
    )


def untagged(context: Context, names: Collection[str], known: Container[str]) -> Iterator[ExistingTable]:
    """Restored tables of the tables ``names`` that interrupted restores left without tags.

    A restored table has no tags until `python -m ops restore` adds them when it can be used.
    Only names that begin with one of ``names`` and a dot: the stack's role restores to no others,
    and no stage's own table has a dot in its name. Those in ``known`` are left out.
    """
    if not names:
        return
    dynamodb = context.clients("dynamodb")
    prefixes = tuple(f"{name}." for name in names)
    found = [name for name in _every_name(dynamodb) if name.startswith(prefixes) and name not in known]
    for table in existing(dynamodb, found):
        if table.stack not in ("", context.stack):
            continue
        source = table.restored or _source(context, table.name)
        if source in names:
            yield dataclasses.replace(table, stack=context.stack, restored=source)


def _source(context: Context, table: str) -> str:
    if drill := _DRILL.fullmatch(table):
        return drill[1]
    found = restore_of(context, table)
    return found.source if found else ""


def _by_job(backup: Any, table: str, shown: dict[str, Any]) -> Restored | None:
    jobs = vaults.rows(backup, "list_restore_jobs", "RestoreJobs", ByResourceType="DynamoDB")
    for job in sorted(jobs, key=lambda job: job["CreationDate"], reverse=True):
        if _may_have_made(job, shown) and _target(backup, job) == table:
            return Restored(
                source=name_of(job.get("SourceResourceArn", "")),
                arn=job["RecoveryPointArn"],
                moment=job.get("RecoveryPointCreationDate"),
                job=job["RestoreJobId"],
            )
    return None


def _may_have_made(job: dict[str, Any], shown: dict[str, Any]) -> bool:
    """Whether the table was created while the job ran; another one may have its name now."""
    if not shown:
        return bool(job["Status"] != "COMPLETED")
    made, end = shown["CreationDateTime"], job.get("CompletionDate")
    # AWS gives some times in whole seconds.
    began_before = int(job["CreationDate"].timestamp()) <= made.timestamp()
    return began_before and (not end or int(made.timestamp()) <= end.timestamp())


def _target(backup: Any, job: dict[str, Any]) -> str:
    """The name of the table that a job makes; until the job has ended, only its metadata have it.

    The case of their keys does not matter
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html).
    """
    if created := job.get("CreatedResourceArn"):
        return name_of(created)
    kept = backup.get_restore_job_metadata(RestoreJobId=job["RestoreJobId"])["Metadata"]
    return str({key.lower(): value for key, value in kept.items()}.get("targettablename", ""))
