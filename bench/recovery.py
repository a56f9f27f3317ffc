"""What it takes to mend 1 % of a table, in place and by a copy: ``python -m bench.recovery``.

One embedded AWS, one table and one backup. Before each turn the same items are deleted or changed. Then either
``python -m ops recover`` brings them back, or a second table is restored and all of it is copied back with boto3's
``batch_writer``. Each turn is a process of its own; DynamoDB says how many write units its requests took.
"""

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from botocore import handlers

from bench.seed import items
from bench.ways import Ways
from cli.polling import poll
from embedded_aws.process import running
from embedded_aws.tests.support.engine import configure
from model.messages import key_of, memberships
from model.wire import to_lines
from ops.__main__ import main as ops
from tests.support.ops_deployment import QUICK, Deployment
from tests.support.recoveries import KEYS

_STAGE = "bench"
_WRITES = ("BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem")


def main() -> None:
    """Measure and print a report; or, in a process of its own, do one turn."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turn", choices=_WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--backup", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.turn:
        print(*_turn(_WAYS[arguments.turn], arguments.backup))
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as aws:
        aws.enter()
        configure(aws, **QUICK)
        clients = cache(boto3.client)
        table = Deployment(clients, _STAGE).deploy(**KEYS).table
        messages = items(arguments.items)
        lists = {key_of(row): row for message in messages for row in memberships(message)}
        Ways(aws, aws.endpoint, list(to_lines([*messages, *lists.values()]))).project(table)
        damaged = [item for item in _scanned(clients("dynamodb"), table) if "MessageId" in item][::100]
        made = clients("dynamodb").create_backup(TableName=table, BackupName=_STAGE)
        print(
            f"{len(messages):,} messages, {len(damaged):,} of them deleted or changed, "
            f"medians of {arguments.rounds} rounds, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n"
        )
        measured: dict[str, list[list[float]]] = {way: [] for way in _WAYS}
        for _ in range(arguments.rounds):
            for way, turns in measured.items():
                _damage(clients("dynamodb"), table, damaged)
                turns.append(_measure(way, made["BackupDetails"]["BackupArn"]))
                assert all(_item(clients("dynamodb"), table, item) == item for item in damaged)
        _report(measured)


def _report(measured: dict[str, list[list[float]]]) -> None:
    figures = {way: [median(column) for column in zip(*turns, strict=True)] for way, turns in measured.items()}
    print(f"{'':10}{'seconds':>10}{'write units':>14}{'MB of memory':>14}")
    for way, (seconds, units, megabytes) in figures.items():
        print(f"{way:10}{seconds:10.1f}{units:14,.0f}{megabytes:14.0f}")
    ratios = [ours / theirs for ours, theirs in zip(figures["recover"], figures["copy"], strict=True)]
    print(f"{'ratio':10}{ratios[0]:10.2f}{ratios[1]:14.3f}{ratios[2]:14.2f}")


def _measure(way: str, backup: str) -> list[float]:
    command = [sys.executable, "-m", "bench.recovery", "--turn", way, "--backup", backup]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    return list(map(float, done.stdout.split()))


def _turn(way: Callable[[str], None], backup: str) -> tuple[float, float, float]:
    """Seconds, write units, and megabytes of memory at most."""
    units = [0.0]

    def ask(*, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in _WRITES:
            params.setdefault("ReturnConsumedCapacity", "TOTAL")

    def count(*, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in _WRITES:
            consumed = parsed.get("ConsumedCapacity", [])
            units[0] += sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))

    handlers.BUILTIN_HANDLERS.append(("provide-client-params.dynamodb", ask))
    handlers.BUILTIN_HANDLERS.append(("after-call.dynamodb", count))
    began = time.monotonic()
    way(backup)
    seconds = time.monotonic() - began
    # Not getrusage(): that counts the process, too, which this one was started from.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    return seconds, units[0], int(peak[1]) / 1024


def _recover(backup: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        status = ops(["recover", backup, "--stage", _STAGE, "--yes", "--rate", "1000000"])
    assert status == 0, out.getvalue()


def _copy(backup: str) -> None:
    """As a script does it: restore, wait, put every item, delete the second table."""
    dynamodb, name = boto3.client("dynamodb"), f"Messages-{_STAGE}.copy"
    dynamodb.restore_table_from_backup(BackupArn=backup, TargetTableName=name)
    poll(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE" or None, seconds=60)
    tables = boto3.resource("dynamodb")
    with tables.Table(f"Messages-{_STAGE}").batch_writer() as batch:
        for page in tables.meta.client.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                batch.put_item(Item=item)
    dynamodb.delete_table(TableName=name)


_WAYS: dict[str, Callable[[str], None]] = {"recover": _recover, "copy": _copy}


def _scanned(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]


def _damage(dynamodb: Any, table: str, items: list[dict[str, Any]]) -> None:
    """Delete every second one, and change the others."""
    for number, item in enumerate(items):
        if number % 2:
            dynamodb.put_item(TableName=table, Item=item | {"Body": {"S": "Poisoned."}})
        else:
            dynamodb.delete_item(TableName=table, Key=_key(item))


def _item(dynamodb: Any, table: str, item: dict[str, Any]) -> Any:
    return dynamodb.get_item(TableName=table, Key=_key(item), ConsistentRead=True).get("Item")


def _key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("pk", "sk")}


if __name__ == "__main__":
    main()
