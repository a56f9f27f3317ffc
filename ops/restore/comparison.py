"""Compare two tables item by item, in little memory whatever their size.

First both tables are scanned, in parallel segments, into one digest for each of many groups of items. Then the items in
groups that differ are read again, and compared with those that the other table has under their keys.
"""

import hashlib
import heapq
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from cli import output
from cli.command_line import Context
from dynamo.parallel import After, consumed_units, in_segments, lanes, page_after
from dynamo.table import key_types
from model.wire import Typed, canonical_text, changed

SEGMENTS = 4  # of each table, read in parallel
GROUP_BITS = 16
_KEYS_PER_READ = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_SLOWEST = 1.0  # read units per second
_PROGRESS_SECONDS = 5.0
MISSING, EXTRA, CHANGED = "missing", "extra", "changed"
Call = Callable[[], dict[str, Any]]
T = TypeVar("T")


def compare(context: Context, source: str, target: str, *, most: int, rate: float) -> "Comparison":
    """Compare table ``source`` with ``target``; both may be in use.

    ``most``: differences to keep; ``rate``: read units per second, for both tables together.
    """
    context.say(f"comparing {source} with {target}")
    budget, dynamodb = UnitBudget(rate), context.clients("dynamodb")
    one, other = (TableReader(dynamodb, name, budget) for name in (source, target))
    result = Comparison(most=most)
    for ours, theirs in differences(context, one, other):
        if ours is None or theirs is None:
            result.note(one.key(ours or theirs or {}), EXTRA if ours is None else MISSING)
        else:
            result.note(one.key(ours), CHANGED, changed(ours, theirs))
    result.source_items, result.target_items, result.read_units = one.counted, other.counted, budget.spent
    return result


def differences(
    context: Context, source: "TableReader", target: "TableReader"
) -> Iterator[tuple[Typed | None, Typed | None]]:
    """The items of both tables under each key under which they differ; None where a table has no item.

    A key may come twice if its items change meanwhile.
    """
    tables = source, target
    digests = Counter[int](), Counter[int]()
    for side, items in _pages(context, tables):
        tables[side].counted += len(items)
        for item in items:
            # The sum is the same whatever the order of the items.
            digests[side][tables[side].group(item)] += digest(item)
    if groups := {one for one in digests[0].keys() | digests[1].keys() if digests[0][one] != digests[1][one]}:
        context.say(f"{len(groups):,} of {1 << GROUP_BITS:,} groups of items differ")
        for side, items in _pages(context, tables):
            mine, other = tables[side], tables[1 - side]
            suspects = [item for item in items if mine.group(item) in groups]
            theirs = {canonical_text(other.key(item)): item for item in other.get([mine.key(one) for one in suspects])}
            for item in suspects:
                there = theirs.get(canonical_text(mine.key(item)))
                if there is None:
                    yield (None, item) if side else (item, None)
                elif side == 0 and changed(item, there):
                    yield item, there


def _pages(context: Context, tables: "Sequence[TableReader]") -> Iterator[tuple[int, list[Typed]]]:
    """The pages of all segments of both tables, each with its side: 0 source, 1 target."""

    def read(number: int, after: After) -> tuple[list[Typed], After]:
        side, segment = divmod(number, SEGMENTS)
        return tables[side].scan(segment, after)

    shown, seen = time.monotonic(), 0
    with lanes(2 * SEGMENTS) as opened:
        for number, items, _ in in_segments(opened, read, dict.fromkeys(range(2 * SEGMENTS))):
            seen += len(items)
            yield number // SEGMENTS, items
            if time.monotonic() - shown > _PROGRESS_SECONDS:
                context.say(f"{seen:,} items read")
                shown = time.monotonic()


class UnitBudget:
    """Capacity units per second, for all threads.

    Repeated requests lower it, because other clients use the table; the others raise it again. ``ask`` makes a request,
    and may make it again.
    """

    def __init__(self, rate: float, ask: Callable[[Call], dict[str, Any]] = lambda call: call()) -> None:
        self.spent = 0.0
        self._rate, self._most, self._ask, self._next = rate, rate, ask, time.monotonic()
        self._lock = threading.Lock()

    def spend(self, call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        """The response to ``call``, which waits until units may be spent again."""
        if (pause := self._next - time.monotonic()) > 0:
            time.sleep(pause)
        answer = self._ask(partial(call, **request, ReturnConsumedCapacity="TOTAL"))
        units = consumed_units(answer)
        throttled = answer.get("UnprocessedKeys") or answer.get("ResponseMetadata", {}).get("RetryAttempts")
        with self._lock:
            self.spent += units
            slower, faster = max(min(self._rate, _SLOWEST), self._rate / 1.2), min(self._most, self._rate * 1.1)
            self._rate = slower if throttled else faster
            self._next = max(self._next, time.monotonic()) + units / self._rate
        return answer


class TableReader:
    """Reads one table, in several threads; consistently, so that nothing is missed.

    A scan gives the items that ``includes`` accepts, and only those of one ``partition``, if that is given.
    """

    def __init__(
        self,
        dynamodb: Any,
        name: str,
        budget: UnitBudget,
        *,
        includes: Callable[[Typed], bool] = lambda _: True,
        partition: str = "",
    ) -> None:
        self.counted = 0  # the items that were compared
        self._name, self._dynamodb, self._budget = name, dynamodb, budget
        self._includes, self._partition = includes, partition
        self._keys = list(key_types(dynamodb.describe_table(TableName=name)["Table"]))

    def key(self, item: Typed) -> Typed:
        """The key of ``item``."""
        return {name: item[name] for name in self._keys}

    def group(self, item: Typed) -> int:
        """The group that ``item`` belongs to, in whichever table."""
        return _hash(canonical_text(self.key(item)), GROUP_BITS)

    def scan(self, segment: int, after: After) -> tuple[list[Typed], After]:
        """A page of one of the ``SEGMENTS``, and the key behind which the next one starts."""
        request: dict[str, Any] = {"TableName": self._name, "ConsistentRead": True}
        read = self._dynamodb.scan
        if not self._partition:
            request |= {"Segment": segment, "TotalSegments": SEGMENTS}
        elif segment:
            return [], None
        else:
            read = self._dynamodb.query
            names, values = {"#key": self._keys[0]}, {":partition": {"S": self._partition}}
            request |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
            request["KeyConditionExpression"] = "#key = :partition"
        items, last = page_after(after, partial(self._budget.spend, read), **request)
        return [item for item in items if self._includes(item)], last

    def get(self, keys: Sequence[Typed]) -> Iterator[Typed]:
        """Those items that exist under ``keys``."""
        left = list(keys)
        while left:
            request = {self._name: {"Keys": left[:_KEYS_PER_READ], "ConsistentRead": True}}
            answer = self._budget.spend(self._dynamodb.batch_get_item, RequestItems=request)
            yield from answer["Responses"].get(self._name, [])
            unprocessed = answer.get("UnprocessedKeys", {}).get(self._name, {"Keys": []})
            left = [*unprocessed["Keys"], *left[_KEYS_PER_READ:]]


def digest(item: Typed) -> int:
    """128 bits that are the same for equal items, and for no others."""
    return _hash(canonical_text(item), 128)


def _hash(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=bits // 8).digest(), "big")


class First(Generic[T]):
    """The ``most`` smallest of many, in little memory."""

    def __init__(self, most: int) -> None:
        self._most, self._kept = most, list[T]()

    def add(self, one: T) -> None:
        """Keep it if it is among the first."""
        self._kept.append(one)
        if len(self._kept) > 2 * self._most:
            self._kept = self.smallest()

    def smallest(self) -> list[T]:
        """The first ones, in order."""
        return heapq.nsmallest(self._most, self._kept)  # type: ignore[type-var]


class Comparison:
    """How many items were compared, and how the target differs; ``most``: the number of examples to keep."""

    def __init__(self, most: int) -> None:
        self.source_items, self.target_items, self.read_units = 0, 0, 0.0
        self.counts = {MISSING: 0, EXTRA: 0, CHANGED: 0}
        # Key, kind, and the names of the attributes in which it is changed.
        self._first = First[tuple[str, str, list[str]]](most)

    @property
    def differences(self) -> int:
        """The number of all differences."""
        return sum(self.counts.values())

    @property
    def examples(self) -> list[tuple[str, str, list[str]]]:
        """The first differences, in order."""
        return self._first.smallest()

    def note(self, key: Typed, kind: str, attributes: Sequence[str] = ()) -> None:
        """Count a difference, and keep it if it is among the first."""
        values = {name: next(iter(value.items())) for name, value in key.items()}
        shown = {name: json.dumps(v, ensure_ascii=False) if kind == "S" else v for name, (kind, v) in values.items()}
        text = " ".join(f"{name}={value}" for name, value in shown.items())
        self.counts[kind] += 1
        self._first.add((text, kind, list(attributes)))

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
            "examples": [{"key": key, "kind": kind, "attributes": names} for key, kind, names in self.examples],
            "read_units": self.read_units,
        }
