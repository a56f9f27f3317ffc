"""List the backups of the stack's table, in every vault, and what they cost a month."""

import argparse
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from cli import output
from cli.clients import find_stack, missing_table
from cli.command_line import Context, checked
from model.names import valid_table_name
from model.time_span import parse_span
from ops.inventory import stack_tables, vaults
from ops.inventory.costs import Rates
from ops.inventory.found import NativeBackup, Point

_HEADER = ("AGE", "SIZE", "EXPIRES", "STATE", "KEPT IN", "A MONTH", "ARN")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops backups``."""
    table = "list the backups of this table instead of the stack's"
    parser.add_argument("--table", type=checked(valid_table_name), metavar="NAME", help=table)
    newer = "exit with status 1 unless a usable backup is newer than SPAN, for example 26h, 8d or 5w"
    parser.add_argument("--newer-than", type=checked(parse_span), metavar="SPAN", help=newer)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """List them; exit status 1 when a vault could not be read, or all are too old."""
    context.say(context.where)
    names = stack_tables.names(context, arguments.table)
    points, unseen = vaults.table_points(context, names)
    rates = Rates(context.region)
    rows = backup_rows([*points, *vaults.table_backups(context.clients("dynamodb"), names)], rates)
    size, cost = sum(row["size_bytes"] for row in rows), sum(row["monthly_usd"] for row in rows)
    tables = ", ".join(names)
    if arguments.json:
        result = {
            "account": context.account,
            "region": context.region,
            "stack": context.stack,
            "tables": list(names),
            "backups": rows,
            "size_bytes": size,
            "monthly_usd": round(cost, 6),
            "prices": rates.origin,
        }
        print(json.dumps(result, indent=2, default=datetime.isoformat))
    elif rows:
        print(*output.columns([_HEADER, *map(_cells, rows)]), sep="\n")
        total = f"{output.count(len(rows), 'backup')} of {tables}, {output.size(size)}"
        print(f"{total}, {output.money(cost)} a month ({rates.note})")
    else:
        print(
            f"no backup of table {tables} in account {context.account}, region {context.region}; "
            "pass --table, --region or --profile to look elsewhere"
        )
    if not arguments.table and (missing := missing_table(context.clients, find_stack(context.clients, context.stack))):
        context.say(missing)
    for one in unseen:
        context.say(f"not listed, {one.what}: {one.reason}")
    since = datetime.now(UTC) - arguments.newer_than if arguments.newer_than is not None else None
    late = since is not None and not is_recent(rows, since)
    if late:
        context.say(f"no usable backup is newer than {since:%Y-%m-%d %H:%M:%S %Z}")
    return 1 if unseen or late else 0


def is_recent(rows: Iterable[dict[str, Any]], since: datetime) -> bool:
    """Whether a usable backup, made by the stage or by a person, is not older than ``since``."""
    usable = (row for row in rows if row["kind"] != "SYSTEM" and row["state"] in vaults.RESTORABLE)
    return any(row["created"] and row["created"] >= since for row in usable)


def backup_rows(backups: Iterable[Point | NativeBackup], rates: Rates) -> list[dict[str, Any]]:
    """The backups as in JSON, with their prices, oldest first; ``kind`` is RECOVERY_POINT, USER or SYSTEM (free)."""
    rows = []
    for backup in backups:
        point = backup if isinstance(backup, Point) else None
        system = isinstance(backup, NativeBackup) and backup.system
        price = 0.0 if system else rates.backup(backup.bytes, storage=point.storage if point else "WARM")
        rows.append(
            {
                "kind": "RECOVERY_POINT" if point else "SYSTEM" if system else "USER",
                "arn": backup.arn,
                "vault": point.vault if point else None,
                "state": backup.status,
                "created": backup.created,
                "expires": backup.expires,
                "size_bytes": backup.bytes,
                "monthly_usd": round(price, 6),
            }
        )
    return sorted(rows, key=lambda row: row["created"].timestamp() if row["created"] else 0.0)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        output.age(row["created"], datetime.now(UTC)),
        output.size(row["size_bytes"]),
        f"{row['expires']:%Y-%m-%d}" if row["expires"] else "never",
        row["state"],
        row["vault"] or ("DynamoDB, of a deleted table" if row["kind"] == "SYSTEM" else "DynamoDB"),
        output.money(row["monthly_usd"]),
        row["arn"],
    )
