"""Delete what a destroyed stack leaves behind, and prove that it is gone."""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any

from cli.clients import Clients, find_stack
from cli.command_line import Context, number
from cli.errors import OpsError, UsageError
from cli.polling import DeadlineError, poll
from ops.cleanup import copies, outcome, plan, preflight
from ops.cleanup.choices import Choices, check_account, choices
from ops.cleanup.choices import add_arguments as add_choices
from ops.cleanup.copies import Copy
from ops.cleanup.deletion import Deletion
from ops.cleanup.pace import CONNECTIONS
from ops.cleanup.plan import Plan
from ops.inventory import inventory, stacks
from ops.inventory.found import Inventory
from ops.inventory.stacks import Names

_LAG_SECONDS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops cleanup``."""
    agreement = parser.add_mutually_exclusive_group()
    agreement.add_argument("--dry-run", action="store_true", help="print what would be deleted, and stop")
    agreement.add_argument("--yes", action="store_true", help="delete without asking")
    add_choices(parser)
    parser.add_argument(
        "--rate",
        type=float,
        default=10,
        metavar="N",
        help="at most N deletions a second (default: 10, DynamoDB's own quota)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=10,
        metavar="MINUTES",
        help="the longest wait for backup jobs, for points to go and for a vault (default: 10)",
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Clean up; exit status 0 when all is gone that can go."""
    rate = number(arguments, "--rate", 0.1, 10_000)
    seconds = 60 * number(arguments, "--timeout", 0.01, 24 * 60)
    chosen = choices(arguments)
    context.say(context.where)
    check_account(arguments.account, context)
    chosen = dataclasses.replace(chosen, deployed=_deployed(context, allowed=chosen.deployed))
    tagged = stacks.names(context, every=False)
    look = partial(_look, context, chosen, tagged)
    found = look()
    others = _copies(context, found, arguments.profile)
    before = _plan(context, found, chosen, others, say=context.say)
    if arguments.dry_run:
        return outcome.dry_run(context, before, as_json=arguments.json)
    after, failures = before, dict[tuple[str, str], str]()
    if before.actions:
        for line in outcome.listing(before):
            context.say(line)
        _agree(before, context, yes=arguments.yes)
        with _more_clients(context, arguments.profile, rate=rate) as more:
            deletion = Deletion(context, rate=rate, seconds=seconds, more_clients=more)
            deletion.run(found, before.actions)
        failures = deletion.failures
        after = look_again(context, failures, before, look=look, choices=chosen, others=others)
    return outcome.result(context, before, after, failures, as_json=arguments.json)


@contextmanager
def _more_clients(context: Context, profile: str | None, *, rate: float) -> Iterator[list[Any]]:
    """Clients of AWS Backup besides the context's, whose connections alone reach 100 a second."""
    if rate <= 10 * CONNECTIONS:
        yield []
        return
    with closing(Clients(region=context.region, profile=profile)) as clients:
        yield [clients("backup")]


def _look(context: Context, choices: Choices, tagged: Names) -> Inventory:
    """What remains, also the tables that were restored: they carry the stack's tag alone."""
    found = inventory.take(context, more_tables=choices.tables, tagged=tagged.tables[context.stack])
    return dataclasses.replace(found, unseen=(*found.unseen, *tagged.unseen))


def _deployed(context: Context, *, allowed: bool) -> bool:
    """Whether the stack exists. Raises OpsError when it does and that is not ``allowed``."""
    if not allowed:
        refuse_while_deployed(context)
        return False
    return find_stack(context.clients, context.stack) is not None


def refuse_while_deployed(context: Context) -> None:
    """Raise OpsError while the stack exists: its backups are its users' safety net."""
    found = find_stack(context.clients, context.stack)
    if found is None:
        return
    remedy = (
        "destroy it first (make destroy), then run this again; or name the old backups that may "
        "go, with --while-deployed and --older-than or --keep-last"
    )
    if found.status == "DELETE_IN_PROGRESS":
        remedy = "wait until its deletion is done, then run this again"
    if found.status == "DELETE_FAILED":
        why = found.reason or "see its events in CloudFormation"
        remedy = f"its deletion failed: {why}; remove the cause and destroy it again"
    raise OpsError(f"stack {context.stack} is still deployed (status {found.status}); {remedy}")


def look_again(
    context: Context,
    failures: Container[tuple[str, str]],
    before: Plan,
    *,
    look: Callable[[], Inventory],
    choices: Choices,
    others: Iterable[Copy] = (),
) -> Plan:
    """The plan after a deletion, from a new inventory: what it still wants to delete is left.

    Lists lag behind deletions in IAM and CloudWatch Logs, so what is listed
    without having failed is looked for again, for a while.
    """
    seen: list[Plan] = []

    def settled() -> Plan | None:
        found = look()
        after = _plan(context, found, choices, others)
        if choices.selection.partial:
            after = _of(after, before)
        seen.append(after)
        stale = [a for a in after.actions if (a.kind, a.id) not in failures]
        return None if stale else after

    try:
        return poll(settled, seconds=_LAG_SECONDS, clock=context.clock)
    except DeadlineError:
        return seen[-1]


def _of(after: Plan, before: Plan) -> Plan:
    """``after`` without what came since: a new point moves an older one out of --keep-last."""
    known = {item.id for item in (*before.actions, *before.blocked)}
    return dataclasses.replace(
        after,
        actions=tuple(item for item in after.actions if item.id in known),
        blocked=tuple(item for item in after.blocked if item.id in known or item.id == "?"),
    )


def _plan(
    context: Context,
    found: Inventory,
    chosen: Choices,
    others: Iterable[Copy],
    say: Callable[[str], None] = lambda _: None,
) -> Plan:
    guards = preflight.read(context, found.vaults)
    for unread in guards.unread:
        say(f"could not look for {unread.what}: {unread.reason}")
    return plan.make(found, region=context.region, guards=guards, choices=chosen, copies=others)


def _copies(context: Context, found: Inventory, profile: str | None) -> tuple[Copy, ...]:
    """Points of the stack's tables elsewhere; other regions are asked with the same credentials."""
    with ExitStack() as opened:
        clients: dict[str, Clients] = {}

        def elsewhere(region: str) -> Any:
            if region not in clients:
                clients[region] = Clients(region=region, profile=profile)
                opened.callback(clients[region].close)
            return clients[region]("backup")

        # A role is all that remains of a stage cleaned up before its copies were.
        tables = [table for role in found.roles for table in role.tables]
        return copies.find(context, found.vaults, elsewhere, tables=tables)


def _agree(what: Plan, context: Context, *, yes: bool) -> None:
    """Raise unless whoever started this agrees to delete what was listed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody to ask: standard input is no terminal; to delete, pass --yes")
    print(f"Delete {what.summary} in {context.where}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OpsError("nothing was deleted: the answer was not yes")
