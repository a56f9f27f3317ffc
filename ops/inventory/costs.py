"""What is left of a stack, with its size and its cost a month by list prices, without any free tier."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli import output
from cli.command_line import Context
from cli.errors import code, is_denied
from ops.cost.prices import AS_OF, GB, HOURS, Prices, is_known, prices
from ops.inventory import stack_tables
from ops.inventory.found import ExistingTable, Inventory, Key, NativeBackup, Point

# Its prices are used for a region without known prices.
DEFAULT_REGION = "us-west-2"


@dataclass(frozen=True)
class Rates:
    """Prices in ``region``, in US dollars a month."""

    region: str

    def backup(self, size: int, *, storage: str = "WARM") -> float:
        """A backup of ``size`` bytes, AWS Backup's or DynamoDB's own; SYSTEM backups are free."""
        price = self._prices.backup_cold if storage == "COLD" else self._prices.backup_warm
        return price.of(size / GB)

    def table(self, size: int, *, recovery: bool, read_units: int = 0, write_units: int = 0) -> float:
        """A table of ``size`` bytes, indexes included; units are 0 for one on demand."""
        used = self._prices
        stored = used.storage.of(size / GB) + (used.recovery.of(size / GB) if recovery else 0)
        capacity = used.read_capacity.of(read_units) + used.write_capacity.of(write_units)
        return stored + HOURS * capacity

    def key(self) -> float:
        """A customer key."""
        return self._prices.key.of(1)

    def logs(self, size: int) -> float:
        """A log group that holds ``size`` bytes."""
        return self._prices.log_storage.of(size / GB)

    @property
    def note(self) -> str:
        """Which prices these are, for people."""
        instead = "" if is_known(self.region) else f" because those of {self.region} are not known;"
        return f"list prices of {self._priced} as of {AS_OF},{instead} without any free tier"

    @property
    def origin(self) -> dict[str, str]:
        """The same for programs."""
        return {"region": self._priced, "as_of": AS_OF}

    @property
    def _priced(self) -> str:
        return self.region if is_known(self.region) else DEFAULT_REGION

    @property
    def _prices(self) -> Prices:
        return prices(self._priced)


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One resource; ``bytes`` it stores, ``monthly`` US dollars, removed by AWS at ``until``.

    ``how_to_delete``: the commands for a resource that no clean-up deletes, for people.
    """

    kind: str
    id: str
    detail: str = ""
    bytes: int = 0
    monthly: float = 0.0
    until: datetime | None = None
    how_to_delete: str = ""


def things(context: Context, found: Inventory, elsewhere: Iterable[Point]) -> list[Thing]:
    """Everything in ``found`` with its price; ``elsewhere`` are its tables' points in other vaults."""
    rates, dynamodb, logs = Rates(context.region), context.clients("dynamodb"), context.clients("logs")
    by_vault: dict[str, list[Point]] = {}
    for point in elsewhere:
        by_vault.setdefault(point.vault, []).append(point)
    return [
        *(_table(table, rates, dynamodb) for table in found.tables),
        *(_points("backup vault", vault.name, vault.points, rates, jobs=len(vault.jobs)) for vault in found.vaults),
        *(
            _points("recovery points", f"in vault {vault}", held, rates, note=", in a vault outside the stack")
            for vault, held in by_vault.items()
        ),
        *(_backup(backup, rates) for backup in found.backups),
        *(_key(key, rates) for key in found.keys),
        *(Thing(kind="role", id=role.name) for role in found.roles),
        *(
            Thing(kind="role", id=role.name, detail=f"belongs to the stack in {role.elsewhere}")
            for role in found.elsewhere
        ),
        *(_log_group(name, rates, logs) for name in found.log_groups),
    ]


def _table(table: ExistingTable, rates: Rates, dynamodb: Any) -> Thing:
    recovery, origin = _has_recovery(dynamodb, table.name), stack_tables.origin(table)
    units = f"{table.read_units} read and {table.write_units} write units"
    details = [
        *([origin] if origin else []),
        f"about {output.count(table.items, 'item')}",
        units if table.read_units or table.write_units else "on demand",
        *{True: ["point-in-time recovery"], False: [], None: ["recovery unknown"]}[recovery],
    ]
    return Thing(
        kind="table",
        id=table.name,
        detail=", ".join(details),
        bytes=table.bytes,
        monthly=rates.table(
            table.bytes, recovery=bool(recovery), read_units=table.read_units, write_units=table.write_units
        ),
        how_to_delete=stack_tables.how_to_delete(table, rates.region),
    )


def _has_recovery(dynamodb: Any, table: str) -> bool | None:
    """Whether it has point-in-time recovery; None when the caller may not ask."""
    try:
        described = dynamodb.describe_continuous_backups(TableName=table)
    except ClientError as error:
        if is_denied(error) or code(error) == "TableNotFoundException":
            return None
        raise
    window = described["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return bool(window.get("PointInTimeRecoveryStatus") == "ENABLED")


def _points(kind: str, id: str, points: Sequence[Point], rates: Rates, *, jobs: int = 0, note: str = "") -> Thing:
    running = f", {output.count(jobs, 'running job')}" if jobs else ""
    return Thing(
        kind=kind,
        id=id,
        detail=f"{output.count(len(points), 'recovery point')}{running}{note}",
        bytes=sum(point.bytes for point in points),
        monthly=sum(rates.backup(point.bytes, storage=point.storage) for point in points),
    )


def _backup(backup: NativeBackup, rates: Rates) -> Thing:
    kind = "SYSTEM, free, cannot be deleted" if backup.system else "USER, on demand"
    return Thing(
        kind="table backup",
        id=backup.arn,
        detail=f"{kind}, of {backup.table}",
        bytes=backup.bytes,
        monthly=0.0 if backup.system else rates.backup(backup.bytes),
        until=backup.expires,
    )


def _key(key: Key, rates: Rates) -> Thing:
    # A key costs nothing while its deletion is pending (https://aws.amazon.com/kms/pricing/).
    return Thing(
        kind="key",
        id=key.arn,
        detail="its deletion is scheduled" if key.scheduled else "customer key",
        monthly=0.0 if key.scheduled else rates.key(),
        until=key.deleted_on,
    )


def _log_group(name: str, rates: Rates, logs: Any) -> Thing:
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    stored = sum(group.get("storedBytes", 0) for group in groups if group["logGroupName"] == name)
    return Thing(kind="log group", id=name, bytes=stored, monthly=rates.logs(stored))
