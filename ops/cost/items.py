"""How large the items of the data model are, in the table and in its indexes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cli.errors import UsageError
from model.messages import item_bytes, memberships, message_item
from ops.cost.tables import Index, Table

# What DynamoDB adds to each item that is stored, in a table and in an index
# (https://aws.amazon.com/dynamodb/pricing/on-demand/).
OVERHEAD_BYTES = 100

Item = Mapping[str, Any]

# Ids as long as those of a Cognito user pool; a short name makes items smaller.
_TOM, _JERRY = "4f1c2d3e-0000-4000-8000-000000000001", "4f1c2d3e-0000-4000-8000-000000000002"
_AT = datetime(2026, 1, 1, 9, tzinfo=UTC)


@cache
def message(body_bytes: int, *, later: bool = False) -> Item:
    """A message with a body of that length. Raises UsageError for one that no item can hold."""
    try:
        return message_item(
            sender=_TOM, recipient=_JERRY, body="x" * body_bytes, sent_at=_AT + timedelta(minutes=later)
        )
    except ValueError as error:
        raise UsageError(f"--message-bytes {body_bytes}: {error}") from None


@cache
def membership(body_bytes: int, *, later: bool = False) -> Item:
    """The entry of one participant's list while that message is the last one."""
    return memberships(message(body_bytes, later=later))[0]


def size(item: Item) -> int:
    """The bytes of an item, as DynamoDB counts them for units."""
    return item_bytes(dict(item))


@cache
def message_bytes(body_bytes: int) -> int:
    """The size of a message with a body of that length."""
    return size(message(body_bytes))


@cache
def membership_bytes(body_bytes: int) -> int:
    """The size of an entry of a list while that message is the last one."""
    return size(membership(body_bytes))


def entry(table: Table, index: Index, item: Item | None) -> Item | None:
    """What ``index`` holds of ``item``; None for one without the index's keys, and for none."""
    if item is None or not set(index.keys) <= item.keys():
        return None
    if index.projection == "ALL":
        return item
    kept = {*table.keys, *index.keys, *index.attributes}
    return {name: value for name, value in item.items() if name in kept}
