"""Which writes make a table follow its seed.

The seed owns an item until a person edits it: an item is only changed or removed while it still equals what the seed
wrote, and an existing item under the key of a new one is kept.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby

from model.messages import Key, key_of
from model.wire import Typed, canonical


class Outcome(Enum):
    """The outcome for one item."""

    WRITTEN = "Written"
    UNCHANGED = "Unchanged"
    EDITED = "Edited"  # a person's edit stands
    DELETED = "Deleted"  # a person's deletion stands
    KEPT = "Kept"  # it left the seed, but a person's edit stands
    REMOVED = "Removed"  # it left the seed, so it left the table
    GONE = "Gone"  # it left the seed, and was no longer in the table


@dataclass(frozen=True)
class SeedEntry:
    """One key, with its item in the seed before and in the seed now; as a write, what is expected and what is put."""

    key: Key
    old: Typed | None
    new: Typed | None


def entries(old: Iterable[Typed], new: Iterable[Typed]) -> Iterator[SeedEntry]:
    """Both seeds side by side, key by key; each must be in the order of its keys, and is read as it is used."""
    marked = heapq.merge(
        ((key_of(item), "old", item) for item in old),
        ((key_of(item), "new", item) for item in new),
        key=lambda row: row[0],
    )
    for key, rows in groupby(marked, key=lambda row: row[0]):
        found = {side: item for _, side, item in rows}
        yield SeedEntry(key, found.get("old"), found.get("new"))


def decide(entry: SeedEntry, present: Typed | None) -> SeedEntry | Outcome:
    """The write that ``entry`` needs on a table with ``present`` under its key, or its outcome without one.

    An item that a person deleted comes back only when its seed changed.
    """
    if entry.old is None and present is None and entry.new is not None:
        return entry  # nothing to compare: the whole of a first seed
    old, new, now = (canonical(item) for item in (entry.old, entry.new, present))
    if now == new:
        return Outcome.GONE if new is None else Outcome.UNCHANGED
    if now is None:
        return Outcome.DELETED if old == new else replace(entry, old=None)
    if now == old:
        return entry
    return Outcome.KEPT if new is None else Outcome.EDITED
