"""Reads conversations and their messages.

``table`` is a boto3 DynamoDB Table. botocore's errors pass through. Messages are read consistently; lists of
conversations cannot be, because an index never is
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_NAME,
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    MESSAGE_PREFIX,
    PARTITION_KEY,
    SORT_KEY,
    conversation_key,
    format_time,
    membership_key,
)

# Sorts behind every text that can follow a prefix.
_LAST = "\U0010ffff"
# Items that one request asks for; a page ends after 1 MB anyway.
_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a conversation: sort keys from ``first`` to ``last``, and below ``before``."""

    first: str = MESSAGE_PREFIX
    last: str = MESSAGE_PREFIX + _LAST
    before: str = ""

    @classmethod
    def of(cls, *, since: datetime | None = None, until: datetime | None = None, before: str = "") -> "Span":
        """``since`` and ``until`` are included; ``before`` is a sort key, and is not."""
        return cls(
            first=MESSAGE_PREFIX + (not_before(since) if since else ""),
            last=MESSAGE_PREFIX + (f"{format_time(until)}#{_LAST}" if until else _LAST),
            before=before,
        )


EVERYTHING = Span()


def messages(
    table: Any, conversation: str, span: Span = EVERYTHING, *, backwards: bool = False, page: int = _PAGE, **more: str
) -> Iterator[dict[str, Any]]:
    """The messages of a conversation, oldest first, or ``backwards``; ``page`` of them in each request."""
    # A bound of its own, and not ExclusiveStartKey: that must lie within the span.
    last = min(span.last, span.before or span.last)
    if span.first > last:  # which DynamoDB refuses
        return
    found = _query(
        table,
        KeyConditionExpression="#pk = :conversation AND #sk BETWEEN :first AND :last",
        ExpressionAttributeNames={"#pk": PARTITION_KEY, "#sk": SORT_KEY},
        ExpressionAttributeValues={
            ":conversation": conversation_key(conversation),
            ":first": span.first,
            ":last": last,
        },
        ConsistentRead=True,
        ScanIndexForward=not backwards,
        Limit=min(page, _PAGE),
        **more,
    )
    yield from (item for item in found if item[SORT_KEY] != span.before)


def newest(table: Any, conversation: str, span: Span = EVERYTHING, *, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The newest ``limit`` messages, oldest first, and whether there are older ones."""
    found = list(islice(messages(table, conversation, span, backwards=True, page=limit + 2), limit + 1))
    return found[:limit][::-1], len(found) > limit


def last_message(table: Any, conversation: str) -> dict[str, Any] | None:
    """The last message of a conversation; None when it has none."""
    return next(messages(table, conversation, backwards=True, page=1), None)


def conversations(
    table: Any, user: str, *, limit: int, before: tuple[str, str] | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """The latest ``limit`` conversations of ``user``, an id, latest first, and whether there are more.

    ``before`` is the time and the conversation of the last one that was shown, or a time and "".
    """
    names, values, condition = {"#user": INDEX_PARTITION_KEY}, {":user": user}, "#user = :user"
    request: dict[str, Any] = {"Limit": min(limit + 1, _PAGE)}
    if before and before[1]:
        key = membership_key(user, before[1])
        request["ExclusiveStartKey"] = key | {INDEX_PARTITION_KEY: user, INDEX_SORT_KEY: before[0]}
    elif before:
        condition += " AND #at < :at"
        names["#at"], values[":at"] = INDEX_SORT_KEY, before[0]
    found = _query(
        table,
        IndexName=INDEX_NAME,
        KeyConditionExpression=condition,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ScanIndexForward=False,
        **request,
    )
    rows = list(islice(found, limit + 1))
    return rows[:limit], len(rows) > limit


def listed(row: dict[str, Any]) -> str:
    """The conversation that a row of a user's list is for, by its key: other attributes may be missing."""
    return str(row[SORT_KEY]).removeprefix(CONVERSATION_PREFIX)


def not_before(moment: datetime) -> str:
    """The first time, as keys spell it, that is not before ``moment``."""
    try:
        return format_time(moment + timedelta(microseconds=-moment.microsecond % 1000))
    except OverflowError:  # in the last millisecond of year 9999
        return format_time(moment)


def _query(table: Any, **request: Any) -> Iterator[dict[str, Any]]:
    """The items of every page."""
    while True:
        page = table.query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
