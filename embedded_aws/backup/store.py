"""Records of AWS Backup beyond the engine's vaults, plans and selections, and their descriptions.

Nothing runs in the background: a record keeps the times of its life, and its state follows from
them at each request. The output shapes of Describe and List are those of the model. Lifecycles
(model and guide): from 1 to 36500 days, -1 for no end, and at least 90 days in cold storage.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import ministack.services.backup as engine
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from embedded_aws.replies import Json, invalid

DAY_SECONDS = 86_400
LONGEST_DAYS = 36_500
COLD_DAYS = 90
DELETE_AFTER, MOVE_TO_COLD = "DeleteAfterDays", "MoveToColdStorageAfterDays"
TYPE = "DynamoDB"  # the one type of resource that is backed up here
jobs: "dict[str, BackupJob]" = AccountRegionScopedDict()  # by id
points: Any = AccountRegionScopedDict()  # recovery point ARN -> RecoveryPoint
restores: "dict[str, RestoreJob]" = AccountRegionScopedDict()  # by id
region_settings: dict[str, Json] = AccountRegionScopedDict()  # name of a map -> the map
legal_holds: dict[str, Json] = AccountRegionScopedDict()  # hold id -> the hold as AWS shows it
copies: dict[str, Json] = AccountRegionScopedDict()  # job id -> the copy job as AWS shows it
testing_plans: dict[str, Json] = AccountRegionScopedDict()  # name -> restore testing plan and its selections

_ALL: tuple[Any, ...] = (jobs, points, restores, region_settings, legal_holds, copies, testing_plans)

_moment: ContextVar[float] = ContextVar("moment_of_the_request")


def reset(original: Callable[[], None]) -> None:
    """Empty these when the engine empties its own: ``POST /_ministack/reset``."""
    original()
    for records in _ALL:
        records.clear()


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """Let time stand still within one request, so that its answer does not contradict itself."""
    token = _moment.set(time.time())
    try:
        yield
    finally:
        _moment.reset(token)


def now() -> float:
    """The moment of the request, or the present one outside of requests, in epoch seconds."""
    return _moment.get(0.0) or time.time()


@dataclass(kw_only=True)
class Job:
    """A job whose state follows from the time; ``outcome`` is the state it ends in."""

    id: str
    role_arn: str
    token: str
    created: float
    ends: float
    table_arn: str = ""
    outcome: str = "COMPLETED"
    message: str = ""

    def state(self, first: str = "PENDING") -> str:
        """``first``, RUNNING, or how it ended."""
        moment = now()
        if moment >= self.ends:
            return self.outcome
        return first if moment < self.created + (self.ends - self.created) / 5 else "RUNNING"


@dataclass(kw_only=True)
class BackupJob(Job):
    """One backup job."""

    vault: str
    lifecycle: Json
    start_by: float
    size: int = 0
    point_arn: str = ""
    stopped: float | None = None

    def state(self, first: str = "CREATED") -> str:
        """CREATED, PENDING (waiting in vain), RUNNING, or how it ended."""
        if self.stopped is not None:
            return "ABORTED"
        found = super().state(first)
        return "PENDING" if (found, self.outcome) == ("RUNNING", "EXPIRED") else found

    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.stopped is not None or now() >= self.ends

    def percent(self) -> str:
        """How much is done, in the form AWS shows it."""
        state = self.state()
        if state == "COMPLETED":
            return "100.0"
        if state != "RUNNING":
            return "0.0"
        return f"{99 * (now() - self.created) / (self.ends - self.created):.1f}"


@dataclass
class RecoveryPoint:
    """One recovery point; ``copy`` is the engine's own backup, with the table's items."""

    arn: str
    vault: str
    job_id: str
    table_arn: str
    role_arn: str
    copy: Json
    lifecycle: Json
    advanced: bool
    created: float
    completed: float
    tags: dict[str, str] = field(default_factory=dict)
    expired: bool = False
    gone: float | None = None  # when a deletion is over
    vault_free: float = 0.0  # when the vault can be deleted
    restored: float | None = None

    def status(self) -> str | None:
        """CREATING, COMPLETED, EXPIRED, DELETING, or None once it is deleted."""
        moment = now()
        if self.gone is not None:
            return "DELETING" if moment < self.gone else None
        if self.expired:
            return "EXPIRED"
        return "CREATING" if moment < self.completed else "COMPLETED"

    def holds_vault(self) -> bool:
        """Whether its vault still counts it: a little longer than the lists show it."""
        return self.gone is None or now() < self.vault_free

    @property
    def size(self) -> int:
        """The size of the table's items in bytes, as the engine counts them."""
        return int(self.copy["BackupDetails"]["BackupSizeBytes"])


@dataclass(kw_only=True)
class RestoreJob(Job):
    """One restore job, which makes the table ``table_arn``."""

    point: RecoveryPoint
    metadata: dict[str, str]
    validation: str = ""
    validation_message: str = ""


Kind = TypeVar("Kind", bound=Job)


def of_token(known: dict[str, Kind], token: str | None) -> Kind | None:
    """The job that was started with this IdempotencyToken before, or None."""
    return next((job for job in known.values() if token and job.token == token), None)


def checked_lifecycle(lifecycle: Json) -> Json:
    """The lifecycle itself; raises ApiError for one that AWS Backup refuses."""
    # -1 stands for "never", as leaving the number out does.
    delete, cold = (lifecycle.get(name, -1) for name in (DELETE_AFTER, MOVE_TO_COLD))
    for name, days in ((DELETE_AFTER, delete), (MOVE_TO_COLD, cold)):
        if days != -1 and not 1 <= days <= LONGEST_DAYS:
            raise invalid(f"{name} must be between 1 and {LONGEST_DAYS}, or -1, got {days}")
    if delete > 0 and cold > 0 and delete < cold + COLD_DAYS:
        raise invalid(f"DeleteAfterDays must be at least {COLD_DAYS} days after MoveToColdStorageAfterDays")
    return lifecycle


def calculated_lifecycle(lifecycle: Json, created: float) -> Json:
    """When the point moves to cold storage and when it is deleted, in epoch seconds."""
    names = {DELETE_AFTER: "DeleteAt", MOVE_TO_COLD: "MoveToColdStorageAt"}
    return {
        name: created + lifecycle[days] * DAY_SECONDS for days, name in names.items() if lifecycle.get(days, -1) > 0
    }


def arn_of_table(name: str) -> str:
    """The ARN of the table ``name`` of this account and region."""
    return f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{name}"


def table_name_of(table_arn: str) -> str:
    """The name in a table's ARN."""
    return table_arn.rpartition("/")[2]


def describe_backup_job(job: BackupJob) -> Json:
    """One job as DescribeBackupJob and ListBackupJobs show it; CreatedBy is only for jobs of a plan."""
    state = job.state()
    point = points.get(job.point_arn)
    known = job.point_arn and (state == "COMPLETED" or (point and point.advanced))
    return {
        "AccountId": get_account_id(),
        "BackupJobId": job.id,
        "BackupVaultName": job.vault,
        "BackupVaultArn": engine._vault_arn(job.vault),
        "VaultType": "BACKUP_VAULT",
        "RecoveryPointArn": job.point_arn if known else None,
        "RecoveryPointLifecycle": job.lifecycle or None,
        "ResourceArn": job.table_arn,
        "ResourceName": table_name_of(job.table_arn),
        "ResourceType": TYPE,
        "IamRoleArn": job.role_arn,
        "CreationDate": job.created,
        "InitiationDate": job.created,
        "StartBy": job.start_by,
        "CompletionDate": (job.stopped or job.ends) if job.ended() else None,
        "ExpectedCompletionDate": None if job.ended() else job.ends,
        "State": state,
        "StatusMessage": job.message if job.ended() else None,
        "MessageCategory": {"COMPLETED": "SUCCESS", "FAILED": "FAILURE", "EXPIRED": "FAILURE"}.get(state),
        "PercentDone": job.percent(),
        "BackupSizeInBytes": job.size if state == "COMPLETED" else 0,
        "BytesTransferred": job.size if state == "COMPLETED" else 0,
        "IsParent": False,
    }


def describe_recovery_point(point: RecoveryPoint) -> Json:
    """All that AWS Backup shows of one point."""
    status = point.status()
    return {
        "RecoveryPointArn": point.arn,
        "BackupVaultName": point.vault,
        "BackupVaultArn": engine._vault_arn(point.vault),
        "VaultType": "BACKUP_VAULT",
        "ResourceArn": point.table_arn,
        "ResourceName": table_name_of(point.table_arn),
        "ResourceType": TYPE,
        "IamRoleArn": point.role_arn,
        "Status": status,
        "CreationDate": point.created,
        "InitiationDate": point.created,
        "CompletionDate": None if status == "CREATING" else point.completed,
        "BackupSizeInBytes": point.size,
        "BackupSizeBytes": point.size,  # its name in ListRecoveryPointsByResource
        "StorageClass": "WARM",
        "Lifecycle": point.lifecycle or None,
        "CalculatedLifecycle": calculated_lifecycle(point.lifecycle, point.created) or None,
        "EncryptionKeyArn": _encryption_key(point),
        "IsEncrypted": True,
        "LastRestoreTime": point.restored,
        "IsParent": False,
    }


def describe_restore_job(job: RestoreJob) -> Json:
    """One job as DescribeRestoreJob and ListRestoreJobs show it."""
    status = job.state()
    ended = status in ("COMPLETED", "FAILED")
    return {
        "AccountId": get_account_id(),
        "RestoreJobId": job.id,
        "RecoveryPointArn": job.point.arn,
        "RecoveryPointCreationDate": job.point.created,
        "SourceResourceArn": job.point.table_arn,
        "BackupVaultArn": engine._vault_arn(job.point.vault),
        "ResourceType": TYPE,
        "IamRoleArn": job.role_arn,
        "CreationDate": job.created,
        "CompletionDate": job.ends if ended else None,
        "Status": status,
        "StatusMessage": job.message if ended else None,
        "PercentDone": "100.00%" if status == "COMPLETED" else "0.00%",
        "BackupSizeInBytes": job.point.size,
        "CreatedResourceArn": job.table_arn if status == "COMPLETED" else None,
        "CreatedBy": _testing_plan(job),
        "ValidationStatus": job.validation,
        "ValidationStatusMessage": job.validation_message,
        "IsParent": False,
    }


def _testing_plan(job: RestoreJob) -> Json | None:
    """The plan of a restore test: here a person starts one, with the role of its selection."""
    for entry in testing_plans.values():
        selections = entry["selections"].values()
        if any(selection["IamRoleArn"] == job.role_arn for selection in selections):
            return {"RestoreTestingPlanArn": entry["plan"]["RestoreTestingPlanArn"]}
    return None


def _encryption_key(point: RecoveryPoint) -> str | None:
    """The vault's key encrypts an advanced point; otherwise the table's own key does."""
    vault = engine._vaults.get(point.vault)
    return vault["EncryptionKeyArn"] if vault and point.advanced else None
