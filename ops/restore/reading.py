"""Read a table's items page by page, spending no more read capacity than is allowed."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from ops.restore.digests import Item

_SLOWEST = 1.0  # read units a second


class Stopped(Exception):
    """Another reader's failure, or an interruption, has ended the reading."""


class Budget:
    """Read units that may be spent a second, in all threads together; and the way to stop them.

    A unit is a consistent read of 4 KB. Throttled reads lower the rate: somebody
    else needs the table.
    """

    def __init__(self, rate: float) -> None:
        self.spent = 0.0
        self._rate, self._next = rate, time.monotonic()
        self._lock, self._stop = threading.Lock(), threading.Event()

    def stop(self) -> None:
        """End every reading at its next page."""
        self._stop.set()

    def wait(self) -> None:
        """Return when there is something to spend. Raises Stopped after ``stop``."""
        pause = self._next - time.monotonic()
        if self._stop.wait(pause) if pause > 0 else self._stop.is_set():
            raise Stopped

    def spend(self, answer: dict[str, Any]) -> None:
        """Count what ``answer`` took."""
        units = float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0))
        retried = answer.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        with self._lock:
            self.spent += units
            if retried:
                self._rate = max(min(self._rate, _SLOWEST), self._rate / 1.5)
            self._next = max(self._next, time.monotonic()) + units / self._rate


class Table:
    """One table to read from, in several threads; consistent reads, so that nothing is missed."""

    def __init__(self, dynamodb: Any, name: str, budget: Budget) -> None:
        """Ask for the table's keys."""
        self.name, self._dynamodb, self._budget = name, dynamodb, budget
        described = dynamodb.describe_table(TableName=name)["Table"]
        roles = {key["KeyType"]: key["AttributeName"] for key in described["KeySchema"]}
        self.partition_key: str = roles["HASH"]
        self.sort_key: str | None = roles.get("RANGE")

    def scan(self, segment: int, segments: int, *, keys_only: bool = False) -> Iterator[Item]:
        """The items of one of ``segments`` parts of the table."""
        arguments: dict[str, Any] = {"Segment": segment, "TotalSegments": segments}
        if keys_only:
            names = {"#p": self.partition_key}
            if self.sort_key:
                names["#s"] = self.sort_key
            arguments["ProjectionExpression"] = ", ".join(names)
            arguments["ExpressionAttributeNames"] = names
        return self._pages(self._dynamodb.scan, arguments)

    def partition(self, value: Any) -> Iterator[Item]:
        """The items of one partition key, in the order of the sort key."""
        return self._pages(self._dynamodb.query, self._query(value))

    def first(self, value: Any) -> Item | None:
        """The first item of one partition key, if there is any."""
        return next(self._pages(self._dynamodb.query, self._query(value) | {"Limit": 1}), None)

    def key(self, item: Item) -> Item:
        """The key of ``item``."""
        names = (self.partition_key, self.sort_key)
        return {name: item[name] for name in names if name}

    def _query(self, value: Any) -> dict[str, Any]:
        return {
            "KeyConditionExpression": "#p = :p",
            "ExpressionAttributeNames": {"#p": self.partition_key},
            "ExpressionAttributeValues": {":p": value},
        }

    def _pages(self, call: Any, arguments: dict[str, Any]) -> Iterator[Item]:
        """The items, at most 1 MB at a time.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
        """
        start: dict[str, Any] = {}
        while True:
            self._budget.wait()
            answer = call(
                TableName=self.name, ConsistentRead=True, ReturnConsumedCapacity="TOTAL", **arguments, **start
            )
            self._budget.spend(answer)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
