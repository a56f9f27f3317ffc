"""What a clean-up does, decided before it does anything. Pure: no AWS in here."""

import sys
from collections.abc import Container, Iterable

from ops.cleanup import staying
from ops.cleanup.choices import Choices
from ops.cleanup.copies import Copy
from ops.cleanup.guards import DELETE_VAULT, Guards, blocker, denial

# Whoever reads a plan finds its entries and their kinds here.
from ops.cleanup.items import BACKUP as BACKUP
from ops.cleanup.items import JOB as JOB
from ops.cleanup.items import KEY as KEY
from ops.cleanup.items import LOCK as LOCK
from ops.cleanup.items import LOGS as LOGS
from ops.cleanup.items import POINT as POINT
from ops.cleanup.items import ROLE as ROLE
from ops.cleanup.items import VAULT as VAULT
from ops.cleanup.items import Item as Item
from ops.cleanup.items import Plan as Plan
from ops.cleanup.items import count
from ops.inventory.found import Inventory, Point, Vault

KEY_WINDOW_DAYS = 7  # the shortest that KMS allows
_UNKNOWN = "kept while it is unknown what still needs it"
_EXPIRED = (
    "AWS Backup could not delete it before, and bills it; deleting it needs dynamodb:DeleteBackup "
    "and iam:CreateServiceLinkedRole"
)


def make(
    inventory: Inventory,
    *,
    region: str,
    guards: Guards | None = None,
    choices: Choices | None = None,
    copies: Iterable[Copy] = (),
) -> Plan:
    """The plan for ``inventory``, by what ``guards`` it and what was chosen.

    Recovery points go first, then what AWS Backup needs to delete them: a point
    whose role is gone turns EXPIRED and stays billed
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html).
    So while points are left that a role made, it stays, and so does every key; all of
    them while nobody can see the points. A role also stays while there are copies in
    another region that it made.
    """
    copies = tuple(copies)
    guards, choices = guards or Guards(), choices or Choices()
    points = [p for vault in inventory.vaults for p in vault.points]
    parts = _Parts(inventory, guards, choices, region)
    parts.points(points if not choices.selection.partial else choices.selection.choose(points))
    unseen = [Item(kind=u.what, id="?", reason=u.reason) for u in inventory.unseen]
    stays = [staying.copy(copied) for copied in copies]
    if choices.selection.partial:
        stays = [*staying.left_out(inventory, choices, len(parts.chosen)), *stays]
    else:
        parts.everything_else([copied for copied in copies if copied.stack])
        stays = [*staying.stays(inventory, region), *parts.stays, *stays]
    return Plan(actions=tuple(parts.actions), blocked=(*unseen, *parts.blocked), stays=tuple(stays))


class _Parts:
    """A plan as it grows."""

    def __init__(self, inventory: Inventory, guards: Guards, choices: Choices, region: str) -> None:
        self.actions: list[Item] = []
        self.blocked: list[Item] = []
        self.stays: list[Item] = []
        self.chosen: set[str] = set()
        self._inventory, self._guards, self._choices = inventory, guards, choices
        self._region = region

    def points(self, chosen: Iterable[Point]) -> None:
        """Add the chosen points, after the locks and the jobs that come before them."""
        unlock, now = self._choices.unlock, self._choices.now
        blockers = {
            vault.name: blocker(self._guards, vault.name, unlock=unlock, now=now, region=self._region)
            for vault in self._inventory.vaults
        }
        free: list[Item] = []
        unlocked: dict[str, None] = {}
        for point in chosen:
            self.chosen.add(point.arn)
            why = blockers[point.vault](point)
            if why:
                item = Item(kind=POINT, id=point.arn, reason=why.reason, until=why.until)
                self.blocked.append(item)
                continue
            free.append(Item(kind=POINT, id=point.arn, reason=_about(point)))
            if self._guards.of(point.vault).lock:
                unlocked[point.vault] = None
        why_not = "as --unlock says; nothing puts it back"
        self.actions += [Item(kind=LOCK, id=vault, reason=why_not) for vault in unlocked]
        if not self._choices.selection.partial:
            self.actions += [
                Item(kind=JOB, id=job, reason="waited for") for vault in self._inventory.vaults for job in vault.jobs
            ]
        self.actions += free

    def everything_else(self, copies: Iterable[Copy]) -> None:
        """Add what goes after the points, as far as nothing that is left needs it.

        ``copies`` are those in the stage's own vaults for them.
        """
        held = {item.id for item in self.blocked}
        self.actions += [
            Item(kind=BACKUP, id=backup.arn, reason=f"{backup.name}, on demand")
            for backup in self._inventory.backups
            if not backup.system
        ]
        for vault in self._inventory.vaults:
            self._vault(vault, sum(point.arn in held for point in vault.points))
        self._roles(held, tuple(copies))
        self._keys()
        self.actions += [Item(kind=LOGS, id=name) for name in self._inventory.log_groups]

    def _roles(self, held: Container[str], copies: tuple[Copy, ...]) -> None:
        makers = {p.role for v in self._inventory.vaults for p in v.points if p.arn in held}
        for role in self._inventory.roles:
            copied = next((copy for copy in copies if role.may_have_made(copy.role)), None)
            if copied:
                self.stays.append(staying.role_of_copies(role, copied))
            elif self._blind:
                self.blocked.append(Item(kind=ROLE, id=role.name, reason=_UNKNOWN))
            elif any(map(role.may_have_made, makers)):
                why = "kept: AWS Backup needs it for what cannot be deleted"
                self.blocked.append(Item(kind=ROLE, id=role.name, reason=why))
            else:
                self.actions.append(Item(kind=ROLE, id=role.name))

    def _keys(self) -> None:
        kept = _UNKNOWN if self._blind else ""
        if any(item.kind in (POINT, VAULT) for item in self.blocked):
            kept = kept or "kept: what cannot be deleted may be encrypted with it"
        goes = f"deleted in {KEY_WINDOW_DAYS} days; nothing encrypted with it is readable then"
        for key in self._inventory.keys:
            if not key.scheduled and not key.used_by:
                item = Item(kind=KEY, id=key.arn, reason=kept or goes)
                (self.blocked if kept else self.actions).append(item)

    @property
    def _blind(self) -> bool:
        """Whether something may be left that the caller has no permission to see."""
        return any(unseen.what in ("vaults", "tables") for unseen in self._inventory.unseen)

    def _vault(self, vault: Vault, held: int) -> None:
        guard = self._guards.of(vault.name)
        if held:
            why = f"{_contents(vault)}, {held} cannot be deleted"
        else:
            why = denial(guard, DELETE_VAULT, vault.name, self._region)
        target, reason = (self.blocked, why) if why else (self.actions, _contents(vault))
        target.append(Item(kind=VAULT, id=vault.name, reason=reason))


def _about(point: Point) -> str:
    text = f"{point.status}, of {point.resource or '?'}"
    # Interned: a hundred thousand points share a few reasons.
    return sys.intern(f"{text}; {_EXPIRED}" if point.status == "EXPIRED" else text)


def _contents(vault: Vault) -> str:
    held = f"holds {count(len(vault.points))}" if vault.points else "empty"
    return f"{held}, {count(len(vault.jobs), 'running backup job')}" if vault.jobs else held
