"""How a clean-up shows its plan and its result, for people and as JSON."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from cli.command_line import Context
from ops.cleanup import plan
from ops.cleanup.plan import Entry, Plan


def listing(what: Plan) -> list[str]:
    """The lines that show a plan."""
    return [*lines("to delete", what.actions), *lines("cannot be deleted", what.blocked), *lines("kept", what.stays)]


def dry_run(context: Context, what: Plan, *, as_json: bool) -> int:
    """Print what would happen; exit status 0."""
    if as_json:
        print(to_json(context, left=what.blocked, stays=what.stays, planned=what.actions))
        return 0
    if not what.actions:
        print(_nothing(context, found=bool(what.blocked or what.stays)))
    for line in listing(what):
        print(line)
    print("dry run: nothing was deleted", file=sys.stderr)
    return 0


def result(
    context: Context, before: Plan, after: Plan, failures: Mapping[tuple[str, str], str], *, as_json: bool
) -> int:
    """Print what is deleted, left and kept, as the second inventory shows it.

    Exit status 1 when anything is left that should have been deleted.
    """
    left = [*(_left(entry, failures.get((entry.kind, entry.id), "")) for entry in after.actions), *after.blocked]
    remaining = {(entry.kind, entry.id) for entry in (*left, *after.stays)}
    deleted = [e for e in before.actions if e.kind != plan.JOB and (e.kind, e.id) not in remaining]
    if as_json:
        print(to_json(context, deleted=deleted, left=left, stays=after.stays))
    else:
        if deleted:
            print(f"deleted: {Plan(actions=tuple(deleted), blocked=(), stays=()).summary}")
        for line in (*lines("left", left), *lines("kept", after.stays)):
            print(line)
        found = bool(deleted or after.stays)
        print(f"{len(left)} left in {context.where}" if left else _nothing(context, found=found))
    return 1 if left else 0


def _left(entry: Entry, failure: str) -> Entry:
    """Why it is left; for a vault also what it holds now, which only the second inventory knows."""
    reason = failure or "still there; run this again"
    if entry.kind == plan.VAULT:
        reason = f"{entry.reason}; {reason}"
    return Entry(kind=entry.kind, id=entry.id, reason=reason)


def _nothing(context: Context, *, found: bool) -> str:
    if found:
        return f"nothing left to delete in {context.where}"
    return (
        f"nothing to delete was found in {context.where}; "
        "if the stack was somewhere else, name it with --region or --profile"
    )


def lines(title: str, entries: Iterable[Entry]) -> list[str]:
    """``title`` and one line for each entry; nothing when there is none."""
    rows = []
    for entry in entries:
        until = f"until {entry.until:%Y-%m-%d %H:%M %Z}" if entry.until else ""
        rows.append("  " + "  ".join(part for part in (entry.kind, entry.id, until, entry.reason) if part))
    return [f"{title}:", *rows] if rows else []


def to_json(context: Context, *, planned: Iterable[Entry] | None = None, **lists: Iterable[Entry]) -> str:
    """One object: where it was, and the lists. ``planned`` only belongs to a dry run."""
    result: dict[str, Any] = {"account": context.account, "region": context.region, "stack": context.stack}
    for name in ("deleted", "left", "stays"):
        result[name] = [_object(entry) for entry in lists.get(name, ())]
    if planned is not None:
        result["planned"] = [_object(entry) for entry in planned]
    return json.dumps(result, indent=2)


def _object(entry: Entry) -> dict[str, str]:
    fields = {"kind": entry.kind, "id": entry.id, "reason": entry.reason}
    if entry.until:
        fields["until"] = entry.until.isoformat()
    return {key: value for key, value in fields.items() if value}
