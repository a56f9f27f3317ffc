"""The keys of a table's items in the orders in which Query and Scan return them.

The engine sorts a partition or a table for each page. Here the sorted keys are kept: built at the first page, and
corrected at each write. Every write of the engine passes one of two functions, or replaces the whole dict of items.
"""

import hashlib
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import ministack.services.dynamodb as engine

from embedded_aws.replies import Json

# (position, partition key, sort key), as the engine's dict of items has the keys.
Entry = tuple[tuple[Any, ...], Any, Any]
# Held by all who read or write sorted keys: the engine deletes expired items in a thread of its own.
LOCK = threading.RLock()
# On the engine's table record.
_SORTED = "SortedKeys"


def segment_of(value: Json, segments: int) -> int:
    """The segment of a parallel Scan in which the engine has the items of a partition key's value."""
    digest = hashlib.sha1(str(engine._extract_key_val(value)).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") % segments


@dataclass(frozen=True)
class Order:
    """Which items are in a list of keys, and what sorts them.

    It names attributes rather than an index: another index may later have the same name.
    """

    needed: tuple[str, ...]  # attributes without which an item is in no list
    sorted_by: tuple[tuple[str, str], ...]  # names and types
    split_by: str | None = None  # the attribute that says in which list an item is; None: there is one list
    by_text: bool = False  # whatever the types are
    segments: int = 0  # into how many segments that attribute's hash splits the items; 0: a list per value

    def list_of(self, item: Json) -> Any:
        """The list that the item is in, or None."""
        if any(name not in item for name in self.needed):
            return None
        if self.split_by is None:
            return ""
        value = item.get(self.split_by, {})
        return segment_of(value, self.segments) if self.segments else engine._extract_key_val(value)

    def fits(self, item: Json) -> bool:
        """Whether the item's values are of the order's types: an index may be younger than its items."""
        if self.by_text:
            return True
        return all(kind in item.get(name, {kind: ""}) for name, kind in self.sorted_by)

    def position(self, item: Json) -> tuple[Any, ...]:
        """What the item, or an ExclusiveStartKey, is sorted by."""
        return tuple(engine._index_order_value(item, name, kind) for name, kind in self.sorted_by)


class SortedKeys:
    """The sorted keys of one dict of items."""

    def __init__(self, items: Any) -> None:
        self.items = items
        self._orders: dict[Order, dict[Any, list[Entry]]] = {}
        self._mixed: set[Order] = set()

    def __deepcopy__(self, _: object) -> "SortedKeys":
        return SortedKeys(None)  # the engine copies table records; the copy has other items

    def partition(self, order: Order, value: Any, keys: Iterable[tuple[Any, Any]]) -> list[Entry]:
        """The entries of one partition, whose items have ``keys``."""
        lists = self._orders.setdefault(order, {})
        if value not in lists:
            lists[value] = sorted(self._entry(order, pk, sk, self.items[pk][sk]) for pk, sk in keys)
        return lists[value]

    def is_mixed(self, order: Order) -> bool:
        """Whether the order has or had an item whose place in it the engine finds in another way."""
        return order in self._mixed

    def whole(self, order: Order, which: Any) -> list[Entry]:
        """The entries of one list of a table that is not split, or into segments."""
        if order not in self._orders:
            lists: dict[Any, list[Entry]] = {}
            for pk, bucket in self.items.items():
                for sk, item in bucket.items():
                    lists.setdefault(order.list_of(item), []).append(self._entry(order, pk, sk, item))
            lists.pop(None, None)
            for entries in lists.values():
                entries.sort()
            self._orders[order] = lists
        return self._orders[order].setdefault(which, [])

    def replace(self, pk: Any, sk: Any, before: Json | None, after: Json | None) -> None:
        """Correct every list for the item of a key, which was ``before`` and is ``after``."""
        for order, lists in self._orders.items():
            is_whole = order.split_by is None or bool(order.segments)
            old, new = (None if item is None else order.list_of(item) for item in (before, after))
            if before is not None and old in lists:
                entries = lists[old]
                del entries[bisect_left(entries, (order.position(before), pk, sk))]
            if after is not None and new is not None and (is_whole or new in lists):
                insort(lists.setdefault(new, []), self._entry(order, pk, sk, after))

    def _entry(self, order: Order, pk: Any, sk: Any, item: Json) -> Entry:
        if not order.fits(item):
            self._mixed.add(order)
        return order.position(item), pk, sk


def of(table: Json) -> SortedKeys:
    """The table's sorted keys."""
    kept = table.get(_SORTED)
    if kept is None or kept.items is not table["items"]:
        kept = table[_SORTED] = SortedKeys(table["items"])
    return kept


def write_item(write: Callable[..., Any], table: Json, pk: Any, sk: Any, *item: Json) -> Any:
    """Write an item, or remove it if none is given; correct the sorted keys."""
    with LOCK:
        before = write(table, pk, sk, *item)
        if _SORTED in table:
            of(table).replace(pk, sk, before, item[0] if item else None)
    return before
