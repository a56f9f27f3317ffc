"""Carry out one restore: start it, wait until the new table can be used."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, code
from cli.polling import duration, poll
from ops.inventory.found import Point
from ops.restore.origins import Origin

_ENDED = frozenset({"COMPLETED", "ABORTED", "FAILED"})


@dataclass(frozen=True, kw_only=True)
class Target:
    """The table to be: its name, the ``role`` AWS Backup makes it as, the ``key`` it gets.

    AWS Backup is told the key, or another encryption, in the ``metadata``. Without a
    role DynamoDB restores it as the caller; without a key it is encrypted as the
    backup says.
    """

    name: str
    role: str = ""
    key: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class Underway:
    """A restore to the table ``name``, which AWS carries out: waited for.

    ``job`` is that of AWS Backup, if it has one.
    """

    def __init__(self, context: Context, name: str, job: str = "") -> None:
        self.name, self.job = name, job
        self._context = context
        self._dynamodb, self._backup = context.clients("dynamodb"), context.clients("backup")
        self._began, self._shown = context.clock.monotonic(), ""

    def wait(self, *, seconds: float) -> float:
        """Return when the table is ACTIVE, with the seconds since the beginning.

        Raises DeadlineError after ``seconds``, OpsError when AWS Backup's job fails.
        """
        clock = self._context.clock
        if self.job:
            poll(self._job_ended, seconds=seconds, clock=clock)
        left = max(0.0, seconds - (clock.monotonic() - self._began))
        poll(self._active, seconds=left, clock=clock)
        return clock.monotonic() - self._began

    def ended(self) -> bool:
        """Whether AWS Backup's job is over, well or not; the table's state is its own."""
        if not self.job:
            return True
        job = self._backup.describe_restore_job(RestoreJobId=self.job)
        return job["Status"] in _ENDED

    def _job_ended(self) -> bool | None:
        job = self._backup.describe_restore_job(RestoreJobId=self.job)
        self._show(f"restore job {self.job}: {job['Status']} {job.get('PercentDone', '')}".strip())
        if job["Status"] not in _ENDED:
            return None
        if job["Status"] != "COMPLETED":
            why = job.get("StatusMessage") or "AWS Backup gives no reason"
            raise OpsError(f"restore job {self.job} ended {job['Status']}: {why}")
        return True

    def _active(self) -> bool | None:
        state = status(self._dynamodb, self.name)
        self._show(f"table {self.name}: {state or 'not there yet'}")
        return True if state == "ACTIVE" else None

    def _show(self, progress: str) -> None:
        if progress != self._shown:
            elapsed = duration(self._context.clock.monotonic() - self._began)
            self._context.say(f"{progress} after {elapsed}")
            self._shown = progress


class Restoration(Underway):
    """A restore of ``origin`` into ``target``; ``refused`` says that AWS began none."""

    def __init__(self, context: Context, origin: Origin, target: Target) -> None:
        super().__init__(context, target.name)
        self.origin, self.target, self.refused = origin, target, False

    def begin(self) -> None:
        """Start it; AWS goes on with it whatever becomes of this process."""
        self._context.say(f"restoring {self.origin.label} to table {self.name}")
        self._began = self._context.clock.monotonic()
        try:
            self._begin()
        except ClientError:
            self.refused = True
            raise

    def _begin(self) -> None:
        if self.origin.point and self.target.role:
            self.job = self._start_job(self.origin.point)
        elif self.origin.arn:
            self._dynamodb.restore_table_from_backup(BackupArn=self.origin.arn, TargetTableName=self.name, **self._key)
        else:
            when: dict[str, Any] = {"RestoreDateTime": self.origin.moment}
            self._dynamodb.restore_table_to_point_in_time(
                SourceTableName=self.origin.table,
                TargetTableName=self.name,
                **({"UseLatestRestorableTime": True} if self.origin.latest else when),
                **self._key,
            )

    @property
    def _key(self) -> dict[str, Any]:
        if not self.target.key:
            return {}
        encrypted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": self.target.key}
        return {"SSESpecificationOverride": encrypted}

    def _start_job(self, point: Point) -> str:
        """Start AWS Backup's job; its id."""
        answer = self._backup.start_restore_job(
            RecoveryPointArn=point.arn,
            Metadata={**self.target.metadata, "targetTableName": self.name},
            IamRoleArn=self.target.role,
            IdempotencyToken=str(uuid.uuid4()),  # the SDK's retries then start one job, not two
            ResourceType="DynamoDB",
        )
        return str(answer["RestoreJobId"])


def status(dynamodb: Any, table: str) -> str:
    """The table's status, for example ACTIVE; empty when there is no such table."""
    try:
        return str(dynamodb.describe_table(TableName=table)["Table"]["TableStatus"])
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return ""
