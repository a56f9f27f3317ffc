"""What a seed costs to write. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from dynamo.writer import WRITES_PER_TRANSACTION
from model.messages import Item, item_bytes

# One unit writes up to 1 KB; in a transaction it takes two
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
_UNIT_BYTES = 1024
# On demand, us-west-2, read 2026-09-06 from the public price list.
DOLLARS_PER_UNIT = 0.625 / 1_000_000


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A seed's size, and the write units of writing it to an empty table."""

    messages: int
    conversations: int
    bytes: int
    write_units: int

    @property
    def dollars(self) -> float:
        """The price of the write units, on demand."""
        return self.write_units * DOLLARS_PER_UNIT


def estimate(items: Iterable[Item]) -> Estimate:
    """The estimate for ``items``, read once; only the conversations' ids are kept."""
    messages = size = units = 0
    conversations = set()
    for item in items:
        one = item_bytes(item)
        messages, size, units = messages + 1, size + one, units + -(-one // _UNIT_BYTES)
        conversations.add(item["ConversationId"])
    if messages <= WRITES_PER_TRANSACTION:
        units *= 2
    return Estimate(messages=messages, conversations=len(conversations), bytes=size, write_units=units)
