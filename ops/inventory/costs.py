"""A stack's resources with size and monthly cost, by list prices without any free tier."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from botocore.exceptions import ClientError

from cli import output
from cli.command_line import Context
from cli.errors import code, is_denied
from ops.cost.prices import AS_OF, GB, HOURS, is_known, prices
from ops.inventory import leftovers, stack_tables
from ops.inventory.found import ExistingTable, Inventory, Point

# Its prices are used for a region without known prices.
DEFAULT_REGION = "us-west-2"


class Rates:
    """The prices in ``region``; ``note`` says which they are, ``origin`` the same for programs."""

    def __init__(self, region: str) -> None:
        priced = region if is_known(region) else DEFAULT_REGION
        instead = "" if is_known(region) else f" because those of {region} are not known;"
        self.prices = prices(priced)
        self.note = f"list prices of {priced} as of {AS_OF},{instead} without any free tier"
        self.origin = {"region": priced, "as_of": AS_OF}

    def backup(self, size: int, *, storage: str = "WARM") -> float:
        """US dollars a month for a backup of ``size`` bytes, AWS Backup's or DynamoDB's own; SYSTEM ones are free."""
        return (self.prices["backup_cold" if storage == "COLD" else "backup_warm"]).of(size / GB)


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One resource, which AWS removes at ``until``. The JSON has these fields, but for ``how_to_delete``."""

    kind: str
    id: str
    detail: str = ""
    bytes: int = 0
    monthly_usd: float = 0.0
    until: datetime | None = None
    how_to_delete: str = ""  # the commands for a resource that no clean-up deletes


def things(context: Context, found: Inventory, elsewhere: Iterable[Point]) -> Iterator[Thing]:
    """Everything in ``found`` with its price; ``elsewhere`` are its tables' points in other vaults."""
    rates = Rates(context.region)
    for table in found.tables:
        yield _table(context, table, rates)
    for vault in found.vaults:
        running = f", {output.count(len(vault.jobs), 'running job')}" if vault.jobs else ""
        yield _points("backup vault", vault.name, vault.points, running, rates)
    for name, points in groupby(sorted(elsewhere, key=lambda point: point.vault), key=lambda point: point.vault):
        yield _points("recovery points", f"in vault {name}", list(points), ", in a vault outside the stack", rates)
    for backup in found.backups:
        yield Thing(
            kind="table backup",
            id=backup.arn,
            detail=f"{'SYSTEM, free, cannot be deleted' if backup.system else 'USER, on demand'}, of {backup.table}",
            bytes=backup.bytes,
            monthly_usd=0.0 if backup.system else rates.backup(backup.bytes),
            until=backup.expires,
        )
    for key in found.keys:
        # A key costs nothing while its deletion is pending (https://aws.amazon.com/kms/pricing/).
        detail, price = (
            ("its deletion is scheduled", 0.0) if key.scheduled else ("customer key", rates.prices["key"].of(1))
        )
        yield Thing(kind="key", id=key.arn, detail=detail, monthly_usd=price, until=key.deleted_on)
    for role in (*found.roles, *found.elsewhere):
        detail = f"belongs to the stack in {role.elsewhere}" if role.elsewhere else ""
        yield Thing(kind="role", id=role.name, detail=detail)
    for name in found.log_groups:
        groups = leftovers.named_groups(context.clients("logs"), name)
        stored = sum(group.get("storedBytes", 0) for group in groups if group["logGroupName"] == name)
        yield Thing(kind="log group", id=name, bytes=stored, monthly_usd=rates.prices["log_storage"].of(stored / GB))


def _table(context: Context, table: ExistingTable, rates: Rates) -> Thing:
    price = rates.prices
    try:
        shown = context.clients("dynamodb").describe_continuous_backups(TableName=table.name)
        window = shown["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        recovery = "point-in-time recovery" if window.get("PointInTimeRecoveryStatus") == "ENABLED" else ""
    except ClientError as error:
        if not is_denied(error) and code(error) != "TableNotFoundException":
            raise
        recovery = "recovery unknown"
    details = (
        stack_tables.origin(table),
        f"about {output.count(table.items, 'item')}",
        f"{table.read_units} read and {table.write_units} write units" if table.read_units else "on demand",
        recovery,
    )
    kinds = ("storage", "recovery") if recovery.startswith("point") else ("storage",)
    stored = sum(price[kind].of(table.bytes / GB) for kind in kinds)
    capacity = price["read_capacity"].of(table.read_units) + price["write_capacity"].of(table.write_units)
    return Thing(
        kind="table",
        id=table.name,
        detail=", ".join(detail for detail in details if detail),
        bytes=table.bytes,
        monthly_usd=stored + HOURS * capacity,
        how_to_delete=stack_tables.how_to_delete(table, context.region),
    )


def _points(kind: str, id: str, points: Sequence[Point], note: str, rates: Rates) -> Thing:
    return Thing(
        kind=kind,
        id=id,
        detail=f"{output.count(len(points), 'recovery point')}{note}",
        bytes=sum(point.bytes for point in points),
        monthly_usd=sum(rates.backup(point.bytes, storage=point.storage) for point in points),
    )
