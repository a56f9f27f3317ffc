"""Conversations and their messages: how a command line names them, and reading.

``table`` is a boto3 DynamoDB Table. botocore's errors pass through. Messages are read consistently; lists of
conversations cannot be, because an index never is
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from cli import output
from cli.errors import OpsError, UsageError
from model import messages as model

# Sorts after every text that can follow a prefix.
_LAST = "\U0010ffff"
# Items that one request asks for; a page ends after 1 MB anyway.
_PAGE = 1000
# The fewest characters of an id that may stand for it.
_SHORTEST = 4


def moment(text: str) -> datetime:
    """The moment of an ISO time with a zone, or of a date: midnight in UTC. Raises UsageError."""
    try:
        if len(text) == len("2026-01-01"):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return model.parse_time(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time: ISO 8601 with a zone, like 2026-01-01T09:00:00Z, or a date, like 2026-01-01"
        ) from None


def reference(sort_key: str) -> str:
    """How a message is named: TIME#ID, or its whole sort key where that is spelled otherwise."""
    text = sort_key.removeprefix(model.MESSAGE_PREFIX)
    try:
        return text if sort_key_of(text) == sort_key else sort_key
    except UsageError:
        return sort_key


def named(message: Mapping[str, Any]) -> str:
    """The reference by which other commands know the message, for printing."""
    return output.safe(reference(str(message[model.SORT_KEY])))


def sort_key_of(text: str) -> str | None:
    """The sort key that a reference names; None for an id or the beginning of one. Raises UsageError."""
    if text.startswith(model.MESSAGE_PREFIX):
        return text
    time, separator, message_id = text.partition("#")
    if message_id:
        return f"{model.MESSAGE_PREFIX}{model.format_time(moment(time))}#{message_id}"
    if separator or ":" in text or len(text) < _SHORTEST:
        raise UsageError(
            f"{text!r} is not a message: pass TIME#ID, a message id, or at least its first {_SHORTEST} characters"
        )
    return None


def first_at(text: str) -> str:
    """The first sort key that a message sent at the time ``text`` can have."""
    return model.MESSAGE_PREFIX + _not_before(moment(text))


def last_at(text: str) -> str:
    """A sort key after all those of messages sent at the time ``text``."""
    return f"{model.MESSAGE_PREFIX}{model.format_time(moment(text))}#{_LAST}"


def upper_bound(text: str) -> str:
    """The sort key below which messages come before the reference or time ``text``."""
    return str(sort_key_of(text)) if "#" in text else model.MESSAGE_PREFIX + _not_before(moment(text))


def place(text: str) -> tuple[str, str]:
    """The time and the conversation of TIME#CONVERSATION, as a list printed it, or a time alone and ""."""
    time, _, conversation = text.partition("#")
    if conversation and time.endswith("Z"):
        return time, conversation  # a row that was put by hand may spell its time otherwise
    at = moment(time)
    return (model.format_time(at) if conversation else _not_before(at)), conversation


def _not_before(at: datetime) -> str:
    """The first time, as keys spell it, that is not before ``at``: a message in that millisecond comes earlier."""
    return model.format_time(at + timedelta(microseconds=-at.microsecond % 1000))


def messages(
    table: Any,
    conversation: str,
    *,
    first: str | None = None,
    last: str | None = None,
    before: str | None = None,
    backwards: bool = False,
    page: int = _PAGE,
    **more: str,
) -> Iterator[dict[str, Any]]:
    """The messages of a conversation, oldest first, or ``backwards``; ``page`` of them in each request.

    ``first`` and ``last`` are sort keys that are included, ``before`` is one that is not.
    """
    # A bound of its own, and not ExclusiveStartKey: that must lie between the others.
    first, last = first or model.MESSAGE_PREFIX, min(last or _LAST, before or model.MESSAGE_PREFIX + _LAST)
    if first > last:  # which DynamoDB refuses
        return
    found = _query(
        table,
        KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
        ExpressionAttributeNames={"#pk": model.PARTITION_KEY, "#sk": model.SORT_KEY},
        ExpressionAttributeValues={":pk": model.conversation_key(conversation), ":first": first, ":last": last},
        ConsistentRead=True,
        ScanIndexForward=not backwards,
        Limit=min(page, _PAGE),
        **more,
    )
    yield from (item for item in found if item[model.SORT_KEY] != before)


def newest(table: Any, conversation: str, *, limit: int, **bounds: Any) -> tuple[list[dict[str, Any]], bool]:
    """The newest ``limit`` messages within the bounds, oldest first, and whether there are older ones."""
    found = list(islice(messages(table, conversation, backwards=True, page=limit + 2, **bounds), limit + 1))
    return found[:limit][::-1], len(found) > limit


def last_message(table: Any, conversation: str) -> dict[str, Any] | None:
    """The last message of a conversation; None when it has none."""
    return next(messages(table, conversation, backwards=True, page=1), None)


def find(table: Any, conversation: str, text: str) -> dict[str, str]:
    """The key of the message that ``text`` names: TIME#ID, which is not checked, an id, or the beginning of one.

    Raises OpsError unless an id, or a beginning, belongs to exactly one message.
    """
    sort_key = sort_key_of(text)
    if sort_key is None:
        keys = [item[model.SORT_KEY] for item in messages(table, conversation, ProjectionExpression="#sk")]
        found = [key for key in keys if model.Position.of(key).message_id.startswith(text)]
        found = [key for key in found if model.Position.of(key).message_id == text] or found
        if not found:
            raise OpsError(
                f"conversation {conversation} has no message whose id starts with {text!r}; "
                "`history --json` lists the ids"
            )
        if len(found) > 1:
            shown = ", ".join(map(reference, found[:3])) + (", ..." if len(found) > 3 else "")
            raise OpsError(f"{len(found)} message ids start with {text!r} ({shown}); pass one as TIME#ID")
        sort_key = found[0]
    return {model.PARTITION_KEY: model.conversation_key(conversation), model.SORT_KEY: sort_key}


def conversations(
    table: Any, user: str, *, limit: int, before: tuple[str, str] | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """The latest ``limit`` conversations of ``user``, an id, before a ``place``, and whether there are more."""
    names, values, condition = {"#user": model.INDEX_PARTITION_KEY}, {":user": user}, "#user = :user"
    request: dict[str, Any] = {"Limit": min(limit + 1, _PAGE)}
    if before and before[1]:
        key = model.membership_key(user, before[1])
        request["ExclusiveStartKey"] = key | {model.INDEX_PARTITION_KEY: user, model.INDEX_SORT_KEY: before[0]}
    elif before:
        condition += " AND #at < :at"
        names["#at"], values[":at"] = model.INDEX_SORT_KEY, before[0]
    found = _query(
        table,
        IndexName=model.INDEX_NAME,
        KeyConditionExpression=condition,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ScanIndexForward=False,
        **request,
    )
    rows = list(islice(found, limit + 1))
    return rows[:limit], len(rows) > limit


def listed(row: Mapping[str, Any]) -> str:
    """The conversation that a row of a user's list is for, by its key: other attributes may be missing."""
    return str(row[model.SORT_KEY]).removeprefix(model.CONVERSATION_PREFIX)


def _query(table: Any, **request: Any) -> Iterator[dict[str, Any]]:
    """The items of every page."""
    while True:
        page = table.query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
