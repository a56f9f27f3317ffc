"""Delete what a plan lists: in an order that AWS accepts, and at a limited rate."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.command_line import Context
from cli.errors import OpsError, code, explain, is_denied, message
from cli.polling import SYSTEM_CLOCK, Clock, DeadlineError, Progress, poll
from dynamo.parallel import THROTTLED, lanes
from ops import backup
from ops.cleanup import plan
from ops.inventory import vaults
from ops.inventory.found import Inventory, Point, Role, Vault

T = TypeVar("T")
_GONE = frozenset({"ResourceNotFoundException", "NoSuchEntity", "NotFoundException", "BackupNotFoundException"})
# Sent again later: "already performing an action", and too many requests in spite of the SDK's retries.
_LATER = THROTTLED | {"InvalidResourceStateException", "ServiceUnavailableException"}
_LIMITED = {
    "backup": ("DeleteRecoveryPoint", "DeleteBackupVault", "DeleteBackupVaultLockConfiguration"),
    "dynamodb": ("DeleteBackup",),
    "iam": ("DeleteRolePolicy", "DetachRolePolicy", "DeleteRole"),
    "kms": ("ScheduleKeyDeletion",),
    "logs": ("DeleteLogGroup",),
}
# How long a point that was EXPIRED before gets to show that it is being deleted.
_EXPIRED_GRACE_SECONDS = 15
_NOT_DELETED = (
    "EXPIRED: AWS Backup accepted the deletion but could not carry it out, and still bills the "
    "point; it deletes as the role that made it, which needs dynamodb:DeleteBackup, or else as its "
    "service-linked role, which the caller must be allowed to create (iam:CreateServiceLinkedRole); "
    "run this again with one of them"
)
_AT_ONCE = 10  # boto3 keeps as many connections open
_BY_POLICY = "resource-based policy"  # AWS's words for a vault's access policy


class Pace:
    """Sends at most ``rate`` requests a second, as the server counts them.

    Each takes a slot, which is free again one second after its response: whatever delays a request
    on its way, the one that takes its slot next reaches the server at least a second later.
    """

    def __init__(self, rate: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._interval, self._clock = 1 / rate, clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._free_at: SimpleQueue[float] = SimpleQueue()
        for _ in range(max(1, int(rate))):
            self._free_at.put(self._next)
        self._holders = set[int]()  # the threads whose request is on its way

    def limit(self, client: Any, *operations: str) -> None:
        """Make every request of the operations wait for its turn, also the SDK's own retries."""
        service, events = client.meta.service_model.service_id.hyphenize(), client.meta.events
        for operation in operations:
            events.register(f"before-send.{service}.{operation}", self.wait)
            events.register(f"response-received.{service}.{operation}", self.done)
            # A response that the SDK cannot read is not reported as received.
            events.register(f"after-call-error.{service}.{operation}", self.done)

    def wait(self, **_: object) -> None:
        """Return when the next request may be sent, evenly spaced."""
        free_at = self._free_at.get()
        self._holders.add(threading.get_ident())
        with self._lock:
            now = self._clock.monotonic()
            turn = max(now, free_at, self._next)
            self._next = turn + self._interval
        self._clock.sleep(turn - now)

    def done(self, **_: object) -> None:
        """Note that this thread's request has its response or has failed."""
        if (thread := threading.get_ident()) in self._holders:
            self._holders.remove(thread)
            self._free_at.put(self._clock.monotonic() + max(1.0, self._interval))


def each(things: Collection[T], call: Callable[[T], object]) -> Iterator[tuple[T, ClientError | BotoCoreError | None]]:
    """``call`` every one of ``things``; yields each with its error, or None, as the calls end."""

    def attempt(thing: T) -> tuple[T, ClientError | BotoCoreError | None]:
        try:
            call(thing)
        except (ClientError, BotoCoreError) as error:
            return thing, error
        return thing, None

    with lanes(min(_AT_ONCE, len(things))) as opened:
        yield from opened.map(attempt, things)


def delete_points(context: Context, backup: Any, points: Iterable[Point], *, seconds: float) -> dict[str, str]:
    """Delete recovery points; the ARNs of those that are left after ``seconds``, with the reason.

    The vault's list decides: AWS Backup responds with 200 also when it lacks permission, and the
    point turns EXPIRED
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html).
    """
    wanted = {point.arn: point for point in points}
    unsent, waiting = {arn for arn, point in wanted.items() if point.status != "DELETING"}, set(wanted)
    failures, progress = dict[str, str](), Progress(context.say, context.clock)

    def delete(arn: str) -> None:
        backup.delete_recovery_point(BackupVaultName=wanted[arn].vault, RecoveryPointArn=arn)

    def settled() -> bool | None:
        """True when every point is gone or has failed, None to look again."""
        nonlocal waiting
        for arn, error in each(list(unsent), delete):
            reason = code(error) if isinstance(error, ClientError) else ""
            if reason not in _LATER:
                unsent.discard(arn)
                if error and reason not in _GONE:
                    by_policy = f"; that is the access policy of {wanted[arn].vault}: change it first"
                    failures[arn] = explain(error) + (by_policy if _BY_POLICY in explain(error) else "")
        # Of what is read, only the ARNs of the plan are kept in memory.
        listed = (
            found for vault in {point.vault for point in wanted.values()} for found in vaults.points(backup, vault)
        )
        present = {wanted[found.arn].arn: found.status for found in listed if found.arn in wanted}
        for arn, status in present.items():
            had_time = wanted[arn].status != "EXPIRED" or progress.elapsed > _EXPIRED_GRACE_SECONDS
            if status == "EXPIRED" and had_time and arn not in unsent:
                failures.setdefault(arn, _NOT_DELETED)
        progress.report("recovery points", f"{len(wanted) - len(present)} of {len(wanted)} deleted")
        waiting = present.keys() - failures.keys()
        return None if waiting else True

    try:
        poll(settled, seconds=seconds, clock=context.clock)
    except DeadlineError as late:
        failures |= dict.fromkeys(waiting, f"still there after {late}; run this again")
    return failures


class Deletion:
    """One clean-up; ``failures`` maps (kind, id) to the reason why it could not be deleted."""

    def __init__(self, context: Context, *, rate: float, seconds: float) -> None:
        """``rate``: deletions a second; ``seconds``: the longest wait for any one step."""
        self.failures: dict[tuple[str, str], str] = {}
        self._agreed = set[tuple[str, str]]()
        self._context, self._seconds, self._backup = context, seconds, context.clients("backup")
        self._pace = Pace(rate, context.clock)

    def run(self, found: Inventory, agreed: Iterable[plan.Entry]) -> None:
        """Delete what is ``agreed`` of ``found``; one that fails stops no other."""
        self._agreed = {(entry.kind, entry.id) for entry in agreed}
        for service, operations in _LIMITED.items():
            self._pace.limit(self._context.clients(service), *operations)
        dynamodb, iam, kms, logs = map(self._context.clients, ("dynamodb", "iam", "kms", "logs"))
        for vault in found.vaults:
            # If this fails, every point in the vault is refused, and named.
            unlock = self._backup.delete_backup_vault_lock_configuration
            self._try(plan.LOCK, vault.name, unlock, BackupVaultName=vault.name)
        running = [(vault, job) for vault in found.vaults for job in vault.jobs if (plan.JOB, job) in self._agreed]
        late = [point for vault, job in running if (point := self._after(vault, job))]
        points = [p for vault in found.vaults for p in vault.points if (plan.POINT, p.arn) in self._agreed] + late
        if points:
            left = delete_points(self._context, self._backup, points, seconds=self._seconds)
            self.failures |= {(plan.POINT, arn): why for arn, why in left.items()}
        arns = [backup.arn for backup in found.backups if (plan.BACKUP, backup.arn) in self._agreed]
        for arn, error in each(arns, lambda arn: dynamodb.delete_backup(BackupArn=arn)):
            self._note(plan.BACKUP, arn, error)
        for vault in found.vaults:
            if (plan.VAULT, vault.name) in self._agreed:
                self._vault(vault, late)
        undeleted = [vault for vault in found.vaults if (plan.VAULT, vault.name) in self.failures]
        makers = {point.role for vault in undeleted for point in vault.points}
        if not all(vault.points for vault in undeleted):
            makers.add("")  # any role may have made the points that came meanwhile
        for role in found.roles:
            kept = plan.ROLE_KEPT if any(map(role.may_have_made, makers)) else ""
            self._try(plan.ROLE, role.name, partial(_delete_role, iam, role), kept=kept)
        needed = any(kind in (plan.JOB, plan.POINT, plan.VAULT, plan.BACKUP) for kind, _ in self.failures)
        for key in found.keys:
            schedule = partial(kms.schedule_key_deletion, PendingWindowInDays=plan.KEY_WINDOW_DAYS)
            self._try(plan.KEY, key.arn, schedule, kept=plan.KEY_KEPT if needed else "", KeyId=key.arn)
        for name in found.log_groups:
            self._try(plan.LOGS, name, logs.delete_log_group, logGroupName=name)

    def _after(self, vault: Vault, job: str) -> Point | None:
        """The point of a running job, once it has ended; None when it left none."""
        try:
            ended = backup.wait(self._context, job, seconds=self._seconds)
        except (OpsError, DeadlineError, ClientError, BotoCoreError) as error:
            explained = isinstance(error, ClientError | BotoCoreError)
            self.failures[plan.JOB, job] = explain(error) if explained else str(error)
            return None
        arn = ended.get("RecoveryPointArn")
        return Point(arn=arn, vault=vault.name, status=ended["State"]) if arn else None

    def _vault(self, vault: Vault, late: Iterable[Point]) -> None:
        held = [*vault.points, *(point for point in late if point.vault == vault.name)]
        parts = [*((plan.POINT, point.arn) for point in held), *((plan.JOB, job) for job in vault.jobs)]
        if any(part in self.failures for part in parts):
            self.failures[plan.VAULT, vault.name] = "a vault must be empty to be deleted"
            return

        def delete() -> str | None:
            """Empty if the vault is deleted, a reason if it cannot be deleted, None to retry.

            AWS Backup says "contains recovery points" for a while after the last one is gone
            (https://github.com/hashicorp/terraform-provider-aws/issues/37774), and AccessDenied for a
            deleted vault.
            """
            try:
                self._backup.delete_backup_vault(BackupVaultName=vault.name)
            except ClientError as error:
                if code(error) in _GONE or (is_denied(error) and not vaults.exists(self._backup, vault.name)):
                    return ""
                if "contains recovery points" not in message(error):
                    return explain(error)
                known = {point.arn for point in vault.points}
                new = sum(point.arn not in known for point in vaults.points(self._backup, vault.name))
                return f"{new} more recovery points came; run this again" if new else None
            return ""

        try:
            why = poll(delete, seconds=self._seconds, clock=self._context.clock)
        except DeadlineError as late_by:
            why = f"AWS Backup still reports after {late_by} that it contains recovery points"
        except (ClientError, BotoCoreError) as error:
            why = explain(error)
        if why:
            self.failures[plan.VAULT, vault.name] = why

    def _try(self, kind: str, id: str, call: Callable[..., object], *, kept: str = "", **request: Any) -> None:
        """Make the call if it was agreed, unless there is a reason why the resource is ``kept``."""
        if (kind, id) in self._agreed and kept:
            self.failures[kind, id] = kept
        elif (kind, id) in self._agreed:
            try:
                call(**request)
            except (ClientError, BotoCoreError) as error:
                self._note(kind, id, error)

    def _note(self, kind: str, id: str, error: ClientError | BotoCoreError | None) -> None:
        gone = isinstance(error, ClientError) and code(error) in _GONE
        if error is not None and not gone:
            self.failures[kind, id] = explain(error)


def _delete_role(iam: Any, role: Role) -> None:
    calls = [
        *(partial(iam.delete_role_policy, RoleName=role.name, PolicyName=policy) for policy in role.policies),
        *(partial(iam.detach_role_policy, RoleName=role.name, PolicyArn=arn) for arn in role.attached),
        partial(iam.delete_role, RoleName=role.name),
    ]
    for call in calls:
        try:
            call()
        except ClientError as error:
            if code(error) not in _GONE:  # an interrupted clean-up may have deleted a part
                raise
