"""How fast the embedded AWS is to start, and to read a page of a large table: ``python -m bench.engine``.

Pages are read by the engine's own functions and by those that replace them, in turn, in one process and on one table;
half of the items are in one partition. The start is from a new process to its first answer; with --before, that of an
earlier commit is measured too, in turn.

100,000 items, medians of 5 rounds (2 cores, which other programs used too, 2026-11-26): a page of 25 items took the
engine 406 ms (Scan), 778 ms (Scan of an index), 1,661 ms (Query) and 425 ms (Query of an index); here 0.7, 0.8, 1.1 and
1.1 ms. The first page of each kind sorts: 233 to 1,483 ms. The first answer came 0.38 s after the start, in c2cccba
0.59 s (medians of 9); with four other busy programs 0.82 and 1.04 s (medians of 7).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import ministack.services.dynamodb as engine

from bench.commits import earlier
from embedded_aws import hooks
from embedded_aws.dynamodb.sorted_keys import segment_of
from embedded_aws.environment import PROJECT
from tests.support.tables import schema

_TABLE = "bench"
_PAGE = 25
_LARGE = "large"
# Run in the folder of a checkout, with that checkout's code.
_START = """
import sys, time
from pathlib import Path
from embedded_aws.process import running
begin = time.perf_counter()
with running(Path(sys.argv[1])):
    print(time.perf_counter() - begin)
"""


def main() -> None:
    """Measure and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", metavar="COMMIT", help="also start the embedded AWS of this commit")
    arguments = parser.parse_args()
    print(
        f"{arguments.items} items, {os.cpu_count()} cores, medians of {arguments.rounds} rounds, "
        f"{time.strftime('%Y-%m-%d')}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        projects = {"here": PROJECT}
        if arguments.before:
            projects = {arguments.before: earlier(arguments.before, Path(folder) / "before"), **projects}
        _report_starts(projects, arguments.rounds)
    _read(arguments.items, arguments.rounds)


def _report_starts(projects: dict[str, Path], rounds: int) -> None:
    spent = defaultdict(list)
    for number in range(rounds + 1):
        for name, project in projects.items():
            seconds = _start(project)
            if number:  # the first start compiles
                spent[name].append(seconds)
    for name, all_seconds in spent.items():
        fastest, slowest = min(all_seconds), max(all_seconds)
        print(
            f"start to first answer, {name}: {median(all_seconds):.2f} s ({fastest:.2f} to {slowest:.2f})", flush=True
        )
    print()


def _start(project: Path) -> float:
    """Seconds from a new process of the code in ``project`` to its first answer."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _START, folder]
        done = subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def _read(items: int, rounds: int) -> None:
    """Print what a page costs with the engine's own functions, and with the others."""
    before = {"Query": engine._query, "Scan": engine._scan}
    hooks.install("services.dynamodb:")
    after = {"Query": engine._query, "Scan": engine._scan}
    _fill(items)
    print(
        f"{'page of ' + str(_PAGE):28}{'engine':>12}{'here':>12}{'times faster':>15}{'first page here':>18}", flush=True
    )
    for name, request in _requests(items):
        operation = name.split()[0]  # the first word
        spent = defaultdict(list)
        first = _seconds(after[operation], request)
        for _ in range(rounds):
            for way in (before, after):
                spent[way is after].append(_seconds(way[operation], request))
        engines, here = median(spent[False]), median(spent[True])
        print(
            f"{name:28}{engines * 1000:9.2f} ms{here * 1000:9.2f} ms{engines / here:15.0f}{first * 1000:15.2f} ms",
            flush=True,
        )


def _requests(items: int) -> list[tuple[str, dict[str, Any]]]:
    """Pages from the middle of the table and of its large partition."""
    middle = _item(items // 2 | 1)
    start = {name: middle[name] for name in ("pk", "sk")}
    index = {"IndexName": "ByKind"}
    key = {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": _LARGE}}}
    sort = {
        "KeyConditionExpression": "pk = :v AND sk > :s",
        "ExpressionAttributeValues": {":v": {"S": _LARGE}, ":s": middle["sk"]},
    }
    of_index = index | {"KeyConditionExpression": "kind = :v", "ExpressionAttributeValues": {":v": middle["kind"]}}
    started = {"ExclusiveStartKey": start}
    return [
        ("Scan", started),
        ("Scan of a segment", started | {"TotalSegments": 4, "Segment": segment_of(start["pk"], 4)}),
        ("Scan of an index", index | {"ExclusiveStartKey": start | {"kind": middle["kind"]}}),
        ("Query", key | started),
        ("Query reversed", key | started | {"ScanIndexForward": False}),
        ("Query of a range", sort),
        ("Query of an index", of_index | {"ExclusiveStartKey": start | {"kind": middle["kind"]}}),
    ]


def _item(number: int) -> dict[str, Any]:
    partition = _LARGE if number % 2 else f"small-{number}"
    texts = {"pk": partition, "sk": f"{number:07}", "kind": f"{number % 4}", "text": "x" * 300}
    return {name: {"S": text} for name, text in texts.items()}


def _fill(items: int) -> None:
    engine._create_table(
        {
            "TableName": _TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema("pk", "sk"),
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "kind")],
            "GlobalSecondaryIndexes": [
                {"IndexName": "ByKind", "KeySchema": schema("kind"), "Projection": {"ProjectionType": "ALL"}}
            ],
        }
    )
    for number in range(items):
        engine._put_item({"TableName": _TABLE, "Item": _item(number)})


def _seconds(function: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> float:
    begin = time.perf_counter()
    status, _, body = function({"TableName": _TABLE, "Limit": _PAGE, **request})
    spent = time.perf_counter() - begin
    if status != 200:
        sys.exit(f"error: {body}")
    return spent


if __name__ == "__main__":
    main()
