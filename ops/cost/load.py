"""The load that an estimate is for, and what one item takes: its size and its capacity units. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cli.errors import UsageError
from model.messages import item_bytes, memberships, message_item
from ops.cost.prices import DAYS

MESSAGES_PER_CONVERSATION = 100  # where the load does not say
# DynamoDB adds this to each stored item (https://aws.amazon.com/dynamodb/pricing/on-demand/).
_OVERHEAD_BYTES = 100
# An item before or after a write; None where there is none.
Image = Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Load:
    """What users do with the table in the last of ``months`` months, which began with an empty table.

    A read is one of the list of conversations and one of the newest messages of one. Messages are
    kept for ``retention_days``, or for ever. The day's traffic comes within 1 / ``peak_factor`` of the day.
    """

    messages_per_day: float = 0
    message_bytes: int = 200
    reads_per_message: float = 2
    retention_days: float | None = None
    months: float = 12
    conversations: float | None = None
    peak_factor: float = 3

    @property
    def messages(self) -> float:
        """Sent in a month."""
        return self.messages_per_day * DAYS

    @property
    def days(self) -> float:
        """Since the load began."""
        return self.months * DAYS

    def stored(self, day: float) -> float:
        """Messages in the table ``day`` days after the load began; none before that."""
        kept = day if self.retention_days is None else min(day, self.retention_days)
        return self.messages_per_day * max(0.0, kept)

    def lists(self, day: float) -> float:
        """Entries in the lists of both participants of every conversation on that day."""
        if self.conversations is None:
            return 2 * self.stored(day) / MESSAGES_PER_CONVERSATION
        return 2 * self.conversations if day > 0 else 0


# Ids as long as those of a Cognito user pool; a short name makes items smaller.
_TOM, _JERRY = "4f1c2d3e-0000-4000-8000-000000000001", "4f1c2d3e-0000-4000-8000-000000000002"


@cache
def message(body_bytes: int, *, minute: int = 0) -> dict[str, Any]:
    """A message with a body of that length. Raises UsageError for one that no item can hold."""
    sent_at = datetime(2026, 1, 1, 9, minute, tzinfo=UTC)
    try:
        return dict(message_item(sender=_TOM, recipient=_JERRY, body="x" * body_bytes, sent_at=sent_at))
    except ValueError as error:
        raise UsageError(f"--message-bytes {body_bytes}: {error}") from None


@cache
def membership(body_bytes: int, *, minute: int = 0) -> dict[str, Any]:
    """The entry in a participant's list while that message is the last one."""
    return memberships(message(body_bytes, minute=minute))[0]


def write_units(before: Image, after: Image) -> int:
    """What a write costs the table: by the larger of both images, and never nothing.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(_units(before), _units(after), 1)


def index_units(before: Image, after: Image, keys: Sequence[str]) -> int:
    """What a write costs an index with these keys, which holds all attributes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
    """
    old, new = (image if image and set(keys) <= image.keys() else None for image in (before, after))
    if old == new:
        return 0
    if old and new and all(old[key] == new[key] for key in keys):
        return max(_units(old), _units(new))
    return _units(old) + _units(new)  # the old entry is deleted, the new one is put


def read_units(total: float, *, consistent: bool) -> float:
    """What reading ``total`` bytes in one query costs, which is never nothing.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(1, -(-total // 4096)) * (1 if consistent else 0.5)


def _units(image: Image) -> int:
    return -(-item_bytes(dict(image)) // 1024) if image else 0


def stored_bytes(item: Mapping[str, Any]) -> int:
    """What an item takes in a table or an index."""
    return item_bytes(dict(item)) + _OVERHEAD_BYTES
