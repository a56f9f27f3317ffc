"""What AWS Backup remembers beyond the engine's vaults, plans and selections.

Nothing runs in the background: a record keeps the times of its life, and its state follows from
them whenever somebody asks.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import ministack.services.backup as engine
from ministack.core.responses import AccountRegionScopedDict

from embedded_aws.replies import Json

jobs: Any = AccountRegionScopedDict()  # job id -> BackupJob
points: Any = AccountRegionScopedDict()  # recovery point ARN -> RecoveryPoint
restores: Any = AccountRegionScopedDict()  # job id -> RestoreJob
region_settings: Any = AccountRegionScopedDict()  # name of a map -> the map
legal_holds: Any = AccountRegionScopedDict()  # hold id -> the hold as AWS shows it
copies: Any = AccountRegionScopedDict()  # job id -> the copy job as AWS shows it
testing_plans: Any = AccountRegionScopedDict()  # name -> restore testing plan and its selections

_moment: ContextVar[float] = ContextVar("moment_of_the_request")


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


def install() -> None:
    """Forget everything whenever the engine does."""
    engine_reset = engine.reset
    every = (jobs, points, restores, region_settings, legal_holds, copies, testing_plans)

    def reset() -> None:
        engine_reset()
        for records in every:
            records.clear()

    engine.reset = reset


@dataclass
class BackupJob:
    """One backup job; ``outcome`` is the state it ends in unless somebody stops it."""

    id: str
    vault: str
    table_arn: str
    role_arn: str
    token: str
    lifecycle: Json
    created: float
    ends: float
    start_by: float
    outcome: str = "COMPLETED"
    message: str = ""
    size: int = 0
    point_arn: str = ""
    stopped: float | None = None

    def state(self) -> str:
        """CREATED, PENDING (waiting in vain), RUNNING, or how it ended."""
        moment = now()
        if self.stopped is not None:
            return "ABORTED"
        if moment >= self.ends:
            return self.outcome
        if moment < self.created + (self.ends - self.created) / 5:
            return "CREATED"
        return "PENDING" if self.outcome == "EXPIRED" else "RUNNING"

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
    vault_free: float = 0.0  # when the vault notices it
    restored: float | None = None

    def status(self) -> str | None:
        """CREATING, COMPLETED, EXPIRED, DELETING, or None once it is gone."""
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


@dataclass
class RestoreJob:
    """One restore job."""

    id: str
    point: RecoveryPoint
    role_arn: str
    token: str
    metadata: dict[str, str]
    created: float
    ends: float
    outcome: str = "COMPLETED"
    message: str = ""
    table_arn: str = ""
    validation: str = ""
    validation_message: str = ""

    def status(self) -> str:
        """PENDING, RUNNING, or how it ended."""
        moment = now()
        if moment >= self.ends:
            return self.outcome
        early = moment < self.created + (self.ends - self.created) / 5
        return "PENDING" if early else "RUNNING"
