"""List the backups of the stack's table, in every vault, and what they cost a month."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cli import output
from cli.clients import find_stack, missing_table
from cli.command_line import Context
from cli.errors import UsageError
from model.time_span import parse_span
from ops.inventory import stack_tables, vaults
from ops.inventory.costs import Rates
from ops.inventory.found import Point, TableBackup
from ops.inventory.vaults import Backups

_USABLE = frozenset({"AVAILABLE", "COMPLETED"})
_HEADER = ("AGE", "SIZE", "EXPIRES", "STATE", "KEPT IN", "A MONTH", "ARN")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One backup; ``kind`` is RECOVERY_POINT, USER or SYSTEM, ``monthly`` US dollars."""

    kind: str
    arn: str
    vault: str
    state: str
    created: datetime | None
    expires: datetime | None
    bytes: int
    monthly: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops backups``."""
    parser.add_argument("--table", metavar="NAME", help="a table's backups, whichever stack it belongs to")
    parser.add_argument(
        "--newer-than", metavar="SPAN", help="end with status 1 unless the newest usable backup is younger: 26h, 8d, 5w"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """List them; exit status 1 when a vault could not be read, or all are too old."""
    span = _span(arguments.newer_than) if arguments.newer_than else None
    context.say(context.where)
    names = stack_tables.names(context, arguments.table)
    found = vaults.backups_of(context, names)
    rows = list_of(found, Rates(context.region))
    if arguments.json:
        print(_json(context, names, rows))
    else:
        for line in _lines(context, names, rows):
            print(line)
    if not arguments.table:
        deployed = find_stack(context.clients, context.stack)
        if missing := missing_table(context.clients, deployed):
            context.say(missing)
    for unseen in found.unseen:
        context.say(f"not listed, {unseen.what}: {unseen.reason}")
    late = span is not None and not is_recent(rows, datetime.now(UTC) - span)
    if late:
        context.say(f"no usable backup is younger than {arguments.newer_than}")
    return 1 if found.unseen or late else 0


def _span(text: str) -> timedelta:
    try:
        return parse_span(text)
    except ValueError as error:
        raise UsageError(f"--newer-than {error}") from None


def is_recent(rows: Iterable[Row], since: datetime) -> bool:
    """Whether a usable backup, made by the stage or by a person, is not older than ``since``."""
    return any(row.created and row.created >= since for row in rows if row.kind != "SYSTEM" and row.state in _USABLE)


def list_of(found: Backups, rates: Rates) -> list[Row]:
    """The backups with their prices, oldest first."""
    rows = [*(_point(point, rates) for point in found.points), *(_own(backup, rates) for backup in found.own)]
    return sorted(rows, key=lambda row: row.created.timestamp() if row.created else 0.0)


def _point(point: Point, rates: Rates) -> Row:
    return Row(
        kind="RECOVERY_POINT",
        arn=point.arn,
        vault=point.vault,
        state=point.status,
        created=point.created,
        expires=point.expires,
        bytes=point.bytes,
        monthly=rates.backup(point.bytes, storage=point.storage),
    )


def _own(backup: TableBackup, rates: Rates) -> Row:
    return Row(
        kind="SYSTEM" if backup.system else "USER",
        arn=backup.arn,
        vault="",
        state=backup.status,
        created=backup.created,
        expires=backup.expires,
        bytes=backup.bytes,
        monthly=0.0 if backup.system else rates.backup(backup.bytes),
    )


def _lines(context: Context, names: Iterable[str], rows: list[Row]) -> list[str]:
    tables = ", ".join(names)
    if not rows:
        return [
            f"no backup of table {tables} in account {context.account}, region {context.region}; "
            "another table is named with --table, another place with --region or --profile"
        ]
    now = datetime.now(UTC)
    size, cost = sum(row.bytes for row in rows), sum(row.monthly for row in rows)
    total = f"{output.count(len(rows), 'backup')} of {tables}, {output.size(size)}"
    return [
        *output.columns([_HEADER, *(_cells(row, now) for row in rows)]),
        f"{total}, {output.money(cost)} a month ({Rates(context.region).note})",
    ]


def _cells(row: Row, now: datetime) -> tuple[str, ...]:
    kept = row.vault or {"SYSTEM": "DynamoDB, of a deleted table"}.get(row.kind, "DynamoDB")
    return (
        output.age(row.created, now),
        output.size(row.bytes),
        f"{row.expires:%Y-%m-%d}" if row.expires else "never",
        row.state,
        kept,
        output.money(row.monthly),
        row.arn,
    )


def _json(context: Context, names: Iterable[str], rows: list[Row]) -> str:
    result: dict[str, Any] = {
        "account": context.account,
        "region": context.region,
        "stack": context.stack,
        "tables": list(names),
        "backups": [_object(row) for row in rows],
        "size_bytes": sum(row.bytes for row in rows),
        "monthly_usd": round(sum(row.monthly for row in rows), 6),
        "prices": Rates(context.region).origin,
    }
    return json.dumps(result, indent=2)


def _object(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "arn": row.arn,
        "vault": row.vault or None,
        "state": row.state,
        "created": row.created.isoformat() if row.created else None,
        "expires": row.expires.isoformat() if row.expires else None,
        "size_bytes": row.bytes,
        "monthly_usd": round(row.monthly, 6),
    }
