"""Compare two tables item by item, in little memory whatever their size.

A scan has an order of its own, so two of them cannot be merged. First both
tables are scanned, in parallel, into digests of groups of partitions; then only
the partitions of groups that differ are read again, from both tables in the
order of their sort key, and merged.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from cli.command_line import Context
from ops.restore import digests
from ops.restore.comparison import CHANGED, EXTRA, MISSING, Comparison
from ops.restore.digests import Digests, Item
from ops.restore.reading import Budget, Table
from ops.restore.restoration import status

SEGMENTS = 4  # readers for each table
_PROGRESS_SECONDS = 5.0


def tables(context: Context, source: str, target: str, *, most: int, rate: float) -> Comparison:
    """Compare table ``source`` with ``target``; both may be in use meanwhile.

    ``most``: differences to keep; ``rate``: read units a second, for both together.
    """
    budget, dynamodb = Budget(rate), context.clients("dynamodb")
    left, right = (Table(dynamodb, name, budget) for name in (source, target))
    result = Comparison(most=most)
    context.say(f"comparing {source} with {target}")
    one, other = _count(context, budget, left, right)
    result.source_items, result.target_items = one.items, other.items
    groups = one.differing(other)
    if groups:
        context.say(f"{len(groups):,} of {digests.GROUPS:,} groups of partitions differ")
        _search_all(context, budget, left, right, groups, result)
    result.read_units = budget.spent
    return result


def if_wanted(arguments: argparse.Namespace, context: Context, source: str, target: str) -> Comparison | None:
    """The comparison that was asked for; None without one, or without a source."""
    if arguments.no_compare:
        return None
    if not status(context.clients("dynamodb"), source):
        context.say(f"table {source} does not exist any more: there is nothing to compare with")
        return None
    return tables(context, source, target, most=arguments.show, rate=arguments.rate)


def is_failure(arguments: argparse.Namespace, context: Context, comparison: Comparison | None) -> bool:
    """Whether what was found is a failure; says what to do about it."""
    if not comparison or not comparison.differences or arguments.expect_differences:
        return False
    context.say(
        "the restored table differs from the source; where that was written to since, --expect-differences accepts it"
    )
    return True


def _count(context: Context, budget: Budget, *both: Table) -> tuple[Digests, Digests]:
    """The digests of each table."""
    parts = [(table, segment, Digests()) for table in both for segment in range(SEGMENTS)]

    def count(table: Table, segment: int, into: Digests) -> None:
        for item in table.scan(segment, SEGMENTS):
            into.add(item[table.partition_key], item)

    _in_parallel(
        [partial(count, *part) for part in parts],
        budget,
        lambda: context.say(f"{sum(part.items for *_, part in parts):,} items read"),
    )
    merged = [_merged(part for of, _, part in parts if of is table) for table in both]
    return merged[0], merged[1]


def _search_all(
    context: Context, budget: Budget, source: Table, target: Table, groups: frozenset[int], result: Comparison
) -> None:
    """Note every difference in the partitions of ``groups``.

    Those that the source has are found in a scan of it, the others in one of the target.
    """

    def from_source(segment: int) -> None:
        for partition in _partitions(source, segment, groups):
            _merge(source, target, partition, result)

    def from_target(segment: int) -> None:
        for partition in _partitions(target, segment, groups):
            if source.first(partition) is None:
                for extra in target.partition(partition):
                    result.note(EXTRA, target.key(extra))

    work = [partial(search, n) for search in (from_source, from_target) for n in range(SEGMENTS)]
    _in_parallel(work, budget, lambda: context.say(f"{result.differences:,} differences so far"))


def _partitions(table: Table, segment: int, groups: frozenset[int]) -> Iterable[Item]:
    """The partition keys of ``groups`` whose first item is in the segment.

    Whoever meets a partition's first item takes the whole of it, so each is
    taken once even if its items are spread over segments.
    """
    last: Item | None = None
    first: Item | None = None
    for item in table.scan(segment, SEGMENTS, keys_only=True):
        partition = item[table.partition_key]
        if digests.group(partition) not in groups:
            continue
        if partition != last:
            last, first = partition, table.first(partition)
        if first is not None and table.key(first) == table.key(item):
            yield partition


def _merge(source: Table, target: Table, partition: Item, result: Comparison) -> None:
    pairs = digests.side_by_side(source.partition(partition), target.partition(partition), source.sort_key)
    for left, right in pairs:
        if left is None and right is not None:
            result.note(EXTRA, target.key(right))
        elif right is None and left is not None:
            result.note(MISSING, source.key(left))
        elif left is not None and right is not None:
            attributes = digests.changed(left, right)
            if attributes:
                result.note(CHANGED, source.key(left), attributes)


def _merged(parts: Iterable[Digests]) -> Digests:
    total = Digests()
    for part in parts:
        total.merge(part)
    return total


def _in_parallel(work: Sequence[Callable[[], None]], budget: Budget, progress: Callable[[], None]) -> None:
    """Do all of ``work``; the first failure, or an interruption, stops the rest and is raised."""
    pool = ThreadPoolExecutor(len(work), thread_name_prefix="ops-compare")
    running: set[Future[None]] = {pool.submit(task) for task in work}
    try:
        while running:
            done, running = wait(running, timeout=_PROGRESS_SECONDS, return_when="FIRST_EXCEPTION")
            for task in done:
                task.result()
            if running:
                progress()
    finally:
        if running:
            budget.stop()
        pool.shutdown(cancel_futures=True)
