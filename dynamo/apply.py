"""From one seed to the next on one table, in parallel and in bounded memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from json import dumps
from typing import Any, TypeVar

from dynamo.changes import Entry, Outcome, entries
from dynamo.writer import ITEMS_PER_BATCH, KEYS_PER_READ, Table
from model.wire import Typed

# More do not write faster, see bench/; on a new table they are throttled the sooner.
WORKERS = 4

T = TypeVar("T")


def apply(table: Table, *, old: Iterable[Typed] | None, new: Iterable[Typed]) -> Counter[Outcome]:
    """Bring ``table`` from the seed ``old`` to the seed ``new``; how many of each outcome.

    ``old`` is None where there was no seed before. Both are in the order of
    their keys and are read as they are used. Raises what the first failing
    request raised; running it again finishes the rest.
    """
    pairs = entries(old or (), new)
    if old is not None:
        return _summed(lambda part: table.follow(part, expect_nothing=False), pairs, KEYS_PER_READ)
    first = list(islice(pairs, KEYS_PER_READ + 1))
    if len(first) <= KEYS_PER_READ or not table.is_empty():
        # The transactions' conditions say whether anything was there.
        begin = lambda part: table.follow(part, expect_nothing=True)  # noqa: E731
        return _summed(begin, chain(first, pairs), KEYS_PER_READ)
    # An empty table holds nothing to overwrite, so no condition is needed.
    _render_batches(table.client)
    return _summed(lambda part: _load(table, part), chain(first, pairs), ITEMS_PER_BATCH)


def _render_batches(client: Any) -> None:
    """Let the client send batches as the JSON that they are already.

    botocore would look every value of every attribute up in its model of the
    API first, which takes two fifths of the processor time of a large seed. It has
    these events for what a caller knows better
    (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html).
    """

    def take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["batch"], params["RequestItems"] = params["RequestItems"], {}

    def give(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        params["body"] = dumps({"RequestItems": context["batch"]}).encode()

    operation = "dynamodb.BatchWriteItem"
    client.meta.events.register(f"before-parameter-build.{operation}", take, unique_id="take")
    client.meta.events.register(f"before-call.{operation}", give, unique_id="give")


def _load(table: Table, part: Sequence[Entry]) -> Counter[Outcome]:
    unknown = table.put_all([entry.new for entry in part if entry.new])
    rest = [entry for entry in part if entry.key in unknown]
    outcomes = table.follow(rest, expect_nothing=False) if rest else Counter[Outcome]()
    # What is there now as the seed has it came with the batch.
    outcomes[Outcome.WRITTEN] += len(part) - len(rest) + outcomes.pop(Outcome.UNCHANGED, 0)
    return outcomes


def _summed(work: Callable[[list[Entry]], Counter[Outcome]], pairs: Iterator[Entry], size: int) -> Counter[Outcome]:
    """The outcomes of ``work`` over all pairs, ``size`` at a time, WORKERS at once."""
    parts = _batched(pairs, size)
    first = list(islice(parts, 2))
    if len(first) < 2:  # threads would take as long as the one request
        return work(first[0]) if first else Counter()
    total: Counter[Outcome] = Counter()
    pool = ThreadPoolExecutor(WORKERS)
    try:
        running: set[Future[Counter[Outcome]]] = set()
        for part in chain(first, parts):
            running.add(pool.submit(work, part))
            # Two parts a worker: none waits for the next, and memory stays flat.
            if len(running) >= 2 * WORKERS:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    total.update(future.result())
        for future in running:
            total.update(future.result())
    finally:
        # After a failure what has not begun would only fail later. What has
        # begun is waited for: Lambda would thaw it in the middle of another call.
        pool.shutdown(cancel_futures=True)
    return total


def _batched(things: Iterator[T], size: int) -> Iterator[list[T]]:
    while part := list(islice(things, size)):
        yield part
