"""List a stack's resources that hold data or outlive it, with their monthly cost."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from cli import output
from cli.clients import find_stack, missing_table
from cli.command_line import Context
from ops.inventory import costs, leftovers, vaults
from ops.inventory.costs import Rates, Thing
from ops.inventory.found import Unseen


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What one stack has."""

    stack: str
    status: str  # CloudFormation's; empty when it is not deployed
    missing: str = ""  # the line about a table that should exist and does not
    things: tuple[Thing, ...]
    unseen: tuple[Unseen, ...]

    @property
    def monthly(self) -> float:
        """US dollars."""
        return sum(thing.monthly for thing in self.things)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops inventory``."""
    parser.add_argument("--all", action="store_true", help="all stacks of this project, deployed or deleted")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Show it; exit status 1 when the caller may not look everywhere."""
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
    """What the context's stack has, or ``every`` stack; and what the caller may not look for."""
    names, unseen = leftovers.stacks(context, every=every)
    holdings = [_of(dataclasses.replace(context, stack=name), tagged) for name, tagged in names.items()]
    if every:  # leaves out deleted stacks that left nothing
        holdings = [held for held in holdings if held.things or held.status]
    return holdings, list(dict.fromkeys([*unseen, *(one for held in holdings for one in held.unseen)]))


def show_them(context: Context, holdings: list[Holding], *, as_json: bool) -> None:
    """Print them on standard output, for people or for a program."""
    if as_json:
        print(_json(context, holdings))
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
    total = output.money(sum(held.monthly for held in holdings))
    print(f"{total} a month ({Rates(context.region).note})")


def _of(context: Context, tagged: Iterable[str]) -> Holding:
    """``tagged``: tables that carry the stack's tag, whatever their names are."""
    deployed = find_stack(context.clients, context.stack)
    output_name = deployed.outputs.get("TableName", "") if deployed else ""
    found = leftovers.take(context, more_tables=[*tagged, *([output_name] if output_name else [])])
    names = {vault.table for vault in found.vaults} | {table.name for table in found.tables}
    own = {vault.name for vault in found.vaults}
    backups = vaults.backups_of(context, sorted(names - {""}), own=False)
    return Holding(
        stack=context.stack,
        status=deployed.status if deployed else "",
        missing=missing_table(context.clients, deployed),
        things=tuple(costs.things(context, found, [point for point in backups.points if point.vault not in own])),
        unseen=(*found.unseen, *backups.unseen),
    )


def _cells(thing: Thing) -> tuple[str, ...]:
    until = f"until {thing.until:%Y-%m-%d}" if thing.until else ""
    detail = ", ".join(part for part in (thing.detail, until) if part)
    held = output.size(thing.bytes) if thing.bytes else "-"
    return (thing.kind, thing.id, held, output.money(thing.monthly), detail)


def _json(context: Context, holdings: list[Holding]) -> str:
    stacks = [
        {
            "stack": held.stack,
            "status": held.status or None,
            "things": [
                {
                    "kind": thing.kind,
                    "id": thing.id,
                    "detail": thing.detail,
                    "bytes": thing.bytes,
                    "monthly_usd": round(thing.monthly, 6),
                    "until": thing.until.isoformat() if thing.until else None,
                }
                for thing in held.things
            ],
            "monthly_usd": round(held.monthly, 6),
        }
        for held in holdings
    ]
    monthly, prices = round(sum(held.monthly for held in holdings), 6), Rates(context.region).origin
    where = {"account": context.account, "region": context.region}
    return json.dumps(where | {"stacks": stacks, "monthly_usd": monthly, "prices": prices}, indent=2)
