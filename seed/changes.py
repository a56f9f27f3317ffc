"""What has to be written so that a table follows its seed. Pure.

The seed owns an item until a person touches it. So an item is only changed or
removed while it still equals what the seed wrote, and one that is in the way
of a new seed is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Item = Mapping[str, str]
Key = tuple[str, str]


@dataclass(frozen=True)
class Write:
    """One write: the table holds ``before`` (None: no item) and shall hold ``after``."""

    before: Item | None
    after: Item | None


@dataclass(frozen=True)
class Changes:
    """The writes to make, and the keys where a person's edit or deletion stands."""

    writes: list[Write] = field(default_factory=list)
    unchanged: list[Key] = field(default_factory=list)
    preserved: list[Key] = field(default_factory=list)


def key_of(item: Item) -> Key:
    """The primary key of an item."""
    return item["pk"], item["sk"]


def plan(old: Iterable[Item], new: Iterable[Item], present: Mapping[Key, Item]) -> Changes:
    """The changes from seed ``old`` to seed ``new`` on a table that holds ``present``.

    ``present`` needs no other keys than those of the two seeds. An item that a
    person deleted comes back only when its seed changed.
    """
    before, after = ({key_of(item): item for item in seed} for seed in (old, new))
    changes = Changes()
    for key in before | after:
        _decide(changes, key, before.get(key), after.get(key), present.get(key))
    return changes


def _decide(
    changes: Changes, key: Key, old: Item | None, new: Item | None, present: Item | None
) -> None:
    if present == new:
        if new is not None:
            changes.unchanged.append(key)
    elif present is None and old != new:
        changes.writes.append(Write(None, new))
    elif present == old and old != new:
        changes.writes.append(Write(old, new))
    else:
        changes.preserved.append(key)
