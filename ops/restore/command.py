"""Restore a backup of the stack's table to a new table, and compare the two."""

import argparse
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from cli import output
from cli.command_line import Context, between, checked
from cli.errors import OpsError, UsageError
from cli.polling import DeadlineError, duration
from model.names import valid_table_name
from ops.inventory import vaults
from ops.inventory.stack_tables import Restored
from ops.restore import restoration
from ops.restore.comparison import Comparison, compare
from ops.restore.origin import check_options, choose, resumed

_LONGEST_NAME = 255


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops restore``."""
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("arn", nargs="?", metavar="ARN", help="a recovery point or backup (default: the newest point)")
    time = "restore the table as of TIME, ISO 8601 with a zone, or 90m ago"
    origin.add_argument("--to-time", metavar="TIME", help=time)
    origin.add_argument("--latest", action="store_true", help="restore the table as of the latest possible time")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--target", type=checked(valid_table_name), metavar="NAME", help="name of the new table")
    drill = "restore to a temporary table, compare, measure, then delete it"
    target.add_argument("--drill", action="store_true", help=drill)
    add = parser.add_argument
    add("--table", type=checked(valid_table_name), metavar="NAME", help="the source (default: the stack's table)")
    add("--role", metavar="ARN", help="IAM role for AWS Backup (default: the stack's restore role)")
    key = "KMS key for the new table (default: the source's; in another region the vault's)"
    add("--kms-key", metavar="ARN", help=key)
    add("--reapply", action="store_true", help="copy the source's tags and settings to the new table")
    add("--no-compare", action="store_true", help="do not compare source and target")
    add("--expect-differences", action="store_true", help="do not fail on differences: the source has changed since")
    show, rate = "print the first N differences (default: 20)", "at most N read units (4 KB) per second (default: 3000)"
    add("--show", type=between(0, 10_000, int), default=20, metavar="N", help=show)
    add("--rate", type=between(1, 1_000_000), default=3000, metavar="N", help=rate)
    add("--resume", action="store_true", help="continue a restore that an earlier run started")
    timeout = "stop waiting after MINUTES; the restore continues (default: 720)"
    add("--timeout", type=between(0.01, 7 * 24 * 60), default=720, metavar="MINUTES", help=timeout)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Restore; exit status 1 when the copy differs. The last line is the new table's ARN."""
    check_options(arguments, context.region)
    if arguments.drill and (arguments.reapply or arguments.resume):
        raise UsageError("--drill deletes its table: leave out --reapply and --resume")
    context.say(context.where)
    return (_drill if arguments.drill else _restore)(arguments, context, seconds=60 * arguments.timeout)


def _restore(arguments: argparse.Namespace, context: Context, *, seconds: float) -> int:
    target, resume = arguments.target, arguments.resume
    origin = resumed(arguments, context) if resume else choose(arguments, context)
    source, job = origin.source, origin.job
    if arguments.reapply and not restoration.status(context, source):
        raise OpsError(f"--reapply needs table {source}, which no longer exists; leave out --reapply")
    if not resume:
        if state := restoration.status(context, target):
            raise OpsError(
                f"table {target} exists already ({state}); choose another --target, or pass "
                "--resume if an earlier run started to restore it"
            )
        job = restoration.start(context, origin, target, role=arguments.role, key=arguments.kms_key)
    again = "the restore is still running; to continue, run this again with --resume"
    try:
        took = restoration.wait(context, target, job, seconds=seconds)
        context.say(f"table {target} can be used after {duration(took)}")
        restoration.mark(context, target, restored=source)
        again = f"table {target} is restored; to continue, run this again with --resume"
        # In this order: a TTL would delete items while they are compared.
        comparison = _compared(arguments, context, source, target)
        reapplied, failed = restoration.reapply(context, source, target) if arguments.reapply else ([], {})
    except DeadlineError as late:
        raise OpsError(f"table {target} cannot be used yet after {late}; {again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(again) from None
    arn = vaults.table_arn(context, target)
    # Only an earlier run knows when it started.
    measured = {"table": target, "table_arn": arn, "recovery_seconds": None if resume else round(took, 1)}
    lines = [*(comparison.lines() if comparison else []), arn]
    result = measured | {"reapplied": reapplied, "failed": failed}
    differs = _print(arguments, context, origin, comparison, result, lines)
    if not arguments.reapply:
        restoration.advise(context, source, target)
    for what, why in failed.items():
        context.say(f"not re-applied, {what}: {why}")
    return 1 if differs or failed else 0


def _drill(arguments: argparse.Namespace, context: Context, *, seconds: float) -> int:
    """Prove that the backup restores: one line on standard output; exit status 1 when the copy differs."""
    origin = choose(arguments, context)
    # The stack's role restores to names that begin with the table's and a dot; from the rest the
    # inventory knows the table of a drill that was killed (ops/inventory/stack_tables.py).
    ending = f".drill-{secrets.token_hex(4)}"
    name = origin.source[: _LONGEST_NAME - len(ending)] + ending
    age = max(0.0, (datetime.now(UTC) - origin.moment).total_seconds()) if origin.moment else 0.0
    job = restoration.start(context, origin, name, role=arguments.role, key=arguments.kms_key)
    with restoration.temporary(context, name, job, seconds=seconds):
        try:
            took = restoration.wait(context, name, job, seconds=seconds)
        except DeadlineError as late:
            raise OpsError(f"table {name} could not be used after {late}") from None
        restoration.mark(context, name, restored=origin.source)
        comparison = _compared(arguments, context, origin.source, name)
    compared, lines = "not compared", []
    if comparison:
        items = output.count(comparison.source_items, "item")
        compared, lines = f"{items} compared, differences {comparison.differences:,}", comparison.lines()[:-1]
    lines.append(
        f"drill: {origin.source} restored in {duration(took)}, as of {duration(age)} before the drill; "
        f"{compared}; temporary table deleted"
    )
    measured = {"recovery_seconds": round(took, 1), "recovery_point_age_seconds": round(age, 1)}
    return int(_print(arguments, context, origin, comparison, measured | {"temporary_table": name}, lines))


def _compared(arguments: argparse.Namespace, context: Context, source: str, target: str) -> Comparison | None:
    """The comparison; None when it is not wanted, or the source no longer exists."""
    if arguments.no_compare:
        return None
    if not restoration.status(context, source):
        context.say(f"table {source} no longer exists: nothing to compare with")
        return None
    return compare(context, source, target, most=arguments.show, rate=arguments.rate)


def _print(
    arguments: argparse.Namespace,
    context: Context,
    origin: Restored,
    comparison: Comparison | None,
    more: dict[str, Any],
    lines: Iterable[str],
) -> bool:
    """Print the result: ``lines`` for people, ``more`` for JSON. Whether the copy differs, which is a failure."""
    result = {
        "stack": context.stack,
        "source_table": origin.source,
        "recovery_point_arn": origin.arn or None,
        "restored_to": origin.moment.isoformat() if origin.moment else None,
        "comparison": comparison.as_object() if comparison else None,
    }
    print(json.dumps(result | more, indent=2) if arguments.json else "\n".join(lines))
    if not comparison or not comparison.differences or arguments.expect_differences:
        return False
    context.say(
        "the restored table differs from the source; if the source has changed since, pass --expect-differences"
    )
    return True
