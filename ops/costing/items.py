"""How large the items of the data model are, and how many units it takes to write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from chat.model import item_bytes, memberships, message_item
from ops.costing.tables import Index, Table
from ops.errors import UsageError

# A unit writes up to 1 KB and reads, consistently, up to 4 KB
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
WRITE_BYTES, READ_BYTES = 1024, 4096
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
            sender=_TOM,
            recipient=_JERRY,
            body="x" * body_bytes,
            sent_at=_AT + timedelta(minutes=later),
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


def write_units(item: Item) -> int:
    """The units of writing an item to a table."""
    return -(-size(item) // WRITE_BYTES)


def read_units(total: float, *, consistent: bool) -> float:
    """The units of reading ``total`` bytes in one query."""
    return max(1, -(-total // READ_BYTES)) * (1 if consistent else 0.5)


def entry(table: Table, index: Index, item: Item) -> Item | None:
    """What ``index`` holds of ``item``; None for an item without the index's keys."""
    if not set(index.keys) <= item.keys():
        return None
    if index.projection == "ALL":
        return item
    kept = {*table.keys, *index.keys, *index.attributes}
    return {name: value for name, value in item.items() if name in kept}


def index_units(table: Table, index: Index, before: Item | None, after: Item) -> int:
    """The units that writing ``after`` over ``before`` takes in an index.

    An entry whose key changes is deleted and put, which is two writes
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html).
    """
    new = entry(table, index, after)
    old = entry(table, index, before) if before else None
    if new is None or new == old:
        return 0
    moved = old is not None and any(old[name] != new[name] for name in index.keys)
    return write_units(new) * (2 if moved else 1)
