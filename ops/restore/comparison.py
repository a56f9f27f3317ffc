"""Compare two tables item by item, in little memory whatever their size.

First both tables are scanned, in parallel segments, into one digest for each of many groups of
items. Then the items in groups that differ are read again, and compared with those that the other
table has under their keys.
"""

import hashlib
import heapq
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from cli import output
from cli.command_line import Context
from dynamo.parallel import After, in_segments, lanes
from model.wire import Typed, canonical_text, changed

T = TypeVar("T")
Note = Callable[[Typed, Typed | None, Typed | None], None]

SEGMENTS = 4  # of each table, read at once
GROUP_BITS = 16
_KEYS_PER_READ = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_SLOWEST = 1.0  # read units per second
_PROGRESS_SECONDS = 5.0
MISSING, EXTRA, CHANGED = "missing", "extra", "changed"


def compare(context: Context, source: str, target: str, *, most: int, rate: float) -> "Comparison":
    """Compare table ``source`` with ``target``; both may be in use.

    ``most``: differences to keep; ``rate``: read units per second, for both tables together.
    """
    context.say(f"comparing {source} with {target}")
    budget, dynamodb = ReadBudget(rate), context.clients("dynamodb")
    readers = [TableReader(dynamodb, name, budget) for name in (source, target)]
    counted, digests = [0, 0], (Counter[int](), Counter[int]())

    def page(side: int, segment: int, after: After) -> tuple[list[Typed], After]:
        return readers[side].scan(segment, after)

    for side, items in _in_segments(context, page, lambda: f"{sum(counted):,} items read"):
        counted[side] += len(items)
        for item in items:
            # The sum is the same whatever the order of the items.
            group = _hash(canonical_text(readers[side].key(item)), GROUP_BITS)
            digests[side][group] += _hash(canonical_text(item), 128)
    result = Comparison(most=most, source_items=counted[0], target_items=counted[1])
    if groups := {one for one in digests[0].keys() | digests[1].keys() if digests[0][one] != digests[1][one]}:
        context.say(f"{len(groups):,} of {1 << GROUP_BITS:,} groups of items differ")
        find_differences(context, readers, groups, result.note)
    result.read_units = budget.spent
    return result


def find_differences(context: Context, readers: "list[TableReader]", groups: set[int], note: Note) -> None:
    """Call ``note`` with the key and both items wherever the tables of two readers differ in ``groups``.

    None stands for an item that does not exist. Several threads call ``note``.
    """
    found = 0

    def progress() -> str:
        return f"{found:,} differences so far"

    def page(side: int, segment: int, after: After) -> tuple[int, After]:
        """Compares the source's items; of the target's it takes those that the source lacks."""
        mine, other = readers[side], readers[1 - side]
        items, after = mine.scan(segment, after)
        suspects = {text: item for item in items if _hash(text := canonical_text(mine.key(item)), GROUP_BITS) in groups}
        others = {canonical_text(other.key(item)): item for item in other.get(map(mine.key, suspects.values()))}
        number = 0
        for text, item in suspects.items():
            there = others.get(text)
            if there is None or (side == 0 and changed(item, there)):
                note(mine.key(item), *((item, there) if side == 0 else (there, item)))
                number += 1
        return number, after

    for _, number in _in_segments(context, page, progress):
        found += number


def _in_segments(
    context: Context, page: Callable[[int, int, After], tuple[T, After]], progress: Callable[[], str]
) -> Iterator[tuple[int, T]]:
    """The pages of all segments of both tables, each with its side: 0 source, 1 target."""

    def read(number: int, after: After) -> tuple[T, After]:
        return page(*divmod(number, SEGMENTS), after)

    shown = time.monotonic()
    with lanes(2 * SEGMENTS) as opened:
        for number, found in in_segments(opened, read, dict.fromkeys(range(2 * SEGMENTS))):
            yield number // SEGMENTS, found
            if time.monotonic() - shown > _PROGRESS_SECONDS:
                context.say(progress())
                shown = time.monotonic()


class ReadBudget:
    """Read units that may be spent per second, in all threads together.

    A unit is a consistent read of 4 KB. Throttled reads lower the rate, because other clients use the table.
    """

    def __init__(self, rate: float) -> None:
        self.spent = 0.0
        self._rate, self._next = rate, time.monotonic()
        self._lock = threading.Lock()

    def spend(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The response to ``call``, which waits until units may be spent again."""
        if (pause := self._next - time.monotonic()) > 0:
            time.sleep(pause)
        answer = call()
        consumed = answer.get("ConsumedCapacity") or []
        units = sum(entry["CapacityUnits"] for entry in (consumed if isinstance(consumed, list) else [consumed]))
        throttled = answer.get("UnprocessedKeys") or answer.get("ResponseMetadata", {}).get("RetryAttempts")
        with self._lock:
            self.spent += units
            if throttled:
                self._rate = max(min(self._rate, _SLOWEST), self._rate / 1.5)
            self._next = max(self._next, time.monotonic()) + units / self._rate
        return answer


class TableReader:
    """Reads one table, in several threads; consistently, so that nothing is missed."""

    def __init__(self, dynamodb: Any, name: str, budget: ReadBudget) -> None:
        self._name, self._dynamodb, self._budget = name, dynamodb, budget
        schema = dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]
        # HASH sorts before RANGE: the partition key comes first.
        self._keys = [key["AttributeName"] for key in sorted(schema, key=lambda key: str(key["KeyType"]))]

    def key(self, item: Typed) -> Typed:
        """The key of ``item``."""
        return {name: item[name] for name in self._keys}

    def scan(self, segment: int, after: After) -> tuple[list[Typed], After]:
        """A page of one of the ``SEGMENTS``, and the key behind which the next one starts."""
        request: dict[str, Any] = {"TableName": self._name, "Segment": segment, "TotalSegments": SEGMENTS}
        start = {"ExclusiveStartKey": after} if after else {}
        answer = self._paid(self._dynamodb.scan, ConsistentRead=True, **request, **start)
        return answer["Items"], answer.get("LastEvaluatedKey")

    def get(self, keys: Iterable[Typed]) -> Iterator[Typed]:
        """Those items that exist under ``keys``."""
        left = list(keys)
        while left:
            request = {self._name: {"Keys": left[:_KEYS_PER_READ], "ConsistentRead": True}}
            answer = self._paid(self._dynamodb.batch_get_item, RequestItems=request)
            yield from answer["Responses"].get(self._name, [])
            unprocessed = answer.get("UnprocessedKeys", {}).get(self._name, {"Keys": []})
            left = [*unprocessed["Keys"], *left[_KEYS_PER_READ:]]

    def _paid(self, call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        return self._budget.spend(lambda: call(ReturnConsumedCapacity="TOTAL", **request))


def _hash(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=bits // 8).digest(), "big")


class Difference(NamedTuple):
    """One item: ``missing`` in the target, ``extra`` there, or ``changed`` in some attributes."""

    key: str
    kind: str
    attributes: list[str]


@dataclass(kw_only=True)
class Comparison:
    """How many items were compared, and how the target differs from the source.

    ``examples`` are the first differences by key, at most ``most`` of them; ``read_units`` were consumed.
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
        """The number of all differences."""
        return sum(self.counts.values())

    @property
    def examples(self) -> list[Difference]:
        """The first differences, in order."""
        return heapq.nsmallest(self.most, self._kept)

    def note(self, key: Typed, source: Typed | None, target: Typed | None) -> None:
        """Count a difference, and keep it if it is among the first."""
        kind = EXTRA if source is None else MISSING if target is None else CHANGED
        attributes = changed(source, target) if source is not None and target is not None else []
        text = " ".join(f"{name}={_text(value)}" for name, value in key.items())
        with self._lock:
            self.counts[kind] += 1
            self._kept.append(Difference(text, kind, attributes))
            if len(self._kept) > 2 * self.most:
                self._kept = self.examples

    def lines(self) -> list[str]:
        """The first differences, how many more there are, and the total."""
        examples = self.examples
        more = self.differences - len(examples)
        counts = ", ".join(f"{number:,} {kind}" for kind, number in self.counts.items())
        total = output.count(self.differences, "difference") + (f" ({counts})" if self.differences else "")
        return [
            *(f"{kind:8}{key}{': ' * bool(names)}{', '.join(names)}" for key, kind, names in examples),
            *([f"and {output.count(more, 'more difference')}"] if more else []),
            f"compared {output.count(self.source_items, 'item')} with {self.target_items:,} restored: {total}",
        ]

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "items_compared": self.source_items,
            "items_restored": self.target_items,
            "differences": self.differences,
            **self.counts,
            "examples": [found._asdict() for found in self.examples],
            "read_units": self.read_units,
        }


def _text(attribute: dict[str, Any]) -> str:
    """A key attribute for people: ``"USER#tom"``, ``12``."""
    ((kind, value),) = attribute.items()
    if kind == "S":
        return json.dumps(value, ensure_ascii=False)
    return bytes(value).hex() if kind == "B" else str(value)
