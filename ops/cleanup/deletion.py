"""Delete what a plan lists: in an order that AWS accepts, and at a limited rate."""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import CONNECTIONS
from cli.command_line import Context
from cli.errors import OpsError, code, explain, is_denied, message
from cli.polling import SYSTEM_CLOCK, Clock, DeadlineError, Progress, poll
from dynamo.parallel import THROTTLED, lanes
from ops import backup
from ops.cleanup import plan
from ops.inventory import vaults
from ops.inventory.found import Inventory, Point, Vault

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
    "EXPIRED: AWS Backup accepted the deletion but could not carry it out, and still bills the point; it deletes as "
    "the role that made it, which needs dynamodb:DeleteBackup, or else as its service-linked role, which the caller "
    "must be allowed to create (iam:CreateServiceLinkedRole); grant one of the two, then run this again"
)


class Pace:
    """Sends at most ``rate`` requests a second, evenly spaced; AWS may see some that were delayed together."""

    def __init__(self, rate: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._interval, self._clock, self._next = 1 / rate, clock, clock.monotonic()
        self._lock = threading.Lock()

    def limit(self, client: Any, *operations: str) -> None:
        """Make every request of the operations wait for its turn, also the SDK's own retries."""
        service = client.meta.service_model.service_id.hyphenize()
        for operation in operations:
            client.meta.events.register(f"before-send.{service}.{operation}", self.wait)

    def wait(self, **_: object) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        self._clock.sleep(turn - now)


def delete_points(context: Context, backup: Any, points: Iterable[Point], *, seconds: float) -> dict[str, str]:
    """Delete recovery points; the ARNs of those that are left after ``seconds``, with the reason.

    The vault's list decides: AWS Backup responds with 200 also when it lacks permission, and the point turns EXPIRED
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html).
    """
    wanted = {point.arn: point for point in points}
    unsent = {arn for arn, point in wanted.items() if point.status != "DELETING"}
    waiting: Iterable[str] = ()
    failures, progress = dict[str, str](), Progress(context.say, context.clock)

    def send(arn: str) -> None:
        vault = wanted[arn].vault
        try:
            backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
        except (ClientError, BotoCoreError) as error:
            reason = code(error) if isinstance(error, ClientError) else ""
            if reason in _LATER:
                return
            if reason not in _GONE:
                by_policy = "resource-based policy" in explain(error)  # AWS's words
                more = f"; this is denied by the access policy of {vault}: change it first" if by_policy else ""
                failures[arn] = explain(error) + more
        unsent.discard(arn)

    def settled() -> bool | None:
        """True when every point is gone or has failed, None to look again."""
        nonlocal waiting
        if unsent:
            with lanes(CONNECTIONS) as opened:
                for _ in opened.map(send, list(unsent)):
                    pass
        # Of what is read, only the ARNs of the plan are kept in memory.
        present: dict[str, str] = {}
        for vault in {point.vault for point in wanted.values()}:
            present |= {wanted[p.arn].arn: p.status for p in vaults.points(backup, vault) if p.arn in wanted}
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

    def __init__(self, context: Context, agreed: Iterable[plan.Entry], *, rate: float, seconds: float) -> None:
        """``agreed``: what may be deleted; ``rate``: deletions a second; ``seconds``: the longest wait for one step."""
        self.failures: dict[tuple[str, str], str] = {}
        self._agreed = {(entry.kind, entry.id) for entry in agreed}
        self._context, self._seconds, self._backup = context, seconds, context.clients("backup")
        self._pace = Pace(rate, context.clock)

    def run(self, found: Inventory) -> None:
        """Delete what was agreed in ``found``; one that fails stops no other."""
        for service, operations in _LIMITED.items():
            self._pace.limit(self._context.clients(service), *operations)
        dynamodb, iam, kms, logs = map(self._context.clients, ("dynamodb", "iam", "kms", "logs"))
        points = [p for vault in found.vaults for p in vault.points if (plan.POINT, p.arn) in self._agreed]
        for vault in found.vaults:
            # If this fails, every point in the vault is refused, and named.
            unlock = partial(self._backup.delete_backup_vault_lock_configuration, BackupVaultName=vault.name)
            self._try(plan.LOCK, vault.name, unlock)
            for job in vault.jobs:
                self._try(plan.JOB, job, partial(self._wait_for, job, vault, points))
        left = delete_points(self._context, self._backup, points, seconds=self._seconds) if points else {}
        self.failures |= {(plan.POINT, arn): why for arn, why in left.items()}
        for kept in found.backups:
            self._try(plan.BACKUP, kept.arn, partial(dynamodb.delete_backup, BackupArn=kept.arn))
        for vault in found.vaults:
            held = [*vault.jobs, *(point.arn for point in points if point.vault == vault.name)]
            full = any((kind, id) in self.failures for kind in (plan.JOB, plan.POINT) for id in held)
            why_not = "a vault must be empty to be deleted" if full else ""
            self._try(plan.VAULT, vault.name, partial(self._delete_vault, vault), why_not)
        undeleted = [vault for vault in found.vaults if (plan.VAULT, vault.name) in self.failures]
        makers = {point.role for vault in undeleted for point in vault.points}
        if not all(vault.points for vault in undeleted):
            makers.add("")  # any role may have made the points that came meanwhile
        for role in found.roles:
            name, needed = {"RoleName": role.name}, any(map(role.may_have_made, makers))
            for call in (
                *(partial(iam.delete_role_policy, **name, PolicyName=policy) for policy in role.policies),
                *(partial(iam.detach_role_policy, **name, PolicyArn=arn) for arn in role.attached),
                partial(iam.delete_role, **name),
            ):
                if (plan.ROLE, role.name) not in self.failures:
                    self._try(plan.ROLE, role.name, call, plan.ROLE_KEPT if needed else "")
        needed = any(kind in (plan.JOB, plan.POINT, plan.VAULT, plan.BACKUP) for kind, _ in self.failures)
        for key in found.keys:
            schedule = partial(kms.schedule_key_deletion, KeyId=key.arn, PendingWindowInDays=plan.KEY_WINDOW_DAYS)
            self._try(plan.KEY, key.arn, schedule, plan.KEY_KEPT if needed else "")
        for group in found.log_groups:
            self._try(plan.LOGS, group, partial(logs.delete_log_group, logGroupName=group))

    def _try(self, kind: str, id: str, call: Callable[[], object], why_not: str = "") -> None:
        """Make the call if it was agreed and there is no reason ``why_not``; a text that it returns is a failure."""
        if (kind, id) not in self._agreed:
            return
        try:
            why = why_not or call()
        except (ClientError, BotoCoreError) as error:
            # An interrupted clean-up may have deleted a part.
            why = "" if isinstance(error, ClientError) and code(error) in _GONE else explain(error)
        if why and isinstance(why, str):
            self.failures[kind, id] = why

    def _wait_for(self, job: str, vault: Vault, points: list[Point]) -> str:
        """Wait for a running job, and add its point to ``points``. Why the job is not over; empty if it is."""
        try:
            ended = backup.wait(self._context, job, seconds=self._seconds)
        except (OpsError, DeadlineError) as error:
            return str(error)
        if arn := ended.get("RecoveryPointArn"):
            points.append(Point(arn=arn, vault=vault.name, status=ended["State"]))
        return ""

    def _delete_vault(self, vault: Vault) -> str:
        """Why the vault cannot be deleted; empty if it is.

        AWS Backup says "contains recovery points" for a while after the last one is gone
        (https://github.com/hashicorp/terraform-provider-aws/issues/37774), and AccessDenied for a deleted vault.
        """

        def delete() -> str | None:
            try:
                self._backup.delete_backup_vault(BackupVaultName=vault.name)
            except ClientError as error:
                if is_denied(error) and not vaults.exists(self._backup, vault.name):
                    return ""
                if "contains recovery points" not in message(error):
                    raise
                known = {point.arn for point in vault.points}
                new = sum(point.arn not in known for point in vaults.points(self._backup, vault.name))
                return f"{new} more recovery points were added; run this again" if new else None
            return ""

        try:
            return poll(delete, seconds=self._seconds, clock=self._context.clock)
        except DeadlineError as late:
            return f"AWS Backup still reports after {late} that it contains recovery points"
