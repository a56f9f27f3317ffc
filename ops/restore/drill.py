"""Prove that a backup restores: to a temporary table, compared, measured, removed again."""

import argparse
import contextlib
import json
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import output
from cli.command_line import Context
from cli.errors import OpsError, code, explain
from cli.polling import DeadlineError, duration, poll
from ops.restore import compare, marking, restorer
from ops.restore.comparison import Comparison
from ops.restore.origins import Origin
from ops.restore.restoration import Restoration, status

DRILL_TAG = "messages:drill"
_LONGEST_NAME = 255
# A table that was just asked for may not be visible yet.
_GRACE_SECONDS = 5.0


def run(arguments: argparse.Namespace, context: Context, origin: Origin, *, seconds: float) -> int:
    """Do the drill; one line on standard output. Exit status 1 when the copy differs.

    ``seconds`` is the longest wait for the restore, and again for the removal.
    """
    # The stack's role restores under the table's name, a dot and more only; a killed drill's table
    # is known by the rest (ops/inventory/stack_tables.py).
    ending = f".drill-{secrets.token_hex(4)}"
    name = origin.table[: _LONGEST_NAME - len(ending)] + ending
    target = restorer.target(context, origin, name, role=arguments.role, key=arguments.kms_key)
    age = (datetime.now(UTC) - origin.moment).total_seconds()
    restoration = Restoration(context, origin, target)
    with _removed_again(context, restoration, seconds=seconds):
        restoration.begin()
        try:
            took = restoration.wait(seconds=seconds)
        except DeadlineError as late:
            raise OpsError(f"table {name} could not be used after {late}") from None
        marking.mark(context, name, restored=origin.table, more={DRILL_TAG: "temporary"})
        comparison = compare.if_wanted(arguments, context, origin.table, name)
    if arguments.json:
        print(json.dumps(_object(context, origin, name, took, age, comparison), indent=2))
    else:
        for line in comparison.lines()[:-1] if comparison else []:
            print(line)
        print(_summary(origin, took, age, comparison))
    return 1 if compare.is_failure(arguments, context, comparison) else 0


@contextlib.contextmanager
def _removed_again(context: Context, restoration: Restoration, *, seconds: float) -> Iterator[None]:
    """Remove the restored table at the end, however that comes about."""
    name = restoration.name
    left = f"table {name} is left; delete it: `aws dynamodb delete-table --table-name {name} --region {context.region}`"
    interrupted = False
    try:
        with _terminated_as_interrupted():
            yield
    except KeyboardInterrupt:
        interrupted = True
        context.say(f"interrupted: removing table {name}; once more leaves it")
        raise KeyboardInterrupt(f"table {name} is removed again") from None
    finally:
        if (error := sys.exc_info()[1]) and not interrupted:
            context.say(f"the drill failed ({error}): removing table {name}")
        try:
            if not restoration.refused:
                _remove(context, restoration, seconds=seconds)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(left) from None
        except DeadlineError as late:
            raise OpsError(f"{left}: it was still there after {late}") from None
        except (ClientError, BotoCoreError) as failed:
            raise OpsError(f"{left}: {explain(failed)}") from None


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM, with which pipelines cancel, end the drill as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _remove(context: Context, restoration: Restoration, *, seconds: float) -> None:
    """Delete the table and wait until it is gone; while it is being restored AWS refuses to."""
    dynamodb, name, clock = context.clients("dynamodb"), restoration.name, context.clock
    seen, grace_ends = False, clock.monotonic() + _GRACE_SECONDS

    def gone() -> bool | None:
        nonlocal seen
        if not restoration.ended():
            return None
        state = status(dynamodb, name)
        if not state:
            return True if seen or clock.monotonic() > grace_ends else None
        seen = True
        if state == "ACTIVE":
            try:
                dynamodb.delete_table(TableName=name)
            except ClientError as error:
                if code(error) not in ("ResourceInUseException", "ResourceNotFoundException"):
                    raise
        return None

    poll(gone, seconds=seconds, clock=clock)
    context.say(f"table {name} is removed again" if seen else f"no table {name} came to be")


def _summary(origin: Origin, took: float, age: float, comparison: Comparison | None) -> str:
    compared = "not compared"
    if comparison:
        items = output.count(comparison.source_items, "item")
        compared = f"{items} compared, differences {comparison.differences:,}"
    return (
        f"drill: {origin.table} restored in {duration(took)}, to its state "
        f"{duration(max(0.0, age))} before the drill; {compared}; the temporary table is removed "
        "again"
    )


def _object(
    context: Context, origin: Origin, name: str, took: float, age: float, comparison: Comparison | None
) -> dict[str, Any]:
    return {
        "stack": context.stack,
        "source_table": origin.table,
        "recovery_point_arn": origin.arn or None,
        "restored_to": origin.moment.isoformat(),
        "recovery_seconds": round(took, 1),
        "recovery_point_age_seconds": round(age, 1),
        "temporary_table": name,
        "comparison": comparison.as_object() if comparison else None,
    }
