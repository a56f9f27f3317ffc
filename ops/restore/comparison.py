"""What a comparison of two tables found. Pure."""

import heapq
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cli import output
from ops.restore.digests import Item

MISSING, EXTRA, CHANGED = "missing", "extra", "changed"


@dataclass(frozen=True, kw_only=True, order=True)
class Difference:
    """One item: ``missing`` in the target, ``extra`` there, or ``changed`` in some attributes."""

    key: str
    kind: str
    attributes: tuple[str, ...] = ()


@dataclass
class Comparison:
    """How many items were compared, and in what the target differs from the source.

    ``examples`` are the first differences by key, at most ``most`` of them;
    ``read_units`` what it took.
    """

    most: int
    source_items: int = 0
    target_items: int = 0
    read_units: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: {MISSING: 0, EXTRA: 0, CHANGED: 0})
    _kept: list[Difference] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def differences(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def examples(self) -> list[Difference]:
        """The first differences, in order."""
        return heapq.nsmallest(self.most, self._kept)

    def note(self, kind: str, key: Item, attributes: Iterable[str] = ()) -> None:
        """Count a difference, and keep it if it is among the first."""
        found = Difference(key=shown(key), kind=kind, attributes=tuple(attributes))
        with self._lock:
            self.counts[kind] += 1
            self._kept.append(found)
            if len(self._kept) > 2 * self.most:
                self._kept = self.examples

    def lines(self) -> list[str]:
        """The first differences, how many more there are, and the sum of it."""
        examples = self.examples
        rows = [f"{found.kind:8}{_described(found)}" for found in examples]
        more = self.differences - len(examples)
        counts = ", ".join(f"{number:,} {kind}" for kind, number in self.counts.items())
        total = output.count(self.differences, "difference")
        return [
            *rows,
            *([f"and {output.count(more, 'more difference')}"] if more else []),
            f"compared {output.count(self.source_items, 'item')} with {self.target_items:,} "
            f"restored: {total}" + (f" ({counts})" if self.differences else ""),
        ]

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "items_compared": self.source_items,
            "items_restored": self.target_items,
            "differences": self.differences,
            **self.counts,
            "examples": [
                {"kind": found.kind, "key": found.key, "attributes": list(found.attributes)} for found in self.examples
            ],
            "read_units": self.read_units,
        }


def shown(key: Item) -> str:
    """A key for people: ``pk="USER#tom" sk=12``."""
    texts = []
    for name, attribute in key.items():
        ((kind, value),) = attribute.items()
        if kind == "B":
            value = bytes(value).hex()
        texts.append(f"{name}={json.dumps(value, ensure_ascii=False) if kind == 'S' else value}")
    return " ".join(texts)


def _described(found: Difference) -> str:
    return f"{found.key}: {', '.join(found.attributes)}" if found.attributes else found.key
