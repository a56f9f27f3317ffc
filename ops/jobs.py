"""Backup jobs: what AWS Backup says of one, and waiting for its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, code
from cli.polling import DeadlineError, duration, poll

ACTIVE = frozenset({"CREATED", "PENDING", "RUNNING", "ABORTING"})
# How AWS Backup ends a job that found another one of the same table still running.
_ONE_AT_A_TIME = "running job for the same resource"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A backup job, as AWS Backup describes it."""

    id: str
    vault: str
    state: str
    resource: str = ""  # the ARN of the table
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
        why = self.text or "AWS Backup gives no reason"
        if _ONE_AT_A_TIME in why:
            why += " AWS Backup runs one job per table at a time: run this again."
        # What these two leave is in the vault, and looks like any other point.
        left = f"; do not rely on the recovery point it left: {self.point}" if self.point else ""
        if self.state == "PARTIAL":
            return f"PARTIAL: {why}{left}"
        if self.state != "COMPLETED":
            return f"{self.state}: {why}"
        if self.category not in ("", "SUCCESS"):
            return f"COMPLETED with {self.category}: {why}{left}"
        return "" if self.point else "COMPLETED without a recovery point"


def running(backup: Any, table_arn: str) -> Iterator[str]:
    """The ids of the table's backup jobs that have not ended."""
    for page in backup.get_paginator("list_backup_jobs").paginate(ByResourceArn=table_arn):
        for job in page["BackupJobs"]:
            if job["State"] in ACTIVE:
                yield job["BackupJobId"]


def wait(context: Context, job_id: str, *, seconds: float) -> Job:
    """The job once it has ended, however it ended, with progress on the way.

    Raises DeadlineError after ``seconds``, OpsError for an id that AWS does not know.
    """
    backup, began, shown = context.clients("backup"), context.clock.monotonic(), ""

    def ended() -> Job | None:
        nonlocal shown
        job = describe(backup, job_id)
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


def describe(backup: Any, job_id: str) -> Job:
    """The job as it is now. Raises OpsError for an id that AWS does not know."""
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
        resource=answer.get("ResourceArn", ""),
        # Without the account's advanced DynamoDB features StartBackupJob does not
        # know the point yet; the finished job does.
        point=answer.get("RecoveryPointArn", ""),
        percent=f"{float(percent):g}%" if percent else "",
        text=answer.get("StatusMessage", ""),
        category=answer.get("MessageCategory", ""),
        size=answer.get("BackupSizeInBytes"),
    )
