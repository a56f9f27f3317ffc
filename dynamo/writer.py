"""The conditional writes of the seeding functions: from one seed to the next, in parallel and in bounded memory."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from json import dumps
from typing import Any
from uuid import uuid4

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from dynamo.changes import Outcome, SeedEntry, decide, entries
from dynamo.parallel import Tries, ask, lanes, passes
from dynamo.table import unchanged
from model.messages import Key, key_of
from model.wire import Typed, typed_key

# More do not write faster, see bench/; on a new table they are throttled the sooner.
WORKERS = 4
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
KEYS_PER_READ = 100
ITEMS_PER_BATCH = 25
WRITES_PER_TRANSACTION = 100
# A transaction takes 4 MB and a batch 16 MB; items of 400 KB bound both by less.
BYTES_PER_REQUEST = 3_500_000

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_WORTH_ANOTHER_TRY = frozenset(
    "None ConditionalCheckFailed TransactionConflict ThrottlingError ProvisionedThroughputExceeded "
    "RequestLimitExceeded InternalServerError".split()
)
# Of the seeding functions' clients.
CLIENT = Config(
    # Throttling is normal on a table that was made a moment ago.
    retries={"mode": "standard", "total_max_attempts": 10},
    # One request that hangs must not use up a function's 15 minutes.
    connect_timeout=5,
    read_timeout=15,
    max_pool_connections=WORKERS,
    parameter_validation=False,  # what is sent was validated before, against more than botocore knows
)
# Lambda ends a function after 15 minutes, and CloudFormation then waits an hour for its response: the function must
# fail while it can still report it.
SECONDS = 600


def apply(table: "Table", *, old: Iterable[Typed] | None, new: Iterable[Typed]) -> Counter[Outcome]:
    """Bring ``table`` from the seed ``old`` to the seed ``new``; how many of each outcome.

    ``old`` is None where there was no seed before. Both are in the order of their keys and are read as they are used.
    Raises the error of the first failing request; running it again finishes the rest.
    """
    pairs = entries(old or (), new)
    if old is not None:
        return in_parts(pairs, table.follow)
    first = list(islice(pairs, KEYS_PER_READ + 1))
    pairs = chain(first, pairs)
    if len(first) <= KEYS_PER_READ or not table.is_empty():
        # The transactions' conditions say whether anything was there.
        return in_parts(pairs, partial(table.follow, expect_nothing=True))
    # An empty table holds nothing to overwrite, so no condition is needed.
    _render_batches(table.client)
    return in_parts(pairs, partial(_load, table), ITEMS_PER_BATCH)


def in_parts(
    pairs: Iterable[SeedEntry], work: Callable[[list[SeedEntry]], Counter[Outcome]], size: int = KEYS_PER_READ
) -> Counter[Outcome]:
    """The sum of the outcomes of ``work`` over all pairs, ``size`` at a time, WORKERS at once."""
    total, pairs = Counter[Outcome](), iter(pairs)
    # Joined: Lambda would resume a call that is under way in the middle of another invocation.
    with lanes(WORKERS, joined=True) as opened:
        for outcomes in opened.map(work, iter(lambda: list(islice(pairs, size)), [])):
            total.update(outcomes)
    return total


def _render_batches(client: Any) -> None:
    """Let the client send batches as the JSON that they are already.

    botocore would look every value of every attribute up in its model of the API first, which takes two fifths of the
    processor time of a large seed. It has these events for what a caller knows better
    (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html).
    """

    def take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["batch"], params["RequestItems"] = params["RequestItems"], {}

    def give(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        params["body"] = dumps({"RequestItems": context["batch"]}).encode()

    operation = "dynamodb.BatchWriteItem"
    client.meta.events.register(f"before-parameter-build.{operation}", take, unique_id="take")
    client.meta.events.register(f"before-call.{operation}", give, unique_id="give")


def _load(table: "Table", part: Sequence[SeedEntry]) -> Counter[Outcome]:
    unknown = table.put_all([entry.new for entry in part if entry.new])
    rest = [entry for entry in part if entry.key in unknown]
    outcomes = table.follow(rest) if rest else Counter[Outcome]()
    # An item that is unchanged now came with the batch.
    outcomes[Outcome.WRITTEN] += len(part) - len(rest) + outcomes.pop(Outcome.UNCHANGED, 0)
    return outcomes


class Table:
    """One table, through a boto3 DynamoDB client; for SECONDS from now.

    Throttled and lost requests are repeated beyond the retries of the client, which share a budget. Methods raise
    TimeoutError when that does not help.
    """

    def __init__(self, client: Any, name: str, clock: Any = time) -> None:
        self.client, self._name, self._clock = client, name, clock
        self._end = clock.monotonic() + SECONDS

    def is_empty(self) -> bool:
        """Whether the table has no item, read consistently."""
        return not self._ask(self.client.scan, TableName=self._name, Limit=1, ConsistentRead=True)["Items"]

    def read(self, keys: Sequence[Key]) -> dict[Key, Typed]:
        """The items under up to KEYS_PER_READ keys, read consistently."""
        found: dict[Key, Typed] = {}
        request: Any = {self._name: {"Keys": [typed_key(key) for key in keys], "ConsistentRead": True}}
        tries = self._tries(f"reading {len(keys)} items of")
        while True:
            reply = self._ask(self.client.batch_get_item, RequestItems=request)
            found |= {key_of(item): item for item in reply["Responses"].get(self._name, [])}
            request = reply["UnprocessedKeys"]
            if not request:
                return found
            tries.wait(len(request[self._name]["Keys"]), "unprocessed keys")

    def put_all(self, items: Sequence[Typed]) -> set[Key]:
        """Put up to ITEMS_PER_BATCH items over existing ones; unprocessed ones are sent again.

        Returns the keys of items that may or may not have been written, after an error: a batch has no condition, so
        sending it again could undo an edit.
        """
        request: Any = {self._name: [{"PutRequest": {"Item": item}} for item in items]}
        tries = self._tries(f"writing {len(items)} items to")
        while True:
            try:
                request = self.client.batch_write_item(RequestItems=request)["UnprocessedItems"]
            except (ClientError, HTTPClientError) as error:
                if not passes(error):
                    raise
                return {key_of(put["PutRequest"]["Item"]) for put in request[self._name]}
            if not request:
                return set()
            tries.wait(len(request[self._name]), "unprocessed items")

    def follow(self, entries: Sequence[SeedEntry], *, expect_nothing: bool = False) -> Counter[Outcome]:
        """Bring up to KEYS_PER_READ entries to their new seed; the outcomes.

        Reads, decides, and writes on the condition that the item is still as it was read; after an edit in between,
        does so again. ``expect_nothing`` saves the first read where the table probably has none of the items; the
        conditions hold all the same.
        """
        outcomes: Counter[Outcome] = Counter()
        pending = {entry.key: entry for entry in entries}
        present = {} if expect_nothing else self.read(list(pending))
        tries = self._tries(f"writing {len(entries)} items to")
        while True:
            decisions = [decide(entry, present.get(key)) for key, entry in pending.items()]
            writes = [decision for decision in decisions if isinstance(decision, SeedEntry)]
            outcomes.update(decision for decision in decisions if isinstance(decision, Outcome))
            lost = {key for part in _parts(writes) for key in self._transact(part)}
            done = [write for write in writes if write.key not in lost]
            outcomes.update(Outcome.REMOVED if write.new is None else Outcome.WRITTEN for write in done)
            if not lost:
                return outcomes
            pending = {key: pending[key] for key in lost}
            tries.wait(len(pending), "refused transactions")
            present = self.read(list(pending))

    def _transact(self, writes: Sequence[SeedEntry]) -> set[Key]:
        """Make the writes in one transaction, without those that were refused; the keys of the refused ones."""
        actions = [self._action(write) for write in writes]
        try:
            # With the same token, a transaction whose response was lost is not made again.
            self._ask(self.client.transact_write_items, TransactItems=actions, ClientRequestToken=str(uuid4()))
        except ClientError as error:
            answers: Any = error.response.get("CancellationReasons", [])
            reasons = [answer.get("Code", "None") for answer in answers]
            causes = {w.key for w, reason in zip(writes, reasons, strict=False) if reason != "None"}
            if not causes or {*reasons} - _WORTH_ANOTHER_TRY:
                raise
            rest = [write for write in writes if write.key not in causes]
            return causes | (self._transact(rest) if rest else set())
        return set()

    def _action(self, write: SeedEntry) -> dict[str, Any]:
        """The write, on the condition that the item is still as it was read."""
        target = {"TableName": self._name} | unchanged(write.old)
        if write.new is None:
            return {"Delete": target | {"Key": typed_key(write.key)}}
        return {"Put": target | {"Item": write.new}}

    def _ask(self, call: Callable[..., Any], **request: Any) -> Any:
        """The response to a request that may be made twice."""
        return ask(partial(call, **request), self._tries("asking"))

    def _tries(self, doing: str) -> Tries:
        return Tries(f"{doing} {self._name}", self._clock, self._end)


def _parts(writes: Sequence[SeedEntry]) -> Iterator[list[SeedEntry]]:
    """The writes in groups that fit a transaction by number and by size."""
    part, room = list[SeedEntry](), BYTES_PER_REQUEST
    for write in writes:
        size = _json_bytes(write.old) + _json_bytes(write.new)
        if part and (len(part) == WRITES_PER_TRANSACTION or size > room):
            yield part
            part, room = [], BYTES_PER_REQUEST
        part.append(write)
        room -= size
    if part:
        yield part


def _json_bytes(item: Typed | None) -> int:
    """The most bytes that an item has in a request: in JSON's ASCII no character has fewer than in UTF-8."""
    return len(dumps(item, default=lambda binary: bytes(binary).hex()))
