"""Take an on-demand backup of the stack's table and wait until it is done."""

import argparse
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ops import stack
from ops.command import Context, number
from ops.errors import OpsError, code
from ops.polling import DeadlineError, duration, poll

ACTIVE = frozenset({"CREATED", "PENDING", "RUNNING", "ABORTING"})
# A job that cannot start keeps trying this long, then EXPIRES; the API's least.
_START_WINDOW_MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class Job:
    """A backup job, as AWS Backup describes it."""

    id: str
    vault: str
    state: str
    point: str = ""
    percent: str = ""
    text: str = ""
    category: str = ""
    size: int | None = None

    @property
    def failure(self) -> str:
        """Why a job that ended is no good backup; empty for a good one.

        AWS reports "completed with issues" as COMPLETED and another category.
        """
        if self.state != "COMPLETED":
            return f"{self.state}: {self.text or 'AWS Backup gives no reason'}"
        if self.category not in ("", "SUCCESS"):
            return f"COMPLETED with {self.category}: {self.text or 'AWS Backup gives no reason'}"
        return "" if self.point else "COMPLETED without a recovery point"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops backup``."""
    parser.add_argument(
        "--retain-days", type=int, default=35, metavar="N",
        help="delete the recovery point after N days, 1 to 36500 (default: 35)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=float, default=60, metavar="MINUTES",
        help="stop waiting after this; the job goes on (default: 60)",
    )  # fmt: skip
    parser.add_argument(
        "--job", metavar="ID", help="start nothing: wait for this job, after an interruption"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Take the backup; the last line on standard output is the recovery point's ARN."""
    days = int(number(arguments, "--retain-days", 1, 36500))
    seconds = 60 * number(arguments, "--timeout", 0.01, 7 * 24 * 60)
    context.say(context.where)
    job_id = arguments.job or start(context, days=days, seconds=seconds)
    again = f"the job goes on; running this again with --job {job_id} continues to wait for it"
    try:
        job = wait(context, job_id, seconds=seconds)
    except DeadlineError as late:
        raise OpsError(f"{late}; {again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(again) from None
    if job.failure:
        raise OpsError(f"backup job {job.id} into vault {job.vault} ended {job.failure}")
    if arguments.json:
        result = {"recovery_point_arn": job.point, "backup_job_id": job.id, "vault": job.vault}
        print(json.dumps(result | {"stack": context.stack, "size_bytes": job.size}))
    else:
        print(job.point)
    return 0


def start(context: Context, *, days: int, seconds: float) -> str:
    """Start an on-demand job into the stack's own vault, kept for ``days``; its id.

    AWS Backup runs one job per table at a time, so one that runs already, for
    example the plan's, is waited for first (up to ``seconds``).
    """
    source = stack.deployed(context.clients, context.stack)
    table, vault = source.output("TableArn"), source.output("BackupVaultName")
    role = source.output("BackupRoleArn")
    backup = context.clients("backup")
    for other in _active(backup, table):
        context.say(f"backup job {other} of the same table runs already: waiting for it first")
        try:
            wait(context, other, seconds=seconds)
        except DeadlineError as late:
            raise OpsError(f"{late}; no backup was started: run this again later") from None
    context.say(f"backing up {table} into {vault}")
    answer = backup.start_backup_job(
        BackupVaultName=vault,
        ResourceArn=table,
        IamRoleArn=role,
        IdempotencyToken=str(uuid.uuid4()),  # the SDK's retries then start one job, not two
        StartWindowMinutes=_START_WINDOW_MINUTES,
        Lifecycle={"DeleteAfterDays": days},
        RecoveryPointTags={"messages:stack": context.stack},
    )
    return str(answer["BackupJobId"])


def wait(context: Context, job_id: str, *, seconds: float) -> Job:
    """The job once it has ended, however it ended, with progress on the way.

    Raises DeadlineError after ``seconds``, OpsError for an id that AWS does not know.
    """
    backup, began, shown = context.clients("backup"), context.clock.monotonic(), ""

    def ended() -> Job | None:
        nonlocal shown
        job = _describe(backup, job_id)
        progress = f"{job.state} {job.percent}".strip()
        if progress != shown:
            elapsed = duration(context.clock.monotonic() - began)
            context.say(f"backup job {job_id}: {progress} after {elapsed}")
            shown = progress
        return None if job.state in ACTIVE else job

    try:
        return poll(ended, seconds=seconds, clock=context.clock)
    except DeadlineError as late:
        raise DeadlineError(f"backup job {job_id} is still {shown} after {late}") from None


def _active(backup: Any, table_arn: str) -> Iterator[str]:
    for page in backup.get_paginator("list_backup_jobs").paginate(ByResourceArn=table_arn):
        for job in page["BackupJobs"]:
            if job["State"] in ACTIVE:
                yield job["BackupJobId"]


def _describe(backup: Any, job_id: str) -> Job:
    try:
        answer = backup.describe_backup_job(BackupJobId=job_id)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        raise OpsError(f"AWS Backup knows no job {job_id}; check --job and --region") from None
    percent = answer.get("PercentDone", "")
    return Job(
        id=job_id,
        vault=answer.get("BackupVaultName", ""),
        state=answer["State"],
        # Without the account's advanced DynamoDB features StartBackupJob does not
        # know the point yet; the finished job does.
        point=answer.get("RecoveryPointArn", ""),
        percent=f"{float(percent):g}%" if percent else "",
        text=answer.get("StatusMessage", ""),
        category=answer.get("MessageCategory", ""),
        size=answer.get("BackupSizeInBytes"),
    )
