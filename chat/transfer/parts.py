"""The lines of a file in parts, each of which is written at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from chat.transfer.checking import item_in
from chat.transfer.reading import lines
from chat.transfer.sources import Source
from dynamo.changes import key_of
from dynamo.writer import ITEMS_PER_BATCH
from model.messages import is_membership
from model.wire import Typed


class Changed(Exception):
    """The file is no longer what it was when it was checked."""


@dataclass
class Part:
    """Consecutive lines; ``end`` is the offset behind them.

    Of ``memberships``, which only the stream writes, it has the number.
    """

    first: int = 0
    last: int = 0
    end: int = 0
    items: list[Typed] = field(default_factory=list)
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
        if len(part.items) == ITEMS_PER_BATCH:
            yield part
            part = Part()
        part.first, part.last, part.end = part.first or line.number, line.number, line.end
        if is_membership(*key_of(item)):
            part.memberships += 1
        else:
            part.items.append(item)
    if part.last:
        yield part
