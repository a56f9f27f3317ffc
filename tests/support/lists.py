"""The lists of conversations as they should be and as they are; a table that others write to meanwhile."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.conditions import Key

from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_NAME,
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    USER_PREFIX,
    key_of,
    memberships,
    message_item,
)

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
Acts = Mapping[int, Callable[[], object]]
_CALLS = ("query", "update_item", "delete_item")


def message(minute: int, body: str = "", *, sender="Tom", recipient="Jerry", message_id="m"):
    """A message some minutes after nine, on 2026-01-01."""
    at, body = NINE + timedelta(minutes=minute), body or f"minute {minute}"
    return message_item(sender=sender, recipient=recipient, body=body, sent_at=at, message_id=message_id)


def key(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item's key."""
    return {"pk": item["pk"], "sk": item["sk"]}


def record(item: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    """As much of a stream's record of a change to ``item`` as the index uses."""
    keys = {name: {"S": value} for name, value in key(item).items()}
    return {"dynamodb": {"Keys": keys, "SequenceNumber": str(number)}}


def assert_lists_are_right(table: Any) -> None:
    """All entries, in table and index, are what a fresh reading of the messages gives."""
    items = table.scan(ConsistentRead=True)["Items"]
    last: dict[str, Any] = {}
    for item in items:
        if item["pk"].startswith(CONVERSATION_PREFIX):
            last[item["pk"]] = max(item, last.get(item["pk"], item), key=lambda one: one["sk"])
    right = {key_of(row): row for item in last.values() for row in memberships(item)}
    there = {key_of(item): item for item in items if item["pk"].startswith(USER_PREFIX)}
    assert there == right
    for user in {row[INDEX_PARTITION_KEY] for row in right.values()}:
        own = [row for row in right.values() if row[INDEX_PARTITION_KEY] == user]
        listed = listed_conversations(table, user)
        assert {key_of(row): row for row in listed} == {key_of(row): row for row in own}
        times = [row[INDEX_SORT_KEY] for row in listed]
        assert times == sorted(times, reverse=True)


def listed_conversations(table: Any, user: str) -> list[dict[str, Any]]:
    """A user's list as the index has it, most recent first."""
    answer = table.query(
        IndexName=INDEX_NAME, KeyConditionExpression=Key(INDEX_PARTITION_KEY).eq(user), ScanIndexForward=False
    )
    return list(answer["Items"])


def shown(table: Any, user: str = "tom") -> list[tuple[str, str]]:
    """Of a user's list: the other users, and the last messages."""
    return [(row["OtherUser"], row["LastMessageBody"]) for row in listed_conversations(table, user)]


class Meddled:
    """A table before whose calls something else happens: ``{2: act}`` before the third one, or the second write."""

    def __init__(self, table: Any, before: Acts | None = None, *, writes: Acts | None = None) -> None:
        self._table, self._before, self._writes = table, before or {}, writes or {}
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._table, name)
        if name not in _CALLS:
            return method

        def call(**request: Any) -> Any:
            act = self._before.get(len(self.calls))
            self.calls.append(name)
            if name != "query":
                act = act or self._writes.get(len(self.calls) - self.calls.count("query"))
            if act:
                act()
            return method(**request)

        return call
