"""Delete what a destroyed stack leaves behind, and prove that it is gone."""

import argparse
import contextlib
import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cli.clients import find_stack
from cli.command_line import Context, agree, between, checked
from cli.errors import OpsError, UsageError
from cli.polling import DeadlineError, poll
from model.names import valid_table_name
from model.time_span import parse_span
from ops.cleanup import guards, plan
from ops.cleanup.deletion import Deletion
from ops.cleanup.guards import Guards
from ops.cleanup.plan import Choices, Entry, Plan
from ops.inventory import leftovers, vaults
from ops.inventory.found import Inventory

_LAG_SECONDS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops cleanup``."""
    agreement = parser.add_mutually_exclusive_group()
    agreement.add_argument("--dry-run", action="store_true", help="print what would be deleted, and stop")
    agreement.add_argument("--yes", action="store_true", help="delete without asking")
    add = parser.add_argument
    former = "also delete on-demand backups of this former table of the stack (repeatable)"
    name = checked(valid_table_name)
    add("--table", type=name, action="append", default=[], metavar="NAME", help=former)
    only = "delete only this table's recovery points; keep vault, role and everything else"
    add("--only-table", type=name, metavar="NAME", help=only)
    older = "delete only recovery points older than AGE, for example 36h, 30d or 8w; keep everything else"
    add("--older-than", type=checked(parse_span), metavar="AGE", help=older)
    last = "delete recovery points except the newest N usable ones of each table; keep everything else"
    add("--keep-last", type=between(0, 1_000_000, int), metavar="N", help=last)
    allow = "also run while the stack is deployed; needs --only-table, --older-than or --keep-last"
    add("--while-deployed", action="store_true", help=allow)
    add("--unlock", action="store_true", help="first remove a vault lock that can be removed")
    add("--account", metavar="ID", help="exit with status 2 unless the credentials belong to this account")
    rate = "at most N deletions a second (default: 10, DynamoDB's own quota)"
    add("--rate", type=between(0.1, 10_000), default=10, metavar="N", help=rate)
    wait = "longest wait for one step, in minutes (default: 10)"
    add("--timeout", type=between(0.01, 24 * 60), default=10, metavar="MINUTES", help=wait)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Clean up; exit status 0 when everything is deleted that can be."""
    chosen = choices(arguments)
    context.say(context.where)
    if arguments.account not in (None, context.account):
        raise UsageError(
            f"--account {arguments.account}, but the credentials belong to account {context.account}; "
            "check --profile and the AWS_* variables"
        )
    chosen = dataclasses.replace(chosen, deployed=_deployed(context, allowed=chosen.deployed))
    # Restored tables are tagged, and have nothing else of the stack.
    tagged, unseen = leftovers.stacks(context, every=False)

    def look() -> Inventory:
        found = leftovers.take(context, more_tables=chosen.tables, tagged=tagged[context.stack])
        return dataclasses.replace(found, unseen=(*found.unseen, *unseen))

    def decide(found: Inventory) -> tuple[Plan, Guards]:
        guarded = guards.read(context, found.vaults, unlock=chosen.unlock, now=chosen.now)
        return plan.make(found, region=context.region, guards=guarded, choices=chosen, copies=copies), guarded

    found = look()
    # A role is all that remains of a stage that was cleaned up before its copies.
    tables = [table for role in found.roles for table in role.tables]
    copies = vaults.copies(context, found.vaults, tables, profile=arguments.profile)
    before, guarded = decide(found)
    leftovers.say_unseen(context, guarded.unread)
    listing = [*lines("to delete", before.actions), *lines("cannot be deleted", before.blocked)]
    listing += lines("kept", before.stays)
    if arguments.dry_run and arguments.json:
        print(to_json(context, left=before.blocked, stays=before.stays, planned=before.actions))
        return 0
    if arguments.dry_run:
        nothing = [] if before.actions else [_nothing(context, found=bool(listing))]
        print(*nothing, *listing, sep="\n")
        context.say("dry run: nothing was deleted")
        return 0
    if not before.actions:
        return _show_result(context, before, before, {}, as_json=arguments.json)
    context.say("\n".join(listing))
    question = f"Delete {plan.summary(before.actions)} in {context.where}?"
    agree(question, yes=arguments.yes, to="delete", done="deleted")
    deletion = Deletion(context, before.actions, rate=arguments.rate, seconds=60 * arguments.timeout)
    deletion.run(found)
    after = look_again(context, deletion.failures, lambda: decide(look())[0])
    return _show_result(context, before, after, deletion.failures, as_json=arguments.json)


def choices(arguments: argparse.Namespace) -> Choices:
    """The choices in ``arguments``. Raises UsageError for those that make no sense."""
    now = datetime.now(UTC)
    chosen = Choices(
        table=arguments.only_table or "",
        before=None if arguments.older_than is None else now - arguments.older_than,
        keep_last=arguments.keep_last,
        tables=tuple(arguments.table),
        unlock=arguments.unlock,
        deployed=arguments.while_deployed,
        now=now,
    )
    if chosen.deployed and not chosen.partial:
        raise UsageError(
            "--while-deployed alone would delete every backup of a table in use; add "
            "--older-than, --keep-last or --only-table"
        )
    return chosen


def _deployed(context: Context, *, allowed: bool) -> bool:
    """Whether the stack exists. Raises OpsError when it does and that is not ``allowed``: its backups are in use."""
    found = find_stack(context.clients, context.stack)
    if found is None or allowed:
        return found is not None
    remedy = {
        "DELETE_IN_PROGRESS": "wait until it is deleted, then run this again",
        "DELETE_FAILED": f"its deletion failed: {found.reason or 'see its events'}; remove the cause, then destroy it",
    }.get(
        found.status,
        "destroy it first (make destroy), then run this again; or select old backups with "
        "--while-deployed and --older-than or --keep-last",
    )
    raise OpsError(f"stack {context.stack} is still deployed (status {found.status}); {remedy}")


def look_again(context: Context, failures: Collection[tuple[str, str]], replan: Callable[[], Plan]) -> Plan:
    """The plan after a deletion, from a second inventory: what it still wants to delete is left.

    Lists lag behind deletions in IAM and CloudWatch Logs, so ``replan`` is called again, for a
    while, as long as it lists something that did not fail.
    """
    after = replan()

    def settled() -> bool | None:
        nonlocal after
        stale = any((entry.kind, entry.id) not in failures for entry in after.actions)
        after = replan() if stale else after
        return None if stale else True

    with contextlib.suppress(DeadlineError):
        poll(settled, seconds=_LAG_SECONDS, clock=context.clock)
    return after


def _show_result(
    context: Context, before: Plan, after: Plan, failures: Mapping[tuple[str, str], str], *, as_json: bool
) -> int:
    """Print what the second inventory shows; exit status 1 when anything is left that should have been deleted."""

    def still_there(entry: Entry) -> Entry:
        reason = failures.get((entry.kind, entry.id), "still there; run this again")
        # Only the second inventory knows what a vault holds now.
        return dataclasses.replace(entry, reason=f"{entry.reason}; {reason}" if entry.kind == plan.VAULT else reason)

    left = [*map(still_there, after.actions), *after.blocked]
    remaining = {(entry.kind, entry.id) for entry in (*left, *after.stays)}
    deleted = [e for e in before.actions if e.kind != plan.JOB and (e.kind, e.id) not in remaining]
    if as_json:
        print(to_json(context, deleted=deleted, left=left, stays=after.stays))
        return 1 if left else 0
    summary = [f"deleted: {plan.summary(deleted)}"] if deleted else []
    end = f"{len(left)} left in {context.where}" if left else _nothing(context, found=bool(deleted or after.stays))
    print(*summary, *lines("left", left), *lines("kept", after.stays), end, sep="\n")
    return 1 if left else 0


def _nothing(context: Context, *, found: bool) -> str:
    if found:
        return f"nothing left to delete in {context.where}"
    return f"nothing to delete found in {context.where}; if the stack was elsewhere, pass --region or --profile"


def lines(title: str, entries: Iterable[Entry]) -> list[str]:
    """``title`` and one line for each entry; nothing when there is none."""
    rows = []
    for entry in entries:
        until = f"until {entry.until:%Y-%m-%d %H:%M %Z}" if entry.until else ""
        rows.append("  " + "  ".join(part for part in (entry.kind, entry.id, until, entry.reason) if part))
    return [f"{title}:", *rows] if rows else []


def to_json(context: Context, **lists: Iterable[Entry]) -> str:
    """One object: where it was, and the lists deleted, left, stays and, after a dry run, planned."""
    result: dict[str, Any] = {"account": context.account, "region": context.region, "stack": context.stack}
    for name, entries in ({"deleted": (), "left": (), "stays": ()} | lists).items():
        rows = map(dataclasses.asdict, entries)
        result[name] = [{key: value for key, value in row.items() if value} for row in rows]
    return json.dumps(result, indent=2, default=datetime.isoformat)
