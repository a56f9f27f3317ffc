"""Reads and writes of the seeding functions. A write states what it expects to find."""

from collections import Counter
from collections.abc import Callable, Sequence
from random import uniform
from time import sleep
from typing import Any

from botocore.exceptions import ClientError

from seed.changes import Entry, Key, Outcome, Write, decide, key_of
from seed.wire import Typed

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
KEYS_PER_READ = 100
ITEMS_PER_BATCH = 25
WRITES_PER_TRANSACTION = 100
# A transaction takes 4 MB and a batch 16 MB; items of 400 KB bound both by less.
BYTES_PER_REQUEST = 3_500_000

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_WORTH_ANOTHER_TRY = frozenset(
    {"None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError",
     "ProvisionedThroughputExceeded", "RequestLimitExceeded", "InternalServerError"}
)  # fmt: skip
_FIRST_PAUSE, _LONGEST_PAUSE, _TRIES = 0.05, 5.0, 12  # seconds; about half a minute in all


class Table:
    """One table, through a boto3 DynamoDB client."""

    def __init__(self, client: Any, name: str, pause: Callable[[float], None] = sleep) -> None:
        self._client, self._name, self._pause = client, name, pause

    def is_empty(self) -> bool:
        """Whether the table has no item, read consistently."""
        found = self._client.scan(TableName=self._name, Limit=1, ConsistentRead=True)
        return not found["Items"]

    def read(self, keys: Sequence[Key]) -> dict[Key, Typed]:
        """The items under ``keys``, read consistently; unprocessed keys are asked for again."""
        found: dict[Key, Typed] = {}
        for start in range(0, len(keys), KEYS_PER_READ):
            part = keys[start : start + KEYS_PER_READ]
            wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in part]
            request: Any = {self._name: {"Keys": wanted, "ConsistentRead": True}}
            for pause in _Pauses(self._pause, f"reading {len(part)} items of {self._name}"):
                reply = self._client.batch_get_item(RequestItems=request)
                found |= {key_of(item): item for item in reply["Responses"].get(self._name, [])}
                request = reply["UnprocessedKeys"]
                if not request:
                    break
                pause()
        return found

    def put_all(self, items: Sequence[Typed]) -> None:
        """Put up to ITEMS_PER_BATCH items, whatever is there; unprocessed ones are sent again."""
        request: Any = {self._name: [{"PutRequest": {"Item": item}} for item in items]}
        for pause in _Pauses(self._pause, f"writing {len(items)} items to {self._name}"):
            request = self._client.batch_write_item(RequestItems=request)["UnprocessedItems"]
            if not request:
                return
            pause()

    def follow(self, entries: Sequence[Entry], *, expect_nothing: bool) -> Counter[Outcome]:
        """Bring up to KEYS_PER_READ entries to their new seed; what became of each.

        Reads, decides, and writes on the condition that what was read still
        holds. Where it does not, an edit came in between: those are read and
        decided again. ``expect_nothing`` saves the first read where the table
        is taken to have none of the items; the conditions hold all the same.
        """
        outcomes: Counter[Outcome] = Counter()
        pending = {entry.key: entry for entry in entries}
        present = {} if expect_nothing else self.read(list(pending))
        for pause in _Pauses(self._pause, f"writing {len(entries)} items to {self._name}"):
            writes = []
            for key, entry in pending.items():
                decision = decide(entry, present.get(key))
                if isinstance(decision, Write):
                    writes.append(decision)
                else:
                    outcomes[decision] += 1
            lost = self._transact(writes)
            outcomes.update(write.outcome for write in writes if write.key not in lost)
            if not lost:
                break
            pending = {key: pending[key] for key in lost}
            pause()
            present = self.read(list(pending))
        return outcomes

    def _transact(self, writes: Sequence[Write]) -> set[Key]:
        """Make the writes, all of a transaction or none; the keys of those not made.

        A refused transaction is split: the writes that were not the cause are
        made without those that were.
        """
        lost: set[Key] = set()
        for part in _parts(writes):
            lost |= self._transact_part(part)
        return lost

    def _transact_part(self, writes: Sequence[Write]) -> set[Key]:
        try:
            self._client.transact_write_items(
                TransactItems=[self._action(write) for write in writes]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = [
                reason.get("Code", "None") for reason in error.response["CancellationReasons"]
            ]
            causes = {w.key for w, reason in zip(writes, reasons, strict=True) if reason != "None"}
            if not causes or {*reasons} - _WORTH_ANOTHER_TRY:
                raise
            rest = [write for write in writes if write.key not in causes]
            return causes | (self._transact_part(rest) if rest else set())
        return set()

    def _action(self, write: Write) -> dict[str, Any]:
        target = {"TableName": self._name, **_expects(write.before)}
        if write.after is None:
            pk, sk = write.key
            return {"Delete": {**target, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}}
        return {"Put": {**target, "Item": write.after}}


class _Pauses:
    """``for pause in _Pauses(...)``: tries, with a growing, jittered ``pause()`` between them.

    Raises TimeoutError, which says what was being done, when the last try did
    not succeed.
    """

    def __init__(self, pause: Callable[[float], None], doing: str) -> None:
        self._pause, self._doing = pause, doing

    def __iter__(self) -> Any:
        for attempt in range(_TRIES):
            longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
            yield lambda longest=longest: self._pause(uniform(longest / 2, longest))
        raise TimeoutError(f"gave up {self._doing} after {_TRIES} tries: DynamoDB throttles")


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
        size = len(str(write.before or "")) + len(str(write.after or ""))
        if not parts or len(parts[-1]) == WRITES_PER_TRANSACTION or size > room:
            parts.append([])
            room = BYTES_PER_REQUEST
        parts[-1].append(write)
        room -= size
    return parts
