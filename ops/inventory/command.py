"""List a stack's resources that hold data or outlive it, with their monthly cost."""

import argparse
import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cli import output
from cli.clients import StackDescription, find_stack, missing_table
from cli.command_line import Context
from dynamo.parallel import lanes
from ops.inventory import costs, leftovers, stack_tables, vaults
from ops.inventory.costs import Rates, Thing
from ops.inventory.found import Inventory, Point, Unseen
from ops.inventory.shared import LANES, SharedClients


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The resources of one stack."""

    stack: str
    status: str  # CloudFormation's; empty when it is not deployed
    missing: str = ""  # the line about a table that should exist and does not
    things: tuple[Thing, ...]
    unseen: tuple[Unseen, ...]


# What was found of one stack, the context's.
_Found = tuple[Context, StackDescription | None, Inventory]


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
    if every:
        context = dataclasses.replace(context, clients=SharedClients(context.clients))
    names, unseen = leftovers.stacks(context, every=every)
    with lanes(LANES if every else 1) as opened:
        found = sorted(opened.map(partial(_find, context), names.items()), key=lambda one: one[0].stack)
        tables = {name for *_, inventory in found for name in _tables(inventory)}
        listed = [vault for *_, inventory in found for vault in inventory.vaults]
        points, unread = vaults.table_points(context, tables, listed=listed)
        elsewhere = defaultdict[str, list[Point]](list)
        for point in points:
            elsewhere[stack_tables.name_of(point.resource)].append(point)
        holdings = [future.result() for future in [opened.submit(_holding, one, elsewhere) for one in found]]
    if every:  # leaves out deleted stacks that left nothing
        holdings = [held for held in holdings if held.things or held.status]
    return holdings, list(dict.fromkeys([*unseen, *(one for held in holdings for one in held.unseen), *unread]))


def _find(context: Context, named: tuple[str, Iterable[str]]) -> _Found:
    """A stack's; ``named`` is its name, with the tables that carry its tag, whatever their names are."""
    stack, tagged = named
    context = dataclasses.replace(context, stack=stack)
    deployed = find_stack(context.clients, stack)
    output_name = deployed.outputs.get("TableName") if deployed else None
    inventory = leftovers.take(context, more_tables=[*tagged, *([output_name] if output_name else [])])
    return context, deployed, inventory


def _tables(inventory: Inventory) -> list[str]:
    """Those whose recovery points may be in vaults outside the stack."""
    names = {vault.table for vault in inventory.vaults} | {table.name for table in inventory.tables}
    return sorted(names - {""})


def _holding(found: _Found, elsewhere: Mapping[str, list[Point]]) -> Holding:
    """``elsewhere``: the recovery points of each table."""
    context, deployed, inventory = found
    own = {vault.name for vault in inventory.vaults}
    points = [point for name in _tables(inventory) for point in elsewhere.get(name, ()) if point.vault not in own]
    return Holding(
        stack=context.stack,
        status=deployed.status if deployed else "",
        missing=missing_table(context.clients, deployed),
        things=tuple(costs.things(context, inventory, points)),
        unseen=inventory.unseen,
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
        output.lines(f"  {line}" for line in output.columns(map(_cells, held.things)))
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
