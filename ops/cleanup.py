"""Delete what a destroyed stack leaves behind, and prove that it is gone."""

import argparse
import sys
from collections.abc import Container, Iterable

from ops import inventory, plan, report, stack
from ops.command import Context, number
from ops.deletion import Deletion
from ops.errors import OpsError, UsageError
from ops.plan import Item, Plan
from ops.polling import DeadlineError, poll

_LAG_SECONDS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops cleanup``."""
    agreement = parser.add_mutually_exclusive_group()
    agreement.add_argument(
        "--dry-run", action="store_true", help="print what would be deleted, and stop"
    )
    agreement.add_argument("--yes", action="store_true", help="delete without asking")
    parser.add_argument(
        "--table", action="append", default=[], metavar="NAME",
        help="a former table of the stack whose on-demand backups go too (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=float, default=10, metavar="N",
        help="at most N deletions a second (default: 10, DynamoDB's own quota)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=float, default=10, metavar="MINUTES",
        help="the longest wait for backup jobs, for points to go and for a vault (default: 10)",
    )  # fmt: skip


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Clean up; exit status 0 when all is gone that can go."""
    rate = number(arguments, "--rate", 0.1, 10_000)
    seconds = 60 * number(arguments, "--timeout", 0.01, 24 * 60)
    context.say(context.where)
    refuse_while_deployed(context)
    found = inventory.take(context, more_tables=arguments.table)
    before = plan.make(found, region=context.region)
    if arguments.dry_run:
        return _dry_run(context, before, as_json=arguments.json)
    deletion = Deletion(context, rate=rate, seconds=seconds)
    if before.actions:
        for line in _listing(before):
            context.say(line)
        _agree(before, context, yes=arguments.yes)
        deletion.run(found, before.actions)
        after = look_again(context, deletion.failures, more_tables=arguments.table)
    else:
        after = before
    return _result(context, before, after, deletion.failures, as_json=arguments.json)


def refuse_while_deployed(context: Context) -> None:
    """Raise OpsError while the stack exists: its backups are its users' safety net."""
    found = stack.find(context.clients, context.stack)
    if found is None:
        return
    remedy = "destroy it first (make destroy), then run this again"
    if found.status == "DELETE_IN_PROGRESS":
        remedy = "wait until its deletion is done, then run this again"
    if found.status == "DELETE_FAILED":
        why = found.reason or "see its events in CloudFormation"
        remedy = f"its deletion failed: {why}; remove the cause and destroy it again"
    raise OpsError(f"stack {context.stack} is still deployed (status {found.status}); {remedy}")


def look_again(
    context: Context, failures: Container[tuple[str, str]], *, more_tables: Iterable[str]
) -> Plan:
    """The plan after a deletion, from a new inventory: what it still wants to delete is left.

    Lists lag behind deletions in IAM and CloudWatch Logs, so what is listed
    without having failed is looked for again, for a while.
    """
    seen: list[Plan] = []

    def settled() -> Plan | None:
        found = inventory.take(context, more_tables=more_tables)
        seen.append(plan.make(found, region=context.region))
        stale = [a for a in seen[-1].actions if (a.kind, a.id) not in failures]
        return None if stale else seen[-1]

    try:
        return poll(settled, seconds=_LAG_SECONDS, clock=context.clock)
    except DeadlineError:
        return seen[-1]


def _listing(what: Plan) -> list[str]:
    return [
        *report.lines("to delete", what.actions),
        *report.lines("cannot be deleted", what.blocked),
        *report.lines("stays", what.stays),
    ]


def _dry_run(context: Context, what: Plan, *, as_json: bool) -> int:
    if as_json:
        print(report.as_json(context, left=what.blocked, stays=what.stays, planned=what.actions))
    else:
        if not what.actions:
            print(_nothing(context, found=False))
        for line in _listing(what):
            print(line)
        print("dry run: nothing was deleted", file=sys.stderr)
    return 0


def _agree(what: Plan, context: Context, *, yes: bool) -> None:
    """Raise unless whoever started this agrees to delete what was listed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody to ask: standard input is no terminal; to delete, pass --yes")
    print(f"Delete {what.summary} in {context.where}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OpsError("nothing was deleted: the answer was not yes")


def _result(
    context: Context,
    before: Plan,
    after: Plan,
    failures: dict[tuple[str, str], str],
    *,
    as_json: bool,
) -> int:
    """Print what is gone, what is left and what stays, as the second inventory shows it."""
    left = [*_with_reasons(after.actions, failures), *after.blocked]
    remaining = {(item.kind, item.id) for item in (*left, *after.stays)}
    deleted = [
        item
        for item in before.actions
        if item.kind != plan.JOB and (item.kind, item.id) not in remaining
    ]
    if as_json:
        print(report.as_json(context, deleted=deleted, left=left, stays=after.stays))
    else:
        for line in _closing(context, deleted, left, after.stays):
            print(line)
    return 1 if left else 0


def _with_reasons(actions: tuple[Item, ...], failures: dict[tuple[str, str], str]) -> list[Item]:
    unknown = "still there; run this again"
    return [
        Item(kind=item.kind, id=item.id, reason=failures.get((item.kind, item.id), unknown))
        for item in actions
    ]


def _closing(
    context: Context, deleted: list[Item], left: list[Item], stays: tuple[Item, ...]
) -> list[str]:
    done = Plan(actions=tuple(deleted), blocked=(), stays=()).summary
    return [
        *([f"deleted: {done}"] if deleted else []),
        *report.lines("left", left),
        *report.lines("stays", stays),
        f"{len(left)} left in {context.where}" if left else _nothing(context, found=bool(deleted)),
    ]


def _nothing(context: Context, *, found: bool) -> str:
    if found:
        return f"nothing left to delete in {context.where}"
    return (
        f"nothing to delete was found in {context.where}; "
        "if the stack was somewhere else, name it with --region or --profile"
    )
