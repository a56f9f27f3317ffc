"""Reads and writes of the seeding functions; each write is conditional on the item that was read."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from json import dumps
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError, HTTPClientError

from dynamo.changes import Outcome, SeedEntry, Write, decide
from dynamo.parallel import Tries, ask, passes
from model.messages import Key, key_of
from model.wire import Typed

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
# Lambda ends a function after 15 minutes, and CloudFormation then waits an hour
# for its response: the function must fail while it can still report it.
SECONDS = 600


class Table:
    """One table, through a boto3 DynamoDB client; for SECONDS from now.

    Throttled and lost requests are repeated beyond the retries of the client, which share
    a budget. Methods raise TimeoutError when that does not help.
    """

    def __init__(self, client: Any, name: str, clock: Any = time) -> None:
        self.client, self._name, self._clock = client, name, clock
        self._end = clock.monotonic() + SECONDS

    def is_empty(self) -> bool:
        """Whether the table has no item, read consistently."""
        request = {"TableName": self._name, "Limit": 1, "ConsistentRead": True}
        return not self._ask(self.client.scan, request)["Items"]

    def read(self, keys: Sequence[Key]) -> dict[Key, Typed]:
        """The items under up to KEYS_PER_READ keys, read consistently."""
        found: dict[Key, Typed] = {}
        wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
        request: Any = {self._name: {"Keys": wanted, "ConsistentRead": True}}
        tries = Tries(self._clock, self._end, f"reading {len(keys)} items of {self._name}")
        while True:
            reply = self._ask(self.client.batch_get_item, {"RequestItems": request})
            found |= {key_of(item): item for item in reply["Responses"].get(self._name, [])}
            request = reply["UnprocessedKeys"]
            if not request:
                return found
            tries.wait(len(request[self._name]["Keys"]), "unprocessed keys")

    def put_all(self, items: Sequence[Typed]) -> set[Key]:
        """Put up to ITEMS_PER_BATCH items over existing ones; unprocessed ones are sent again.

        Returns the keys of items that may or may not have been written, after an error: a
        batch has no condition, so sending it again could undo an edit.
        """
        request: Any = {self._name: [{"PutRequest": {"Item": item}} for item in items]}
        tries = Tries(self._clock, self._end, f"writing {len(items)} items to {self._name}")
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

    def follow(self, entries: Sequence[SeedEntry], *, expect_nothing: bool) -> Counter[Outcome]:
        """Bring up to KEYS_PER_READ entries to their new seed; the outcomes.

        Reads, decides, and writes on the condition that the item is still as it was read;
        after an edit in between, does so again. ``expect_nothing`` saves the first read where
        the table probably has none of the items; the conditions hold all the same.
        """
        outcomes: Counter[Outcome] = Counter()
        pending = {entry.key: entry for entry in entries}
        present = {} if expect_nothing else self.read(list(pending))
        tries = Tries(self._clock, self._end, f"writing {len(entries)} items to {self._name}")
        while True:
            decisions = [decide(entry, present.get(key)) for key, entry in pending.items()]
            writes = [decision for decision in decisions if isinstance(decision, Write)]
            outcomes.update(decision for decision in decisions if isinstance(decision, Outcome))
            lost = {key for part in _parts(writes) for key in self._transact(part)}
            outcomes.update(write.outcome for write in writes if write.key not in lost)
            if not lost:
                return outcomes
            pending = {key: pending[key] for key in lost}
            tries.wait(len(pending), "refused transactions")
            present = self.read(list(pending))

    def _transact(self, writes: Sequence[Write]) -> set[Key]:
        """Make the writes in one transaction, without those that were refused; the keys of the refused ones."""
        actions = [self._action(write) for write in writes]
        # With the same token, a transaction whose response was lost is not made again.
        request = {"TransactItems": actions, "ClientRequestToken": str(uuid4())}
        try:
            self._ask(self.client.transact_write_items, request)
        except ClientError as error:
            answers: Any = error.response.get("CancellationReasons", [])
            reasons = [answer.get("Code", "None") for answer in answers]
            causes = {w.key for w, reason in zip(writes, reasons, strict=False) if reason != "None"}
            if not causes or {*reasons} - _WORTH_ANOTHER_TRY:
                raise
            rest = [write for write in writes if write.key not in causes]
            return causes | (self._transact(rest) if rest else set())
        return set()

    def _action(self, write: Write) -> dict[str, Any]:
        target = {"TableName": self._name, **_expects(write.before)}
        if write.after is None:
            pk, sk = write.key
            return {"Delete": {**target, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}}
        return {"Put": {**target, "Item": write.after}}

    def _ask(self, call: Callable[..., Any], request: dict[str, Any]) -> Any:
        """The response to a request that may be made twice."""
        return ask(partial(call, **request), Tries(self._clock, self._end, f"asking {self._name}"))


def _expects(before: Typed | None) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    names = sorted(before)
    return {
        "ConditionExpression": " AND ".join(f"#a{i} = :v{i}" for i in range(len(names))),
        "ExpressionAttributeNames": {f"#a{i}": name for i, name in enumerate(names)},
        "ExpressionAttributeValues": {f":v{i}": before[name] for i, name in enumerate(names)},
    }


def _parts(writes: Sequence[Write]) -> list[list[Write]]:
    """The writes in groups that fit a transaction by number and by size."""
    parts: list[list[Write]] = []
    room = 0
    for write in writes:
        # In JSON's ASCII no character has fewer bytes than in UTF-8.
        size = len(dumps(write.before)) + len(dumps(write.after))
        if not parts or len(parts[-1]) == WRITES_PER_TRANSACTION or size > room:
            parts.append([])
            room = BYTES_PER_REQUEST
        parts[-1].append(write)
        room -= size
    return parts
