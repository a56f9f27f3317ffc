"""Digests of many items in little memory, and the differences between two sorted runs. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

Item = dict[str, Any]  # as the API has it: {"pk": {"S": "..."}}

GROUPS = 65_536
_BITS = 128
_MASK = (1 << _BITS) - 1


class Digests:
    """One digest for each of ``GROUPS`` groups of partitions, whatever the order of their items.

    An item's digest is added to its group's, so parts of a table can be read
    apart and merged. A partition is all items of one partition key; the key
    decides the group.
    """

    def __init__(self) -> None:
        self.items = 0
        self._sums: dict[int, int] = {}

    def add(self, partition: Any, item: Item) -> None:
        """Count ``item``; ``partition`` is its partition key's value."""
        where = group(partition)
        self._sums[where] = (self._sums.get(where, 0) + _digest(item)) & _MASK
        self.items += 1

    def merge(self, other: "Digests") -> None:
        """Take over what another reader has counted."""
        for where, digest in other._sums.items():
            self._sums[where] = (self._sums.get(where, 0) + digest) & _MASK
        self.items += other.items

    def differing(self, other: "Digests") -> frozenset[int]:
        """The groups that do not hold the same items."""
        groups = self._sums.keys() | other._sums.keys()
        return frozenset(g for g in groups if self._sums.get(g, 0) != other._sums.get(g, 0))


def group(partition: Any) -> int:
    """The group of a partition key's value, from 0 to ``GROUPS`` - 1."""
    digest = hashlib.blake2b(_canonical(_plain(partition)), digest_size=2).digest()
    return int.from_bytes(digest, "big")


def changed(left: Item, right: Item) -> list[str]:
    """The names of the attributes in which two items differ."""
    names = left.keys() | right.keys()
    return sorted(n for n in names if _plain(left.get(n)) != _plain(right.get(n)))


def side_by_side(
    left: Iterable[Item], right: Iterable[Item], sort_key: str | None
) -> Iterator[tuple[Item | None, Item | None]]:
    """The items of one partition in two tables in pairs; None where one has no such item.

    Both come in the order of the sort key, so nothing needs to be kept.
    """
    lefts, rights = iter(left), iter(right)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        first = _position(one, sort_key) if one is not None else None
        second = _position(other, sort_key) if other is not None else None
        if second is None or (first is not None and first < second):
            yield one, None
            one = next(lefts, None)
        elif first is None or second < first:
            yield None, other
            other = next(rights, None)
        else:
            yield one, other
            one, other = next(lefts, None), next(rights, None)


def _position(item: Item, sort_key: str | None) -> Any:
    """What DynamoDB orders by: text by its UTF-8 bytes, numbers by value, binary by byte.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
    """
    if sort_key is None:
        return 0
    ((kind, value),) = item[sort_key].items()
    if kind == "N":
        return Decimal(value)
    return value.encode() if kind == "S" else bytes(value)


def _digest(item: Item) -> int:
    canonical = _canonical({name: _plain(attribute) for name, attribute in item.items()})
    return int.from_bytes(hashlib.blake2b(canonical, digest_size=_BITS // 8).digest(), "big")


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _plain(attribute: Any) -> Any:
    """An attribute's value without what has several spellings: sets sorted, bytes as hex."""
    if attribute is None:
        return None
    ((kind, value),) = attribute.items()
    if kind == "M":
        value = {name: _plain(part) for name, part in value.items()}
    elif kind == "L":
        value = [_plain(part) for part in value]
    elif kind in ("SS", "NS"):
        value = sorted(value)
    elif kind == "BS":
        value = sorted(bytes(part).hex() for part in value)
    elif kind == "B":
        value = bytes(value).hex()
    return {kind: value}
