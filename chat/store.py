"""Conversations and their messages, as they are read; chat/writing.py writes them.

``table`` is a boto3 DynamoDB Table, which the caller brings. botocore's errors
pass through. Messages are read consistently, lists of conversations cannot be:
an index never is
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from chat.references import not_before, reference, sort_key_of
from cli.errors import OpsError
from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_NAME,
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    MESSAGE_PREFIX,
    PARTITION_KEY,
    SORT_KEY,
    Position,
    conversation_key,
    format_time,
    membership_key,
)

# Sorts behind every text that can follow a prefix.
_LAST = "\U0010ffff"
# As many items as one request is asked for; by itself a page ends after 1 MB.
_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a conversation: sort keys from ``first`` to ``last``, and below ``before``."""

    first: str = MESSAGE_PREFIX
    last: str = MESSAGE_PREFIX + _LAST
    before: str = ""

    @classmethod
    def of(cls, *, since: datetime | None = None, until: datetime | None = None, before: str = "") -> "Span":
        """``since`` and ``until`` are part of it; ``before`` is a sort key, and is not."""
        return cls(
            first=MESSAGE_PREFIX + (not_before(since) if since else ""),
            last=MESSAGE_PREFIX + (f"{format_time(until)}#{_LAST}" if until else _LAST),
            before=before,
        )


EVERYTHING = Span()


def messages(table: Any, conversation: str, span: Span = EVERYTHING) -> Iterator[dict[str, Any]]:
    """The messages of a conversation, oldest first, page by page."""
    return _messages(table, conversation, span, forward=True)


def backwards(table: Any, conversation: str, span: Span = EVERYTHING, *, page: int = _PAGE) -> Iterator[dict[str, Any]]:
    """The messages of a conversation, newest first, ``page`` of them a request."""
    return _messages(table, conversation, span, forward=False, page=page)


def newest(table: Any, conversation: str, span: Span = EVERYTHING, *, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The newest ``limit`` messages, oldest first, and whether there are older ones."""
    found = list(islice(backwards(table, conversation, span, page=limit + 2), limit + 1))
    return found[:limit][::-1], len(found) > limit


def last_message(table: Any, conversation: str) -> dict[str, Any] | None:
    """The last message of a conversation; None when it has none."""
    return next(backwards(table, conversation, page=1), None)


def conversations(
    table: Any, user: str, *, limit: int, before: tuple[str, str] | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """The user's latest ``limit`` conversations, latest first, and whether there are more.

    ``user`` is an id. ``before`` is the time and the conversation of the last
    one that was shown, or a time and "": then conversations of earlier times.
    """
    names = {"#user": INDEX_PARTITION_KEY}
    values = {":user": user}
    condition = "#user = :user"
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
    """The conversation that a user's ``row`` is for: its key says it, whoever put the row."""
    return str(row[SORT_KEY]).removeprefix(CONVERSATION_PREFIX)


def find(table: Any, conversation: str, text: str) -> dict[str, str]:
    """The key of the message that ``text`` names: TIME#ID, an id, or the beginning of one.

    Of a TIME#ID it is not looked up whether there is such a message. Raises
    OpsError unless an id, or a beginning, is that of exactly one message.
    """
    sort_key = sort_key_of(text)
    if sort_key is None:
        sort_key = _by_id(table, conversation, text)
    return {PARTITION_KEY: conversation_key(conversation), SORT_KEY: sort_key}


def _messages(
    table: Any, conversation: str, span: Span, *, forward: bool, page: int = _PAGE, **more: str
) -> Iterator[dict[str, Any]]:
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
        ScanIndexForward=forward,
        Limit=min(page, _PAGE),
        **more,
    )
    yield from (item for item in found if item[SORT_KEY] != span.before)


def _query(table: Any, **request: Any) -> Iterator[dict[str, Any]]:
    """The items of every page."""
    while True:
        page = table.query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _by_id(table: Any, conversation: str, text: str) -> str:
    """The sort key of the one message whose id is ``text``, or begins so."""
    keys = _messages(table, conversation, EVERYTHING, forward=True, ProjectionExpression="#sk")
    ids = {item[SORT_KEY]: Position.of(item[SORT_KEY]).message_id for item in keys}
    found = [key for key, message_id in ids.items() if message_id == text] or [
        key for key, message_id in ids.items() if message_id.startswith(text)
    ]
    if not found:
        raise OpsError(
            f"conversation {conversation} has no message whose id is {text!r} or begins so; "
            "`history --json` shows the ids"
        )
    if len(found) > 1:
        shown = ", ".join(map(reference, found[:3])) + (", ..." if len(found) > 3 else "")
        raise OpsError(f"{text!r} begins {len(found)} message ids ({shown}); name one as TIME#ID")
    return str(found[0])
