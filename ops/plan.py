"""What a clean-up does, decided before it does anything. Pure: no AWS in here."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ops.found import Inventory, Table, TableBackup, Vault

# What they are called in every list, in the order in which they go.
JOB, POINT, BACKUP, VAULT, ROLE, KEY, LOGS = (
    "backup job", "recovery point", "table backup", "backup vault", "role", "key", "log group"
)  # fmt: skip
TABLE = "table"
KEY_WINDOW_DAYS = 7  # the shortest that KMS allows


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing in a list: to delete, left over or staying; ``reason`` and ``until`` say why."""

    kind: str
    id: str
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``actions`` in order; ``blocked`` should go and cannot; ``stays`` is not to go (yet)."""

    actions: tuple[Item, ...]
    blocked: tuple[Item, ...]
    stays: tuple[Item, ...]

    @property
    def summary(self) -> str:
        """The actions in numbers: ``2 recovery points, 1 role``."""
        counts = Counter(action.kind for action in self.actions if action.kind != JOB)
        return ", ".join(f"{n} {kind if n == 1 else _plural(kind)}" for kind, n in counts.items())


def make(inventory: Inventory, *, region: str) -> Plan:
    """The plan for ``inventory``.

    Recovery points go first, then what AWS Backup needs to delete them: a point
    whose role is gone turns EXPIRED and stays billed
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html).
    So while nobody can see the points, role and key stay.
    """
    blind = any(unseen.what in ("vaults", "tables") for unseen in inventory.unseen)
    needed = list(_role_and_keys(inventory))
    actions = [*_data(inventory), *([] if blind else needed)]
    actions += [Item(kind=LOGS, id=name) for name in inventory.log_groups]
    blocked = [Item(kind=u.what, id="?", reason=u.reason) for u in inventory.unseen]
    if blind:
        why = "kept while it is unknown what still needs it"
        blocked += [Item(kind=item.kind, id=item.id, reason=why) for item in needed]
    return Plan(
        actions=tuple(actions), blocked=tuple(blocked), stays=tuple(_stays(inventory, region))
    )


def _data(inventory: Inventory) -> Iterator[Item]:
    vaults = inventory.vaults
    yield from (Item(kind=JOB, id=job, reason="waited for") for v in vaults for job in v.jobs)
    yield from (
        Item(kind=POINT, id=point.arn, reason=f"{point.status}, of {point.resource or '?'}")
        for vault in vaults
        for point in vault.points
    )
    for backup in inventory.backups:
        if not backup.system:
            yield Item(kind=BACKUP, id=backup.arn, reason=f"{backup.name}, on demand")
    yield from (Item(kind=VAULT, id=vault.name, reason=_contents(vault)) for vault in vaults)


def _role_and_keys(inventory: Inventory) -> Iterator[Item]:
    yield from (Item(kind=ROLE, id=role.name) for role in inventory.roles)
    for key in inventory.keys:
        if not key.scheduled and not key.used_by:
            why = f"deleted in {KEY_WINDOW_DAYS} days; nothing encrypted with it is readable then"
            yield Item(kind=KEY, id=key.arn, reason=why)


def _stays(inventory: Inventory, region: str) -> Iterator[Item]:
    yield from (_retained(table, region) for table in inventory.tables)
    yield from (_system(backup) for backup in inventory.backups if backup.system)
    for role in inventory.elsewhere:
        why = f"of the stack of that name in {role.elsewhere}: --region {role.elsewhere} finds more"
        yield Item(kind=ROLE, id=role.name, reason=why)
    for key in inventory.keys:
        if key.scheduled:
            why = "its deletion is scheduled; `aws kms cancel-key-deletion` keeps it"
            yield Item(kind=KEY, id=key.arn, reason=why, until=key.deleted_on)
        elif key.used_by:
            yield Item(kind=KEY, id=key.arn, reason=f"table {key.used_by} is encrypted with it")


def _retained(table: Table, region: str) -> Item:
    call = f"--table-name {table.name} --region {region}"
    delete = f"`aws dynamodb delete-table {call}`"
    if table.protected:
        unprotect = f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
        delete = f"{unprotect}, then {delete}"
    return Item(
        kind=TABLE, id=table.name, reason=f"retained, it holds data; to delete it: {delete}"
    )


def _system(backup: TableBackup) -> Item:
    why = "DynamoDB keeps it after a table's deletion; free, and nobody can delete it"
    return Item(kind=BACKUP, id=backup.arn, reason=why, until=backup.expires)


def _contents(vault: Vault) -> str:
    count = len(vault.points)
    return "empty" if not count else f"holds {count} {POINT if count == 1 else _plural(POINT)}"


def _plural(kind: str) -> str:
    return f"{kind}s"
