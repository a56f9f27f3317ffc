"""Writes a few items at a time, until the last of them is in the table."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError

from chat.transfer.patience import patiently, tries
from cli.errors import code
from dynamo.changes import key_of
from dynamo.writer import Table
from model.wire import Typed, canonical

_MEMBERS: dict[str, Callable[[Any], Any]] = {"SS": str, "NS": Decimal, "BS": bytes}


class Outcome(Enum):
    """What became of an item."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"  # it was there as it is
    LEFT_ALONE = "left_alone"  # another one was there


class Writer:
    """Writes to one table through a boto3 client that takes DynamoDB JSON; for any threads.

    Methods take up to 25 items with different keys. They raise TimeoutError
    when throttling does not end, and botocore's other errors.
    """

    def __init__(self, client: Any, table: str, clock: Any = time) -> None:
        self._client, self._table, self._clock = client, table, clock

    def put(self, items: Sequence[Typed]) -> Counter[Outcome]:
        """Write the items, whatever is there."""
        left, pauses = items, self._tries(items)
        # Only a seed has to leave those alone of which no answer says what became of them.
        while left and (unknown := Table(self._client, self._table, self._clock).put_all(left)):
            left = [item for item in left if key_of(item) in unknown]
            pauses.wait(len(left), "no good answer")
        return Counter({Outcome.WRITTEN: len(items)})

    def put_absent(self, items: Sequence[Typed]) -> Counter[Outcome]:
        """Write those of the items under whose key nothing is."""
        return Counter(self._put_absent(item) for item in items)

    def _put_absent(self, item: Typed) -> Outcome:
        put = {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        try:
            patiently(self._client.put_item, put, doing=self._doing(1), clock=self._clock)
        except ClientError as error:
            if code(error) != "ConditionalCheckFailedException":
                raise
            # Where an answer was lost, or a run was killed, what is there may be this very item.
            same = same_item(self._read(item), item)
            return Outcome.UNCHANGED if same else Outcome.LEFT_ALONE
        return Outcome.WRITTEN

    def _read(self, item: Typed) -> Typed | None:
        key = {name: item[name] for name in ("pk", "sk")}
        get = {"TableName": self._table, "Key": key, "ConsistentRead": True}
        answer = patiently(self._client.get_item, get, doing=self._doing(1), clock=self._clock)
        found: Typed | None = answer.get("Item")
        return found

    def _tries(self, items: Sequence[Typed]) -> Any:
        return tries(self._doing(len(items)), self._clock)

    def _doing(self, number: int) -> str:
        return f"writing {number} items to {self._table}"


def same_item(one: Typed | None, other: Typed) -> bool:
    """Whether two items are equal: 5.0 is 5, and the order of a set says nothing."""
    return bool(_unordered(canonical(one)) == _unordered(canonical(other)))


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        # An attribute of such a name has an object for a value.
        sets = {name: _MEMBERS[name] for name in value if name in _MEMBERS and isinstance(value[name], list)}
        return {
            name: sorted(map(sets[name], member)) if name in sets else _unordered(member)
            for name, member in value.items()
        }
    return [_unordered(member) for member in value] if isinstance(value, list) else value
