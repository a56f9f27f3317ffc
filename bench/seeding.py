"""How fast seeding is, and what arrives: ``python -m bench.seeding``.

Everything runs on one embedded AWS, the ways take turns, and each figure is the
median of the rounds. What counts are the ratios: the engine and the machine are
the same for all.
"""

import argparse
import itertools
import operator
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TypeVar

import boto3

from bench.deployed import seconds_in_lambda
from bench.seed import lines
from bench.ways import KEYS, Way, Ways
from embedded_aws.process import Running, running
from tests.support import recoveries
from tests.support.relay import relaying
from tests.support.withholding import Withholding

T = TypeVar("T")
_NAMES = (f"bench-{number}" for number in itertools.count())


def main() -> None:
    """Measure and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.seeding", description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-lambda", action="store_true", help="leave out the deployment")
    arguments = parser.parse_args()
    seed = lines(arguments.items)
    size = sum(map(len, seed)) // len(seed)
    print(
        f"{len(seed)} items, {size} bytes each, {os.cpu_count()} cores, "
        f"medians of {arguments.rounds} rounds, {time.strftime('%Y-%m-%d')}\n"
    )
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as aws:
        aws.enter()
        bench = Bench(aws)
        bench.speed(Ways(aws, aws.endpoint, seed).all(), len(seed), arguments.rounds)
        bench.losses(seed)
        bench.small(Ways(aws, aws.endpoint, seed), runs=min(300, 2 * arguments.items))
        if not arguments.no_lambda:
            seconds = seconds_in_lambda(aws, arguments.items)
            rate = arguments.items / seconds
            print(f"\nin the deployed function: {seconds:.2f} s, {rate:.0f} items/s")


class Bench:
    """The measurements, on one embedded AWS."""

    def __init__(self, aws: Running) -> None:
        self._aws = aws
        self._dynamodb = boto3.client("dynamodb", endpoint_url=aws.endpoint, verify=aws.ca_file, **KEYS)

    def speed(self, ways: list[Way], items: int, rounds: int) -> None:
        """Items a second of each way, and how much of the fastest possible that is."""
        rates, arrived = defaultdict(list), {}
        for turn in range(rounds + 1):  # the first one only warms everything up
            for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
                with self.table() as table:
                    seconds = _seconds(way.write, table)
                    arrived[way.name] = self.count(table)
                if turn:
                    rates[way.name].append(items * way.share / seconds)
        best = max((way.name for way in ways if way.name.startswith("raw")), key=lambda name: median(rates[name]))
        print(f"{'':24}{'ratio':>8}{'items/s':>10}{'arrived':>18}")
        for way in ways:
            # Round by round: what slows the machine down slows both of a round down.
            ratio = median(map(operator.truediv, rates[way.name], rates[best]))
            told = f"{arrived[way.name]} of {round(items * way.share)}"
            print(f"{way.name:24}{ratio:8.2f}{median(rates[way.name]):10.0f}{told:>18}")

    def losses(self, seed: list[str]) -> None:
        """What arrives when DynamoDB leaves 30 % of every batch unprocessed."""
        relay = Withholding()
        relay.share = 0.3
        print("\n30 % of every batch unprocessed:")
        with relaying(self._aws, relay):
            for way in Ways(self._aws, relay.endpoint, seed).all()[:-3]:
                with self.table() as table:
                    way.write(table)
                    sent = round(len(seed) * way.share)
                    print(f"{way.name:24}{f'{self.count(table)} of {sent}':>18}")

    def small(self, ways: Ways, runs: int) -> None:
        """Five messages: against one bare transaction, in turns."""
        with self.table() as table:
            both = ways.small(table)
            seconds: list[list[float]] = [[], []]
            for run in range(2 * runs):
                which = run % 2
                seconds[which].append(_seconds(both[which], run))
        ours, bare = (median(times[20:]) * 1000 for times in seconds)
        print(f"\n5 messages: {ours:.2f} ms, one bare transaction: {bare:.2f} ms, ratio {ours / bare:.2f}")

    @contextmanager
    def table(self) -> Iterator[str]:
        """The name of an empty table with the keys and the billing of the stack's."""
        name = next(_NAMES)
        self._dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **recoveries.KEYS)
        yield name
        self._dynamodb.delete_table(TableName=name)

    def count(self, table: str) -> int:
        """How many items a table has. The engine's is exact; on AWS it is hours old."""
        return int(self._dynamodb.describe_table(TableName=table)["Table"]["ItemCount"])


def _seconds(work: Callable[[T], None], argument: T) -> float:
    start = time.perf_counter()
    work(argument)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
