"""Carry out a clean-up: everything that can go, in an order that AWS accepts."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.command_line import Context
from cli.errors import OpsError, code, explain
from cli.polling import DeadlineError, poll
from ops import backup
from ops.cleanup import plan
from ops.cleanup.pace import Pace, each
from ops.cleanup.points import PointDeletion
from ops.inventory import vaults
from ops.inventory.found import Inventory, Key, Point, Role, TableBackup, Vault

_GONE = frozenset({"ResourceNotFoundException", "NoSuchEntity", "NotFoundException", "BackupNotFoundException"})


class Deletion:
    """One clean-up; ``failures`` maps (kind, id) to the reason why it could not be deleted."""

    def __init__(self, context: Context, *, rate: float, seconds: float, more_clients: Iterable[Any] = ()) -> None:
        """``rate``: deletions a second; ``seconds``: the longest wait for any one step.

        ``more_clients`` of AWS Backup bring the connections that a high rate needs.
        """
        self.failures: dict[tuple[str, str], str] = {}
        self._context, self._seconds = context, seconds
        self._pace = Pace(rate, context.clock)
        self._backup, self._more_clients = context.clients("backup"), tuple(more_clients)

    def run(self, found: Inventory, agreed: Iterable[plan.Item]) -> None:
        """Delete of ``found`` what is ``agreed``; one that fails stops no other."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for item in agreed:
            wanted[item.kind].add(item.id)
        self._unlock(wanted[plan.LOCK])
        jobs = [(vault, job) for vault in found.vaults for job in vault.jobs]
        late = [self._after(vault, job) for vault, job in jobs if job in wanted[plan.JOB]]
        points = [p for v in found.vaults for p in v.points if p.arn in wanted[plan.POINT]]
        self._points([*points, *(point for point in late if point)])
        on_demand = [backup for backup in found.backups if backup.arn in wanted[plan.BACKUP]]
        self._backups(self._context.clients("dynamodb"), on_demand)
        for vault in found.vaults:
            if vault.name in wanted[plan.VAULT]:
                self._vault(vault, [point for point in late if point])
        roles = [role for role in found.roles if role.name in wanted[plan.ROLE]]
        makers = self._makers(found.vaults, wanted[plan.VAULT]) if roles else frozenset()
        for role in roles:
            self._role(role, needed=any(map(role.may_have_made, makers)))
        kinds = {kind for kind, _ in self.failures}
        needed = bool(kinds & {plan.JOB, plan.POINT, plan.VAULT, plan.BACKUP})
        for key in found.keys:
            if key.arn in wanted[plan.KEY]:
                self._key(key, needed=needed)
        logs = self._context.clients("logs")
        for name in found.log_groups:
            if name in wanted[plan.LOGS]:
                self._try(plan.LOGS, name, partial(logs.delete_log_group, logGroupName=name))

    def _unlock(self, names: Iterable[str]) -> None:
        """Remove vault locks; what stays locked refuses each of its points by itself."""
        for name in sorted(names):
            unlock = self._backup.delete_backup_vault_lock_configuration
            self._try(plan.LOCK, name, partial(unlock, BackupVaultName=name))

    def _after(self, vault: Vault, job: str) -> Point | None:
        """The point of a job that still ran, once it has ended; None when it left none."""
        try:
            ended = backup.wait(self._context, job, seconds=self._seconds)
        except (OpsError, DeadlineError) as error:
            self.failures[plan.JOB, job] = str(error)
        except (ClientError, BotoCoreError) as error:
            self.failures[plan.JOB, job] = explain(error)
        else:
            if ended.point:
                return Point(arn=ended.point, vault=vault.name, status=ended.state)
        return None

    def _points(self, points: list[Point]) -> None:
        if points:
            deletion = PointDeletion(self._context, self._pace, self._more_clients)
            deletion.run(points, seconds=self._seconds)
            self.failures |= {(plan.POINT, arn): why for arn, why in deletion.failures.items()}

    def _backups(self, dynamodb: Any, on_demand: list[TableBackup]) -> None:
        def delete(found: TableBackup) -> dict[str, Any]:
            answer: dict[str, Any] = dynamodb.delete_backup(BackupArn=found.arn)
            return answer

        if not on_demand:
            return
        with self._pace.over(dynamodb, "DeleteBackup"):
            for found, error in each(on_demand, delete, self._pace):
                self._note(plan.BACKUP, found.arn, error)

    def _vault(self, vault: Vault, late: list[Point]) -> None:
        held = [*vault.points, *(point for point in late if point.vault == vault.name)]
        kept = sum((plan.POINT, point.arn) in self.failures for point in held)
        running = sum((plan.JOB, job) in self.failures for job in vault.jobs)
        if kept or running:
            self.failures[plan.VAULT, vault.name] = "a vault must be empty to be deleted"
            return
        try:
            why = poll(lambda: vaults.delete(self._backup, vault), seconds=self._seconds, clock=self._context.clock)
        except DeadlineError as late:
            why = f"AWS Backup still says after {late} that it contains recovery points"
        except (ClientError, BotoCoreError) as error:
            why = explain(error)
        if why:
            self.failures[plan.VAULT, vault.name] = why

    def _makers(self, found: Iterable[Vault], wanted: Container[str]) -> frozenset[str]:
        """The names of the roles that made what the vaults that are left held, or hold now.

        Asked again: points may have come meanwhile. Where that fails any role may have.
        """
        makers = set[str]()
        for vault in found:
            if vault.name not in wanted or (plan.VAULT, vault.name) in self.failures:
                makers |= {point.role for point in vault.points}
                try:
                    makers |= vaults.makers(self._backup, vault.name)
                except (ClientError, BotoCoreError):
                    makers.add("")
        return frozenset(makers)

    def _role(self, role: Role, *, needed: bool) -> None:
        if needed:
            why = "kept: AWS Backup needs it for what is left"
            self.failures[plan.ROLE, role.name] = why
            return
        iam, name = self._context.clients("iam"), role.name

        def delete() -> None:
            for policy in role.policies:
                _unless_gone(partial(iam.delete_role_policy, RoleName=name, PolicyName=policy))
            for arn in role.attached:
                _unless_gone(partial(iam.detach_role_policy, RoleName=name, PolicyArn=arn))
            iam.delete_role(RoleName=name)

        self._try(plan.ROLE, name, delete)

    def _key(self, key: Key, *, needed: bool) -> None:
        if needed:
            self.failures[plan.KEY, key.arn] = "kept: what is left may be encrypted with it"
            return
        kms, days = self._context.clients("kms"), plan.KEY_WINDOW_DAYS
        self._try(plan.KEY, key.arn, lambda: kms.schedule_key_deletion(KeyId=key.arn, PendingWindowInDays=days))

    def _try(self, kind: str, id: str, call: Callable[[], Any]) -> None:
        self._pace.wait()
        try:
            call()
        except (ClientError, BotoCoreError) as error:
            self._note(kind, id, error)

    def _note(self, kind: str, id: str, error: ClientError | BotoCoreError | None) -> None:
        gone = isinstance(error, ClientError) and code(error) in _GONE
        if error is not None and not gone:
            self.failures[kind, id] = explain(error)


def _unless_gone(call: Callable[[], Any]) -> None:
    try:
        call()
    except ClientError as error:
        if code(error) not in _GONE:
            raise
