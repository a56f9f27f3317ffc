"""List a stack's resources that hold data or outlive it, with their monthly cost."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cli import output
from cli.clients import find_stack, missing_table
from cli.command_line import Context
from ops.inventory import costs, leftovers, vaults
from ops.inventory.costs import Rates, Thing
from ops.inventory.found import Unseen


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The resources of one stack."""

    stack: str
    status: str  # CloudFormation's; empty when it is not deployed
    missing: str = ""  # the line about a table that should exist and does not
    things: tuple[Thing, ...]
    unseen: tuple[Unseen, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops inventory``."""
    parser.add_argument("--all", action="store_true", help="all stacks of this project, deployed or deleted")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """List them; exit status 1 when the caller may not look everywhere."""
    context.say(every_stack(context) if arguments.all else context.where)
    holdings, unseen = take(context, every=arguments.all)
    show_them(context, holdings, as_json=arguments.json)
    for held in holdings:
        if held.missing:
            context.say(held.missing)
    leftovers.say_unseen(context, unseen)
    return 1 if unseen else 0


def every_stack(context: Context) -> str:
    """The first line of a command about every stack."""
    return f"account {context.account}, region {context.region}, every stack"


def take(context: Context, *, every: bool) -> tuple[list[Holding], list[Unseen]]:
    """The resources of the context's stack, or of ``every`` stack; and what the caller may not look for."""
    names, unseen = leftovers.stacks(context, every=every)
    holdings = [_of(dataclasses.replace(context, stack=name), tagged) for name, tagged in names.items()]
    if every:  # leaves out deleted stacks that left nothing
        holdings = [held for held in holdings if held.things or held.status]
    return holdings, list(dict.fromkeys([*unseen, *(one for held in holdings for one in held.unseen)]))


def _of(context: Context, tagged: Iterable[str]) -> Holding:
    """``tagged``: tables that carry the stack's tag, whatever their names are."""
    deployed = find_stack(context.clients, context.stack)
    output_name = deployed.outputs.get("TableName") if deployed else None
    found = leftovers.take(context, more_tables=[*tagged, *([output_name] if output_name else [])])
    tables = {vault.table for vault in found.vaults} | {table.name for table in found.tables}
    points, unseen = vaults.table_points(context, sorted(tables - {""}))
    own = {vault.name for vault in found.vaults}
    return Holding(
        stack=context.stack,
        status=deployed.status if deployed else "",
        missing=missing_table(context.clients, deployed),
        things=tuple(costs.things(context, found, [point for point in points if point.vault not in own])),
        unseen=(*found.unseen, *unseen),
    )


def show_them(context: Context, holdings: list[Holding], *, as_json: bool) -> None:
    """Print them on standard output, for people or for a program."""
    rates = Rates(context.region)
    monthly = sum(thing.monthly_usd for held in holdings for thing in held.things)
    if as_json:
        result = {
            "account": context.account,
            "region": context.region,
            "stacks": [_object(held) for held in holdings],
            "monthly_usd": round(monthly, 6),
            "prices": rates.origin,
        }
        print(json.dumps(result, indent=2, default=datetime.isoformat))
        return
    if not any(held.things or held.status for held in holdings):
        where, others = context.where, ", and another stack with --stage or --stack"
        if not holdings:  # of every stack
            where, others = every_stack(context), ""
        print(f"nothing was found in {where}; choose another place with --region or --profile{others}")
        return
    for held in holdings:
        status = held.status or f"not deployed in {context.region}"
        print(f"{held.stack}: {status}{', its table does not exist' if held.missing else ''}")
        rows = [_cells(thing) for thing in held.things]
        if sys.stdout.isatty() and rows:
            output.table((), rows, indent=2)
        else:
            for line in output.columns(rows):
                print(f"  {line}")
    print(f"{output.money(monthly)} a month ({rates.note})")


def _cells(thing: Thing) -> tuple[str, ...]:
    until = f"until {thing.until:%Y-%m-%d}" if thing.until else ""
    detail = ", ".join(part for part in (thing.detail, until) if part)
    held = output.size(thing.bytes) if thing.bytes else "-"
    return (thing.kind, thing.id, held, output.money(thing.monthly_usd), detail)


def _object(held: Holding) -> dict[str, object]:
    """A stack for JSON."""
    things = [dataclasses.asdict(thing) | {"monthly_usd": round(thing.monthly_usd, 6)} for thing in held.things]
    for thing in things:
        del thing["how_to_delete"]
    monthly = round(sum(thing.monthly_usd for thing in held.things), 6)
    return {"stack": held.stack, "status": held.status or None, "things": things, "monthly_usd": monthly}
