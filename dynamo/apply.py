"""From one seed to the next on one table, in parallel and in bounded memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from json import dumps
from typing import Any

from dynamo.changes import Outcome, SeedEntry, entries
from dynamo.parallel import lanes
from dynamo.writer import ITEMS_PER_BATCH, KEYS_PER_READ, Table
from model.wire import Typed

# More do not write faster, see bench/; on a new table they are throttled the sooner.
WORKERS = 4


def apply(table: Table, *, old: Iterable[Typed] | None, new: Iterable[Typed]) -> Counter[Outcome]:
    """Bring ``table`` from the seed ``old`` to the seed ``new``; how many of each outcome.

    ``old`` is None where there was no seed before. Both are in the order of
    their keys and are read as they are used. Raises the error of the first
    failing request; running it again finishes the rest.
    """
    pairs = entries(old or (), new)
    if old is not None:
        return in_parts(pairs, lambda part: table.follow(part, expect_nothing=False))
    first = list(islice(pairs, KEYS_PER_READ + 1))
    if len(first) <= KEYS_PER_READ or not table.is_empty():
        # The transactions' conditions say whether anything was there.
        return in_parts(chain(first, pairs), lambda part: table.follow(part, expect_nothing=True))
    # An empty table holds nothing to overwrite, so no condition is needed.
    _render_batches(table.client)
    return in_parts(chain(first, pairs), lambda part: _load(table, part), ITEMS_PER_BATCH)


def in_parts(
    pairs: Iterable[SeedEntry], work: Callable[[list[SeedEntry]], Counter[Outcome]], size: int = KEYS_PER_READ
) -> Counter[Outcome]:
    """The sum of the outcomes of ``work`` over all pairs, ``size`` at a time, WORKERS at once."""
    total: Counter[Outcome] = Counter()
    # Joined: Lambda would resume a call that is under way in the middle of another invocation.
    with lanes(WORKERS, joined=True) as opened:
        for outcomes in opened.map(work, _batched(iter(pairs), size)):
            total.update(outcomes)
    return total


def _batched(pairs: Iterator[SeedEntry], size: int) -> Iterator[list[SeedEntry]]:
    while part := list(islice(pairs, size)):
        yield part


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


def _load(table: Table, part: Sequence[SeedEntry]) -> Counter[Outcome]:
    unknown = table.put_all([entry.new for entry in part if entry.new])
    rest = [entry for entry in part if entry.key in unknown]
    outcomes = table.follow(rest, expect_nothing=False) if rest else Counter[Outcome]()
    # An item that is unchanged now came with the batch.
    outcomes[Outcome.WRITTEN] += len(part) - len(rest) + outcomes.pop(Outcome.UNCHANGED, 0)
    return outcomes
