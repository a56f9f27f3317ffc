"""Restore a backup of the stack's table to a new table, and compare the two."""

import argparse
import json
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, explain
from cli.polling import DeadlineError, duration
from ops.inventory import vaults
from ops.inventory.stack_tables import Restored
from ops.restore import compare, drill, marking, origins, reapply, restore_options, restorer, resuming
from ops.restore.comparison import Comparison
from ops.restore.restoration import Restoration, Underway, status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops restore``."""
    restore_options.add(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Restore; exit status 1 when the copy differs. The last line is the new table's ARN."""
    seconds = restore_options.check(arguments)
    context.say(context.where)
    if arguments.drill:
        return drill.run(arguments, context, origins.choose(arguments, context), seconds=seconds)
    restoration, restored = (_resume if arguments.resume else _begin)(arguments, context)
    took = _wait(restoration, seconds=seconds)
    context.say(f"table {arguments.target} can be used after {duration(took)}")
    marking.mark(context, arguments.target, restored=restored.source)
    comparison, reapplied, failed = _after(arguments, context, restored.source)
    if arguments.json:
        result = _object(arguments, context, restored, took, comparison)
        print(json.dumps(result | {"reapplied": reapplied, "failed": failed}, indent=2))
    else:
        for line in comparison.lines() if comparison else []:
            print(line)
        print(vaults.table_arn(context, arguments.target))
    if not arguments.reapply:
        _say_what_is_lacking(context, restored.source, arguments.target)
    for what, why in failed.items():
        context.say(f"not re-applied, {what}: {why}")
    return 1 if compare.is_failure(arguments, context, comparison) or failed else 0


def _begin(arguments: argparse.Namespace, context: Context) -> tuple[Underway, Restored]:
    """The restore, begun. Raises OpsError before anything starts when it cannot be."""
    origin = origins.choose(arguments, context)
    _check_reapply(arguments, context, origin.table)
    state = status(context.clients("dynamodb"), arguments.target)
    if state:
        raise OpsError(
            f"table {arguments.target} exists already ({state}); choose another --target, or pass "
            "--resume if it is an earlier run's"
        )
    target = restorer.target(context, origin, arguments.target, role=arguments.role, key=arguments.kms_key)
    restoration = Restoration(context, origin, target)
    restoration.begin()
    return restoration, Restored(source=origin.table, arn=origin.arn, moment=origin.moment)


def _resume(arguments: argparse.Namespace, context: Context) -> tuple[Underway, Restored]:
    """The restore that an earlier run began. Raises OpsError where there is none."""
    restored = resuming.find(arguments, context)
    _check_reapply(arguments, context, restored.source)
    return Underway(context, arguments.target, restored.job), restored


def _check_reapply(arguments: argparse.Namespace, context: Context, source_table: str) -> None:
    if arguments.reapply and not status(context.clients("dynamodb"), source_table):
        raise OpsError(f"--reapply needs table {source_table}, which does not exist any more")


def _wait(restoration: Underway, *, seconds: float) -> float:
    again = "the restore goes on; running this again with --resume continues"
    try:
        return restoration.wait(seconds=seconds)
    except DeadlineError as late:
        name = restoration.name
        raise OpsError(f"table {name} cannot be used yet after {late}; {again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(again) from None


def _after(
    arguments: argparse.Namespace, context: Context, source_table: str
) -> tuple[Comparison | None, list[str], dict[str, str]]:
    """Compare, then re-apply: a TTL would delete items while they are compared."""
    again = f"table {arguments.target} is restored; --resume continues"
    reapplied: tuple[list[str], dict[str, str]] = ([], {})
    try:
        comparison = compare.if_wanted(arguments, context, source_table, arguments.target)
        if arguments.reapply:
            reapplied = reapply.reapply(context, source_table, arguments.target)
    except DeadlineError as late:
        raise OpsError(f"table {arguments.target} is still busy after {late}; {again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(again) from None
    return comparison, *reapplied


def _say_what_is_lacking(context: Context, source_table: str, target: str) -> None:
    """A hint alone: the table is good also where the caller may not look."""
    try:
        lacking = reapply.lacking(context, source_table, target)
    except ClientError as error:
        lacking = f"could not look for what table {target} lacks: {explain(error)}"
    if lacking:
        context.say(lacking)


def _object(
    arguments: argparse.Namespace, context: Context, restored: Restored, took: float, comparison: Comparison | None
) -> dict[str, Any]:
    return {
        "stack": context.stack,
        "table": arguments.target,
        "table_arn": vaults.table_arn(context, arguments.target),
        "source_table": restored.source,
        "recovery_point_arn": restored.arn or None,
        "restored_to": restored.moment.isoformat() if restored.moment else None,
        # An earlier run knows when it began.
        "recovery_seconds": None if arguments.resume else round(took, 1),
        "comparison": comparison.as_object() if comparison else None,
    }
