"""What each thing of an inventory is, holds, and costs a month."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli import output
from cli.errors import code, is_denied
from ops.inventory import tables
from ops.inventory.found import Inventory, Key, Point, Table, TableBackup, Vault
from ops.inventory.rates import Rates


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One thing; ``bytes`` that it holds, ``monthly`` US dollars, gone by itself at ``until``.

    ``how_to_delete`` has the commands for what no clean-up deletes, for people.
    """

    kind: str
    id: str
    detail: str = ""
    bytes: int = 0
    monthly: float = 0.0
    until: datetime | None = None
    how_to_delete: str = ""


def things(found: Inventory, elsewhere: Iterable[Point], rates: Rates, *, dynamodb: Any, logs: Any) -> list[Thing]:
    """Everything in ``found`` with its price by ``rates``.

    ``elsewhere`` are recovery points of its tables in vaults that are not its own.
    """
    return [
        *(_table(table, rates, dynamodb) for table in found.tables),
        *(_vault(vault, rates) for vault in found.vaults),
        *_foreign(elsewhere, rates),
        *(_backup(backup, rates) for backup in found.backups),
        *(_key(key, rates) for key in found.keys),
        *(Thing(kind="role", id=role.name) for role in found.roles),
        *(Thing(kind="role", id=role.name, detail=f"of the stack in {role.elsewhere}") for role in found.elsewhere),
        *(_log_group(name, rates, logs) for name in found.log_groups),
    ]


def _table(table: Table, rates: Rates, dynamodb: Any) -> Thing:
    recovery = _has_recovery(dynamodb, table.name)
    units = f", {table.read_units} read and {table.write_units} write units"
    return Thing(
        kind="table",
        id=table.name,
        detail=(f"{table.origin}, " if table.origin else "")
        + f"about {output.count(table.items, 'item')}"
        + (units if table.read_units or table.write_units else ", on demand")
        + {True: ", point-in-time recovery", False: "", None: ", recovery unknown"}[recovery],
        bytes=table.bytes,
        monthly=rates.table(
            table.bytes, recovery=bool(recovery), read_units=table.read_units, write_units=table.write_units
        ),
        how_to_delete=tables.how_to_delete(table, rates.region),
    )


def _has_recovery(dynamodb: Any, table: str) -> bool | None:
    """Whether it has point-in-time recovery; None when the caller may not ask."""
    try:
        answer = dynamodb.describe_continuous_backups(TableName=table)
    except ClientError as error:
        if is_denied(error) or code(error) == "TableNotFoundException":
            return None
        raise
    window = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return bool(window.get("PointInTimeRecoveryStatus") == "ENABLED")


def _vault(vault: Vault, rates: Rates) -> Thing:
    jobs = f", {output.count(len(vault.jobs), 'running job')}" if vault.jobs else ""
    return Thing(
        kind="backup vault",
        id=vault.name,
        detail=output.count(len(vault.points), "recovery point") + jobs,
        bytes=sum(point.bytes for point in vault.points),
        monthly=_price(vault.points, rates),
    )


def _foreign(points: Iterable[Point], rates: Rates) -> Iterator[Thing]:
    by_vault: dict[str, list[Point]] = {}
    for point in points:
        by_vault.setdefault(point.vault, []).append(point)
    for vault, held in by_vault.items():
        yield Thing(
            kind="recovery points",
            id=f"in vault {vault}",
            detail=f"{output.count(len(held), 'recovery point')}; the vault is not the stack's",
            bytes=sum(point.bytes for point in held),
            monthly=_price(held, rates),
        )


def _price(points: Iterable[Point], rates: Rates) -> float:
    return sum(rates.backup(point.bytes, storage=point.storage) for point in points)


def _backup(backup: TableBackup, rates: Rates) -> Thing:
    detail = "SYSTEM, free, nobody can delete it" if backup.system else "USER, on demand"
    return Thing(
        kind="table backup",
        id=backup.arn,
        detail=f"{detail}, of {backup.table}",
        bytes=backup.bytes,
        monthly=0.0 if backup.system else rates.backup(backup.bytes),
        until=backup.expires,
    )


def _key(key: Key, rates: Rates) -> Thing:
    # A key costs nothing while it waits for its deletion (https://aws.amazon.com/kms/pricing/).
    return Thing(
        kind="key",
        id=key.arn,
        detail="its deletion is scheduled" if key.scheduled else "customer key",
        monthly=0.0 if key.scheduled else rates.key(),
        until=key.deleted_on,
    )


def _log_group(name: str, rates: Rates, logs: Any) -> Thing:
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    stored = sum(g.get("storedBytes", 0) for g in groups if g["logGroupName"] == name)
    return Thing(kind="log group", id=name, bytes=stored, monthly=rates.logs(stored))
