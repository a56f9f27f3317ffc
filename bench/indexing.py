"""What keeping the lists costs: ``python -m bench.indexing``.

Capacity units and Lambda invocations for each message into a conversation that
exists, here and in the systems before this one. Counted, not timed: every run
prints the same. Units are counted twice: by the rules of DynamoDB's
documentation, from each item before and after each write, and as the engine
reports them.
"""

import argparse
import contextlib
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from bench import original
from bench.units import Metered, Units
from bench.ways import KEYS
from embedded_aws.process import Running, running
from functions.indexer import index
from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    PARTITION_KEY,
    format_time,
    message_item,
)
from tests.support import tables
from tests.support.streams import Stream

MESSAGES, BATCHES = 100, (10, 100)
BODY = "Thanks! You're the best, and the script works now." * 4
_START = datetime(2026, 1, 1, 9, tzinfo=UTC)
_NAMES = (f"bench-{number}" for number in itertools.count())


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What each message costs."""

    way: str
    documented: Units
    reported: Units
    invocations: float


def main() -> None:
    """Count and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.indexing", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as aws:
        aws.enter()
        print(
            f"{'for each message':42}{'table':>7}{'index':>7}{'writes':>8}{'reads':>7}"
            f"{'invocations':>13}{'engine: table':>16}{'index':>7}{'reads':>7}"
        )
        for cost in costs(aws, arguments.messages):
            print(line(cost))


def line(cost: Cost) -> str:
    """A line of the report."""
    told, engine = cost.documented, cost.reported
    return (
        f"{cost.way:42}{told.table:7.2f}{told.index:7.2f}{told.writes:8.2f}{told.reads:7.2f}"
        f"{cost.invocations:13.2f}{engine.table:16.2f}{engine.index:7.2f}{engine.reads:7.2f}"
    )


def costs(aws: Running, messages: int = MESSAGES, batches: Sequence[int] = BATCHES) -> Iterator[Cost]:
    """Every way's cost, on one embedded AWS."""
    where = {"endpoint_url": aws.endpoint, "verify": aws.ca_file, **KEYS}
    counting = Counting(boto3.resource("dynamodb", **where), boto3.client("dynamodbstreams", **where), messages)
    yield counting.original()
    yield counting.ours("here, one record for each invocation", 1, conversations=1)
    for batch in batches:
        yield counting.ours(f"here, batches of {batch}, one conversation", batch, conversations=1)
        way = f"here, batches of {batch}, {batch} conversations"
        yield counting.ours(way, batch, conversations=batch)


@dataclass(frozen=True)
class Counting:
    """Where it is counted, and over how many messages."""

    dynamodb: Any
    streams: Any
    messages: int

    def ours(self, way: str, batch: int, *, conversations: int) -> Cost:
        """What ``batch`` records for each invocation cost, of that number of conversations in turns."""
        with tables.messages_table(self.dynamodb, next(_NAMES), stream=True) as table:
            stream = Stream(self.streams, table.latest_stream_arn)
            for message in _messages(0, conversations, conversations):
                table.put_item(Item=message)
            _index(table, stream.read())
            stream.read()  # the lists' own records
            metered = Metered(table, (INDEX_PARTITION_KEY, INDEX_SORT_KEY))
            invocations = 0
            for messages in _batches(_messages(conversations, self.messages, conversations), batch):
                for message in messages:
                    metered.put_item(Item=message)
                records = [record for record in stream.read() if _passes_the_filter(record)]
                _index(metered, records)
                invocations += 1
            return self._cost(way, metered, invocations)

    def original(self) -> Cost:
        """What the handler of the systems before costs."""
        with original.table(self.dynamodb, next(_NAMES)) as table:
            for row in original.rows(format_time(_START)):
                table.put_item(Item=row)
            stream = Stream(self.streams, table.latest_stream_arn)
            stream.read()
            metered = Metered(table, original.INDEX_KEYS)
            invocations = 0
            for minute in range(1, self.messages + 1):
                sent_at = format_time(_START + timedelta(minutes=minute))
                metered.put_item(Item=original.message(sent_at, BODY))
                while records := stream.read():
                    for record in records:
                        original.handle(metered, record)
                        invocations += 1
            return self._cost("the systems before", metered, invocations)

    def _cost(self, way: str, metered: Metered, invocations: int) -> Cost:
        def each(units: Units) -> Units:
            return Units(units.table / self.messages, units.index / self.messages, units.reads / self.messages)

        return Cost(
            way=way,
            documented=each(metered.documented),
            reported=each(metered.reported),
            invocations=invocations / self.messages,
        )


def _messages(first: int, count: int, conversations: int) -> list[dict[str, Any]]:
    return [
        message_item(
            sender="Tom",
            recipient=f"user-{number % conversations}",
            body=BODY,
            sent_at=_START + timedelta(seconds=number),
        )
        for number in range(first, first + count)
    ]


def _batches(messages: Sequence[dict[str, Any]], size: int) -> Iterable[Sequence[dict[str, Any]]]:
    return (messages[start : start + size] for start in range(0, len(messages), size))


def _passes_the_filter(record: dict[str, Any]) -> bool:
    """As the event source of the stack has it: only messages invoke the function."""
    key = record["dynamodb"]["Keys"][PARTITION_KEY]["S"]
    return bool(key.startswith(CONVERSATION_PREFIX))


def _index(table: Any, records: list[dict[str, Any]]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):  # its log
        answer = index(table, records)
    assert not answer["batchItemFailures"], answer


if __name__ == "__main__":
    main()
