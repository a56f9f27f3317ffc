"""Pages of Query and Scan that cost by what they return.

The engine's own functions answer; they are shown a table that has only the items of the page, found by
``sorted_keys``. Answers are those of the engine byte for byte. Whatever is not plain gets the engine's own way.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import ministack.services.dynamodb as engine
from ministack.core.responses import AccountRegionScopedDict

from embedded_aws.dynamodb import sorted_keys
from embedded_aws.dynamodb.sorted_keys import Entry, Order
from embedded_aws.replies import Handler, Json, Reply

# With no more items than that, the engine's own way is as fast.
FEW = 100
# What does not select one run of sort keys, should the engine let it pass.
_NOT_ONE_RUN = re.compile(r"<>|\b(or|not|in|contains|size|attribute_\w+)\b", re.IGNORECASE)
_ONE_RUN = {"EQ", "LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH"}
# Name and record of the table as the running request sees it.
_SHOWN: ContextVar[tuple[str, Json] | None] = ContextVar("shown", default=None)


class _Tables(AccountRegionScopedDict):  # type: ignore[misc]
    """The engine's tables, one of which a request may see in part."""

    __slots__ = ()

    def get(self, key: str, default: Any = None) -> Any:
        shown = _SHOWN.get()
        return shown[1] if shown and shown[0] == key else super().get(key, default)


def in_part(tables: Any) -> Any:
    """The engine's tables, as ``_Tables``: the same object, because other modules hold it."""
    tables.__class__ = _Tables
    return tables


def query(original: Handler, data: Json) -> Reply:
    """Query, which looks at the items of its page alone."""
    return _paged(original, data, _queried)


def scan(original: Handler, data: Json) -> Reply:
    """Scan, which looks at the items of its page alone."""
    return _paged(original, data, _scanned)


def _paged(original: Handler, data: Json, find: Callable[[Json, Json], Iterable[Entry] | None]) -> Reply:
    name = engine._normalize_table_name(data.get("TableName"))
    table = engine._tables.get(name)
    if not table or table.get("ItemCount", 0) <= FEW or not _is_valid(original, data, name, table):
        return original(data)
    with sorted_keys.LOCK:
        try:
            entries = find(table, data)
            read = None if entries is None else _page(table, data, entries)
        except ValueError:  # a condition that the engine cannot evaluate; it has its own answer
            read = None
        return original(data) if read is None else _shown(original, data, name, _partly(table, read))


def _is_valid(original: Handler, data: Json, name: str, table: Json) -> bool:
    """Whether the engine accepts the request; it looks at a table without items."""
    return _shown(original, data, name, table | {"items": {}, engine._INDEX_MEMBERS: None})[0] == 200


def _shown(original: Handler, data: Json, name: str, table: Json) -> Reply:
    token = _SHOWN.set((name, table))
    try:
        return original(data)
    finally:
        _SHOWN.reset(token)


def _partly(table: Json, entries: list[Entry]) -> Json:
    """The table with the items of these entries alone; the engine derives the index partitions from them."""
    items: Json = defaultdict(dict)
    for _, pk, sk in entries:
        items[pk][sk] = table["items"][pk][sk]
    return table | {"items": items, engine._INDEX_MEMBERS: None}


def _page(table: Json, data: Json, entries: Iterable[Entry]) -> list[Entry]:
    """The entries that the engine reads for one page: the last may be what the page has no room for."""
    read: list[Entry] = []

    def items() -> Iterator[Json]:
        for entry in entries:
            read.append(entry)
            yield table["items"][entry[1]][entry[2]]

    engine._paginate_evaluated_items(items(), data.get("Limit"), table, data.get("IndexName"))
    return read


def _scanned(table: Json, data: Json) -> Iterable[Entry] | None:
    index = data.get("IndexName")
    hash_name, sort_name, _ = engine._resolve_index_keys(table, index)
    if index:
        hashes, ranges = engine._index_key_lists(engine._index_def(table, index))
        sorted_by = engine._index_order_keys(table, ranges or sort_name)
    else:
        hashes, ranges = [], []
        sorted_by = [(name, "S") for name in (table["pk_name"], table["sk_name"]) if name]  # as the dict's keys
    if _has_binary(sorted_by):
        return None
    segments = int(data.get("TotalSegments") or 0)
    order = Order((*hashes, *ranges), tuple(sorted_by), hash_name if segments else None, not index, segments)
    kept = sorted_keys.of(table)
    entries = kept.whole(order, int(data["Segment"]) if segments else "")
    if kept.is_mixed(order):
        return None
    start = data.get("ExclusiveStartKey")
    first = bisect_right(entries, order.position(start), key=_position) if start else 0
    return itertools.islice(entries, first, None)


def _queried(table: Json, data: Json) -> Iterable[Entry] | None:
    index = data.get("IndexName")
    hash_name, sort_name, _ = engine._resolve_index_keys(table, index)
    hashes, ranges = [hash_name], [sort_name] if sort_name else []
    if index:
        hashes, ranges = engine._index_key_lists(engine._index_def(table, index))
    sorted_by = engine._index_order_keys(table, ranges)
    if len(hashes) > 1 or len(ranges) > 1 or _has_binary(sorted_by) or not _selects_one_run(table, data, sort_name):
        return None
    value = partition(data, hash_name)
    if index:
        members = keys = (engine._index_members(table).get(index) or {}).get(value, ())
    else:
        members = table["items"].get(value, ())
        keys = ((value, sk) for sk in members)
    if len(members) <= FEW:
        return None
    order = Order((*hashes, *ranges), tuple(sorted_by), hash_name)
    kept = sorted_keys.of(table)
    entries = kept.partition(order, value, keys)
    if kept.is_mixed(order):
        return None
    first, last = _run(table, data, entries, sort_name)
    start, forward = data.get("ExclusiveStartKey"), data.get("ScanIndexForward", True)
    if start and forward:
        first = max(first, bisect_right(entries, order.position(start), key=_position))
    elif start:
        last = min(last, bisect_left(entries, order.position(start), key=_position))
    numbers = range(first, last) if forward else range(last - 1, first - 1, -1)
    return (entries[number] for number in numbers)


def _position(entry: Entry) -> tuple[Any, ...]:
    return entry[0]


def _has_binary(sorted_by: Iterable[tuple[str, str]]) -> bool:
    """Whether two different values may be equal in the order: base64 has several forms of some bytes."""
    return any(kind == "B" for _, kind in sorted_by)


def _selects_one_run(table: Json, data: Json, sort_name: str | None) -> bool:
    """Whether the key condition holds for neighbours alone."""
    legacy, expression = data.get("KeyConditions") or {}, data.get("KeyConditionExpression") or ""
    if _NOT_ONE_RUN.search(expression) or any(c.get("ComparisonOperator") not in _ONE_RUN for c in legacy.values()):
        return False
    has_two = len(legacy) > 1 or re.search(r"\band\b", expression, re.IGNORECASE)
    if has_two and not _operand(data, sort_name):
        return False
    prefix = "begins_with" in expression.lower() or "BEGINS_WITH" in str(legacy)
    return not (prefix and sort_name and engine._get_attr_type(table, sort_name) != "S")


def partition(data: Json, hash_name: str) -> Any:
    """The partition key's value that a Query asks for."""
    if data.get("KeyConditions"):
        return engine._extract_pk_from_key_conditions(data["KeyConditions"], hash_name)
    values, names = data.get("ExpressionAttributeValues") or {}, data.get("ExpressionAttributeNames") or {}
    return engine._extract_pk_from_condition(data.get("KeyConditionExpression"), values, names, hash_name)


def _operand(data: Json, sort_name: str | None) -> Json | None:
    """The first value that the key condition compares the sort key with."""
    values, names = data.get("ExpressionAttributeValues") or {}, data.get("ExpressionAttributeNames") or {}
    expression, legacy = data.get("KeyConditionExpression") or "", data.get("KeyConditions")
    return engine._key_condition_av(expression, legacy, values, names, sort_name) if sort_name else None


def _run(table: Json, data: Json, entries: list[Entry], sort_name: str | None) -> tuple[int, int]:
    """From where to where the key condition holds.

    Every condition on a sort key selects one run of neighbours, and one of its ends is at the condition's first
    operand. So below and above that operand the condition changes from true to false once.
    """
    legacy, expression = data.get("KeyConditions"), data.get("KeyConditionExpression") or ""
    values, names = data.get("ExpressionAttributeValues") or {}, data.get("ExpressionAttributeNames") or {}
    operand = _operand(data, sort_name)
    if not operand:
        return 0, len(entries)

    def holds(entry: Entry) -> bool:
        item = table["items"][entry[1]][entry[2]]
        if legacy:
            return bool(engine._evaluate_key_conditions_item(item, legacy, None))
        return bool(engine._evaluate_condition(expression, item, values, names, slot="KeyConditionExpression"))

    value = (engine._sort_key_value(operand, engine._get_attr_type(table, sort_name)),)
    below = bisect_left(entries, value, key=lambda entry: entry[0][:1])
    above = bisect_right(entries, value, key=lambda entry: entry[0][:1])
    first = bisect_left(entries, True, 0, below, key=holds)
    last = bisect_left(entries, True, above, key=lambda entry: not holds(entry))
    if below < above and not holds(entries[below]):  # the equal ones are not in it: < or >
        return (first, below) if first < below else (above, last)
    return first, last
