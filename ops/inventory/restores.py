"""Which restore made a table, and the restored tables that have no tags yet.

A restored table comes without tags, and `python -m ops restore` tags it when it can be used: the
table of a run that was interrupted before is known only by what AWS says.
"""

import dataclasses
import re
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code, is_denied
from ops.inventory import tables
from ops.inventory.found import Table

# A drill's table; DynamoDB stops saying what it restored a table from.
_DRILL = re.compile(r"(.+)\.drill-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A restore of the table ``source``, from the backup ``arn`` as of ``moment``, if known.

    ``job`` is the id of AWS Backup's restore job; empty for a restore by DynamoDB.
    """

    source: str
    arn: str = ""
    moment: datetime | None = None
    job: str = ""


def of(context: Context, table: str) -> Restored | None:
    """The restore that made ``table``, or is about to; None where AWS shows none.

    AWS Backup remembers jobs for a while, DynamoDB a restore until the table is ACTIVE
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html).
    """
    described = _described(context.clients("dynamodb"), table)
    summary = described.get("RestoreSummary") if described else None
    try:
        if found := _by_job(context.clients("backup"), table, described):
            return found
    except ClientError as error:
        if not summary or not is_denied(error):
            raise
    if not summary:
        return None
    return Restored(
        source=tables.name_of(summary.get("SourceTableArn", "")),
        arn=summary.get("SourceBackupArn", ""),
        moment=summary.get("RestoreDateTime"),
    )


def untagged(context: Context, names: Collection[str], known: Container[str]) -> Iterator[Table]:
    """Restored tables of the tables ``names`` that interrupted runs left without tags.

    Only names that begin with one of ``names`` and a dot: the stack's role restores to no others,
    and no stage's own table has a dot in its name. Those in ``known`` are left out.
    """
    if not names:
        return
    dynamodb = context.clients("dynamodb")
    prefixes = tuple(f"{name}." for name in names)
    listed = dynamodb.get_paginator("list_tables").paginate()
    found = [name for page in listed for name in page["TableNames"] if name.startswith(prefixes)]
    for table in tables.existing(dynamodb, [name for name in found if name not in known]):
        if table.stack not in ("", context.stack):
            continue
        source = table.restored or _source(context, table.name)
        if source in names:
            yield dataclasses.replace(table, stack=context.stack, restored=source)


def _source(context: Context, table: str) -> str:
    if drill := _DRILL.fullmatch(table):
        return drill[1]
    found = of(context, table)
    return found.source if found else ""


def _by_job(backup: Any, table: str, described: dict[str, Any] | None) -> Restored | None:
    pages = backup.get_paginator("list_restore_jobs").paginate(ByResourceType="DynamoDB")
    jobs = [job for page in pages for job in page["RestoreJobs"]]
    for job in sorted(jobs, key=lambda job: job["CreationDate"], reverse=True):
        if _may_have_made(job, described) and _target(backup, job) == table:
            return Restored(
                source=tables.name_of(job.get("SourceResourceArn", "")),
                arn=job["RecoveryPointArn"],
                moment=job.get("RecoveryPointCreationDate"),
                job=job["RestoreJobId"],
            )
    return None


def _may_have_made(job: dict[str, Any], described: dict[str, Any] | None) -> bool:
    """Whether the table came while the job ran; another one may have its name now."""
    if not described:
        return bool(job["Status"] != "COMPLETED")
    made, end = described["CreationDateTime"], job.get("CompletionDate")
    # AWS gives some times in whole seconds.
    began_before = int(job["CreationDate"].timestamp()) <= made.timestamp()
    return began_before and (not end or int(made.timestamp()) <= end.timestamp())


def _target(backup: Any, job: dict[str, Any]) -> str:
    """The name of the table that a job makes; of one that has not ended only its metadata say it.

    Their keys count in any case
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html).
    """
    if created := job.get("CreatedResourceArn"):
        return tables.name_of(created)
    kept = backup.get_restore_job_metadata(RestoreJobId=job["RestoreJobId"])["Metadata"]
    return str({key.lower(): value for key, value in kept.items()}.get("targettablename", ""))


def _described(dynamodb: Any, table: str) -> dict[str, Any] | None:
    try:
        described: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return None
    return described
