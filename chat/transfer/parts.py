"""The lines of a file in parts, each of which is written at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from chat.model import is_membership
from chat.transfer.checking import item_in
from chat.transfer.reading import lines
from chat.transfer.sources import Source
from seed.changes import Key, key_of
from seed.wire import Typed
from seed.writer import ITEMS_PER_BATCH


class Changed(Exception):
    """The file is no longer what it was when it was checked."""


@dataclass
class Part:
    """Consecutive lines; ``end`` is the offset behind them.

    No two of its items have the same key. Of ``memberships``, which only the
    stream writes, it has the number.
    """

    first: int = 0
    last: int = 0
    end: int = 0
    items: dict[Key, Typed] = field(default_factory=dict)
    memberships: int = 0


def parts(source: Source, *, after: int, offset: int) -> Iterator[Part]:
    """What comes behind line ``after``, which ends at ``offset``, in parts of a batch each.

    Raises Changed for a line that is not as it was checked.
    """
    source.file.seek(offset)
    part = Part()
    for line in lines(source.file, after=after):
        try:
            item = item_in(line)
        except ValueError:
            raise Changed from None
        key = key_of(item)
        if len(part.items) == ITEMS_PER_BATCH or key in part.items:
            yield part
            part = Part()
        part.first, part.last, part.end = part.first or line.number, line.number, line.end
        if is_membership(*key):
            part.memberships += 1
        else:
            part.items[key] = item
    if part.last:
        yield part
