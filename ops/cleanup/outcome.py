"""How a clean-up shows its plan and its result."""

import sys
from collections.abc import Mapping

from cli.command_line import Context
from ops.cleanup import plan, report
from ops.cleanup.plan import Item, Plan

Failures = Mapping[tuple[str, str], str]


def listing(what: Plan) -> list[str]:
    """The lines that show a plan."""
    return [
        *report.lines("to delete", what.actions),
        *report.lines("cannot be deleted", what.blocked),
        *report.lines("stays", what.stays),
    ]


def dry_run(context: Context, what: Plan, *, as_json: bool) -> int:
    """Print what would happen; exit status 0."""
    if as_json:
        print(report.as_json(context, left=what.blocked, stays=what.stays, planned=what.actions))
    else:
        if not what.actions:
            print(_nothing(context, found=bool(what.blocked or what.stays)))
        for line in listing(what):
            print(line)
        print("dry run: nothing was deleted", file=sys.stderr)
    return 0


def result(context: Context, before: Plan, after: Plan, failures: Failures, *, as_json: bool) -> int:
    """Print what is gone, what is left and what stays, as the second inventory shows it.

    Exit status 1 when anything is left that should have gone.
    """
    left = [*_with_reasons(after.actions, failures), *after.blocked]
    remaining = {(item.kind, item.id) for item in (*left, *after.stays)}
    deleted = [item for item in before.actions if item.kind != plan.JOB and (item.kind, item.id) not in remaining]
    if as_json:
        print(report.as_json(context, deleted=deleted, left=left, stays=after.stays))
    else:
        for line in _closing(context, deleted, left, after.stays):
            print(line)
    return 1 if left else 0


def _with_reasons(actions: tuple[Item, ...], failures: Failures) -> list[Item]:
    return [
        Item(kind=item.kind, id=item.id, reason=_reason(item, failures.get((item.kind, item.id)))) for item in actions
    ]


def _reason(item: Item, failure: str | None) -> str:
    """Why it is left; of a vault also what it holds now, which only the second look knows."""
    reason = failure or "still there; run this again"
    return f"{item.reason}; {reason}" if item.kind == plan.VAULT else reason


def _closing(context: Context, deleted: list[Item], left: list[Item], stays: tuple[Item, ...]) -> list[str]:
    found = bool(deleted or stays)
    done = Plan(actions=tuple(deleted), blocked=(), stays=()).summary
    return [
        *([f"deleted: {done}"] if deleted else []),
        *report.lines("left", left),
        *report.lines("stays", stays),
        f"{len(left)} left in {context.where}" if left else _nothing(context, found=found),
    ]


def _nothing(context: Context, *, found: bool) -> str:
    if found:
        return f"nothing left to delete in {context.where}"
    return (
        f"nothing to delete was found in {context.where}; "
        "if the stack was somewhere else, name it with --region or --profile"
    )
