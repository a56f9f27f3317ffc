"""Bring the live table back to a backup or a moment, in place: only what differs is written."""

import argparse
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import output
from cli.clients import find_stack, missing_table
from cli.command_line import Context, agree, between, check_can_ask, checked
from cli.errors import OpsError, UsageError, explain
from cli.polling import DeadlineError, duration, poll
from model.names import valid_table_name
from ops.inventory import stack_tables
from ops.recover import plan as plans
from ops.recover import temporary
from ops.recover.recovery import Outcome, Recovery, check_keys, rates
from ops.recover.temporary import Temporary
from ops.recover.write_back import CHANGED_SINCE
from ops.restore import restoration
from ops.restore.origin import check_options, region_of

_READ_UNIT_BYTES = 4096
# Longer than this for one reading of both tables is work for more than one machine.
_LONG_SECONDS = 3600
_BACKUP_SECONDS = 600
_AGAIN = "run the same command again to finish"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops recover``."""
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("arn", nargs="?", metavar="ARN", help="a recovery point or backup (default: the newest point)")
    time = "the table as of TIME, ISO 8601 with a zone, or 90m ago"
    origin.add_argument("--to-time", metavar="TIME", help=time)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--exact", action="store_true", help="also remove what the backup does not have")
    kinds.add_argument("--only-missing", action="store_true", help="bring back deleted items, leave changed ones")
    add = parser.add_argument
    only = "only this conversation, two users joined by #"
    add("--conversation", type=checked(plans.conversation_of), metavar="ID", help=only)
    add("--since", metavar="TIME", help="only messages sent at TIME or later")
    add("--until", metavar="TIME", help="only messages sent before TIME")
    agreement = parser.add_mutually_exclusive_group()
    agreement.add_argument("--dry-run", action="store_true", help="print the plan, and stop")
    agreement.add_argument("--yes", action="store_true", help="write without asking")
    add("--no-way-back", action="store_true", help="write although the present state is not backed up")
    add("--table", type=checked(valid_table_name), metavar="NAME", help="the live table (default: the stack's)")
    add("--role", metavar="ARN", help="IAM role for AWS Backup (default: the stack's restore role)")
    add("--kms-key", metavar="ARN", help="KMS key for the temporary table (default: the live table's)")
    show = "print the first N differences of each kind (default: 5)"
    add("--show", type=between(0, 10_000, int), default=5, metavar="N", help=show)
    rate = "at most N write units a second (default: 1000, or half of the provisioned ones)"
    add("--rate", type=between(1, 1_000_000), metavar="N", help=rate)
    wait = "stop waiting for the restore after MINUTES (default: 720)"
    add("--timeout", type=between(0.01, 7 * 24 * 60), default=720, metavar="MINUTES", help=wait)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Recover; exit status 0 when nothing differs but what was left on purpose, and the lists follow."""
    check_options(arguments, context.region if arguments.arn is None else region_of(arguments.arn))
    plans.scope_of(arguments, datetime.now(UTC))
    context.say(context.where)
    seconds = 60 * arguments.timeout
    began, live = context.clock.monotonic(), _live_table(arguments, context)
    if not arguments.dry_run:
        check_can_ask(yes=arguments.yes, to="write")
    _advise_if_large(arguments, context, live)
    with (
        temporary.place(arguments, context) as there,
        # All differences may be more than memory holds; they are wanted as JSON only.
        tempfile.TemporaryFile("w+", encoding="utf-8") if arguments.json else open(os.devnull, "w") as everything,
    ):
        temp = temporary.obtain(arguments, context, there, live)
        deleted = restoration.temporary(there, temp.name, temp.job, seconds=seconds, is_new=temp.is_new)
        with deleted as keep, _in_one_line(temp), contextlib.ExitStack() as ending:
            restoration.wait(there, temp.name, temp.job, seconds=seconds)
            restoration.mark(there, temp.name, restored=live["TableName"])
            recovery = Recovery(arguments, context, live, temp, everything)
            ending.callback(recovery.keep_if_shared, keep)  # however this ends
            is_continued, plan = recovery.find_plan(), recovery.found.plan
            if arguments.dry_run:
                return _print_plan(context, recovery)
            if not is_continued:
                context.say("\n".join(recovery.lines()))
            if plan.number and not is_continued:
                what = f"Write {output.count(plan.number, 'item')} to table {live['TableName']}"
                agree(f"{what} in {context.where}?", yes=arguments.yes, to="write", done="written")
                if not arguments.no_way_back:
                    _secure_way_back(context, live["TableName"])
                recovery.store.record(plan)
            # From here on another run can finish what this one does not.
            keep()
        with _in_one_line(temp, again=f"; {_AGAIN}" if plan.number else ""):
            outcome = recovery.carry_out()
            if recovery.is_shared():
                raise OpsError(f"nothing differs, but another run needs table {temp.name}, and deletes it at its end")
            is_deleted = False
            try:
                restoration.remove(there, temp.name, "", seconds=seconds)
                is_deleted = True
            finally:  # an error comes after the result
                took = context.clock.monotonic() - began
                status = _print(recovery, outcome, seconds=took, is_deleted=is_deleted)
        return status


def _live_table(arguments: argparse.Namespace, context: Context) -> dict[str, Any]:
    """DynamoDB's description of the table to recover. Raises OpsError where it cannot be recovered."""
    name, *others = stack_tables.names(context, arguments.table)
    if others:
        raise UsageError(f"stack {context.stack} had tables {', '.join([name, *others])}: name one with --table")
    shown = stack_tables.described(context.clients("dynamodb"), name)
    if not shown:
        gone = "" if arguments.table else missing_table(context.clients, find_stack(context.clients, context.stack))
        deploy = f"table {name} does not exist in {context.region}; deploy its stack, then run this again"
        raise OpsError(gone or deploy)
    if shown["TableStatus"] != "ACTIVE":
        raise OpsError(f"table {name} is {shown['TableStatus']}; wait until it is ACTIVE, then run this again")
    check_keys(shown, "")
    return shown


def _advise_if_large(arguments: argparse.Namespace, context: Context, live: dict[str, Any]) -> None:
    """Say which tools are made for a table that takes long to read; go on with consent."""
    size, rate = live.get("TableSizeBytes", 0), rates(live, None)[0]
    seconds = 2 * size / _READ_UNIT_BYTES / rate
    if seconds < _LONG_SECONDS:
        return
    context.say(
        f"table {live['TableName']} has {output.size(size)}: to read it and the backup once takes about "
        f"{duration(seconds)}. Tools that share the work among machines are faster: export both tables with `python -m "
        f"chat export --to s3://BUCKET/PREFIX {_place(context)}`, and compare and copy with `bulk diff` and `bulk "
        "copy` of AWS Glue's Bulk Executor (https://github.com/awslabs/amazon-dynamodb-tools)"
    )
    if not arguments.dry_run:
        agree("Go on here?", yes=arguments.yes, to="go on", done="written")


def _secure_way_back(context: Context, table: str) -> None:
    """Make sure that the present state can be restored: by point-in-time recovery, or by a backup taken now."""
    dynamodb = context.clients("dynamodb")
    try:
        answer = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        if answer.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED":
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            context.say(f"way back: `python -m ops recover --to-time {now} --exact {_place(context)}`")
            return
        name = f"before-recovery-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        arn = dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]["BackupArn"]

        def is_usable() -> bool | None:
            shown = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
            return shown["BackupStatus"] == "AVAILABLE" or None

        poll(is_usable, seconds=_BACKUP_SECONDS, clock=context.clock)
    except (ClientError, DeadlineError) as error:
        why = "the backup is not AVAILABLE after " if isinstance(error, DeadlineError) else ""
        raise OpsError(
            f"nothing was written: nothing shows that the present state of table {table} can be restored, by "
            f"point-in-time recovery or by a backup taken now: {why}{explain(error)}; --no-way-back writes all the same"
        ) from None
    context.say(f"way back: `python -m ops recover {arn} --exact {_place(context)}`")


def _place(context: Context) -> str:
    return f"--stack {context.stack} --region {context.region}"


@contextlib.contextmanager
def _in_one_line(temp: Temporary, again: str = "") -> Iterator[None]:
    """Turn whatever ends a recovery into one line, which says how to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(again.lstrip("; ") or str(interrupt)) from None
    except (ClientError, BotoCoreError, DeadlineError, TimeoutError) as error:
        why = explain(error)
        if isinstance(error, DeadlineError):
            why = f"table {temp.name} cannot be used yet after {error}"
        elif "ResourceNotFoundException" in why and not restoration.status(temp.context, temp.name):
            why = f"table {temp.name} no longer exists: another run has finished this recovery, or it was dropped"
        raise OpsError(f"{why}{again}") from None


def _print_plan(context: Context, recovery: Recovery) -> int:
    if recovery.arguments.json:
        _print_json(recovery)
    else:
        print(*recovery.lines(), sep="\n")
    context.say("dry run: nothing was written")
    return 0


def _print_json(recovery: Recovery, more: dict[str, Any] | None = None) -> None:
    """One object; its last field has all differences, a line each."""
    origin, plan = recovery.temp.origin, recovery.found.plan
    result = {
        "stack": recovery.context.stack,
        "table": recovery.table,
        "backup_arn": origin.arn or None,
        "recovered_to": origin.moment.isoformat() if origin.moment else None,
        "items_compared": plan.compared,
        **plan.counts,
        "items_to_write": plan.number,
        "bytes_to_write": plan.bytes,
        "write_units": plan.units,
        "usd": round(recovery.dollars, 6),
        "seconds_at_rate": round(plan.units / recovery.rate, 1),
    }
    recovery.everything.seek(0)
    print(json.dumps(result | (more or {}), indent=2).removesuffix("\n}") + ',\n  "items": [', end="")
    separator = "\n"
    for line in recovery.everything:
        print(f"{separator}    {line.rstrip()}", end="")
        separator = ",\n"
    print("\n  ]\n}")


def _print(recovery: Recovery, outcome: Outcome, *, seconds: float, is_deleted: bool) -> int:
    """Print the result; the exit status."""
    origin, written = recovery.temp.origin, outcome.written
    now = datetime.now(UTC)
    left = [(*key, why) for key, why in written.first.smallest()]
    if recovery.arguments.json:
        result = {
            "written": written.written,
            "already_right": written.already,
            "left": written.left,
            "left_items": [{"pk": pk, "sk": sk, "reason": why} for pk, sk, why in left],
            "differences": outcome.differences,
            "unrecovered": [{"pk": pk, "sk": sk} for pk, sk in outcome.unrecovered],
            "lists_behind": outcome.late,
            "recovery_seconds": round(seconds, 1),
            "recovered_state_age_seconds": round((now - origin.moment).total_seconds(), 1) if origin.moment else None,
        }
        _print_json(recovery, result)
    else:
        reasons = dict.fromkeys(outcome.first, CHANGED_SINCE) | {(pk, sk): why for pk, sk, why in left}
        rows = [(f"  left: {output.safe(pk)}", output.safe(sk), reasons[pk, sk]) for pk, sk in sorted(reasons)]
        if shown := output.columns(rows[: recovery.arguments.show]) if rows else []:
            print(*shown, sep="\n")
        compared = output.count(recovery.found.plan.compared, "item")
        print(
            f"recovered {recovery.table} in {duration(seconds)} to its state {output.age(origin.moment, now)} ago: "
            f"{compared} compared, {written.written:,} written, {written.left:,} left, "
            f"differences {outcome.differences:,}; temporary table {'' if is_deleted else 'not '}deleted"
        )
    if outcome.unrecovered:
        recovery.context.say(f"{output.count(len(outcome.unrecovered), 'item')} still as before; run this again")
    if number := len(written.impossible):
        recovery.context.say(
            f"{output.count(number, 'item')} cannot be recovered in place; to copy by hand, restore the backup to a "
            "table beside this one: python -m ops restore --target NAME"
        )
    if outcome.late:
        names = ", ".join(map(output.safe_name, outcome.late[:5]))
        recovery.context.say(
            f"the lists do not show the last message of {output.count(len(outcome.late), 'conversation')} ({names}); "
            "to correct them: python -m chat reindex"
        )
    return 1 if outcome.unrecovered or written.impossible or outcome.late else 0
