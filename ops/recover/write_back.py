"""The writes of a recovery: each on the condition that the live item still is what was compared.

A write and its mark in the plan are one transaction, so that a run after a kill, or a second run at the same time,
knows what was written: it never writes an item again that a person has changed or deleted since. DynamoDB has no
condition for "no other attribute", so a changed item is updated, which keeps attributes that were added meanwhile; a
deleted one that had any is put back. Only deletions and recoveries from another region are marked after the write: a
run that is killed in between writes again, but only if the item has become what was compared once more.
"""

import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code
from dynamo.parallel import Tries, lanes
from dynamo.table import unchanged, unless_refused
from model.messages import Key, key_of
from model.wire import Typed, canonical, changed, typed_key
from ops.recover.plan import Chunk, Entry, Plan, PlanStore, spelled
from ops.restore.comparison import First, TableReader, UnitBudget

_LANES = 8
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
_EXPRESSION_BYTES, _OPERATORS = 4096, 300
_CANCELED = "TransactionCanceledException"
_REFUSED = "ConditionalCheckFailedException"
# Reasons for which the same transaction may succeed later
# (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
_PASSING = frozenset("TransactionConflict ThrottlingError ProvisionedThroughputExceeded RequestLimitExceeded".split())
_PROGRESS_SECONDS = 5.0
CHANGED_SINCE = "changed since it was compared"
TOO_MANY_ATTRIBUTES = "has more attributes than a condition of DynamoDB can have"


@dataclass
class Written:
    """How many items were written, were already right, and were left, with the first of those and the reasons."""

    written: int = 0
    already: int = 0
    left: int = 0
    first: First[tuple[Key, str]] = field(default_factory=lambda: First(100))
    impossible: set[Key] = field(default_factory=set)

    def add(self, key: Key, outcome: str) -> None:
        """Count one item."""
        self.written += outcome == "written"
        self.already += outcome == "already"
        if outcome not in ("written", "already"):
            self.left += 1
            self.first.add((key, outcome))
        if outcome == TOO_MANY_ATTRIBUTES:
            self.impossible.add(key)


class WriteBack:
    """Carries out a plan on the live table ``name``."""

    def __init__(
        self, dynamodb: Any, name: str, *, live: TableReader, copy: TableReader, store: PlanStore, budget: UnitBudget
    ) -> None:
        self._dynamodb, self._name, self._live, self._copy = dynamodb, name, live, copy
        self._store, self._budget = store, budget

    def run(self, context: Context, plan: Plan) -> Written:
        """Write what the plan lists and no run has written yet."""
        context.say(f"writing to {self._name}")
        total, shown = Written(), time.monotonic()
        with lanes(_LANES, joined=True) as opened:
            for outcomes in opened.map(partial(self._write_chunk, plan), self._store.chunks(plan)):
                for key, outcome in outcomes:
                    total.add(key, outcome)
                if time.monotonic() - shown > _PROGRESS_SECONDS:
                    context.say(f"{total.written:,} of {plan.number:,} items written")
                    shown = time.monotonic()
        return total

    def _write_chunk(self, plan: Plan, chunk: Chunk) -> list[tuple[Key, str]]:
        """Each key with its outcome."""
        rest = chunk.unwritten()
        keys = [typed_key(entry.key) for entry in rest.values()]
        live, copy = ({key_of(item): item for item in reader.get(keys)} for reader in (self._live, self._copy))
        return [
            (entry.key, self._write(plan, chunk.number, number, entry, live.get(entry.key), copy.get(entry.key)))
            for number, entry in rest.items()
        ]

    def _write(
        self, plan: Plan, chunk: int, number: int, entry: Entry, before: Typed | None, after: Typed | None
    ) -> str:
        """Write one item; the outcome. ``before`` is the live item, ``after`` the backup's."""
        tries, mark = Tries(f"writing to {self._name}"), self._store.mark(plan, chunk, number)
        while True:
            if canonical(before) == canonical(after):
                return "already"
            if spelled(before) != entry.digest:
                return CHANGED_SINCE
            action = action_for(self._name, entry.key, before, after)
            if action is None:
                return TOO_MANY_ATTRIBUTES
            try:
                if before and after is None:
                    return self._delete(action, mark, before)
                self._transact(action, mark)
                return "written"
            except ClientError as error:
                reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if code(error) == _REFUSED or reasons[:1] == ["ConditionalCheckFailed"]:
                    before = next(self._live.get([typed_key(entry.key)]), None)
                elif "ConditionalCheckFailed" in reasons:  # the mark: another run has written it
                    return "already"
                elif code(error) == _CANCELED and _PASSING & {*reasons}:
                    tries.wait(1, error)
                else:
                    raise

    def _transact(self, action: dict[str, Any], mark: dict[str, Any]) -> None:
        in_one = self._store.dynamodb is self._dynamodb
        actions = [action, {"Update": mark}] if in_one else [action]
        # With the same token, a transaction whose answer was lost is not made again.
        token = str(uuid.uuid4())
        self._budget.spend(self._dynamodb.transact_write_items, TransactItems=actions, ClientRequestToken=token)
        if not in_one:
            self._mark(mark)

    def _delete(self, action: dict[str, Any], mark: dict[str, Any], before: Typed) -> str:
        """Delete the item, unless it has got another attribute; the outcome."""
        answer = self._budget.spend(self._dynamodb.delete_item, **action["Delete"], ReturnValues="ALL_OLD")
        deleted = answer.get("Attributes", before)
        if canonical(deleted) == canonical(before):
            self._mark(mark)
            return "written"
        again = {"TableName": self._name, "Item": deleted} | unchanged(None)
        unless_refused(self._budget.spend, call=self._dynamodb.put_item, **again)
        return CHANGED_SINCE

    def _mark(self, mark: dict[str, Any]) -> None:
        unless_refused(self._budget.spend, call=self._store.dynamodb.update_item, **mark)


def action_for(table: str, key: Key, before: Typed | None, after: Typed | None) -> dict[str, Any] | None:
    """The action of a transaction that takes one item from ``before`` to ``after``; None if DynamoDB has none for it.

    It keeps attributes that neither of them has.
    """
    request = {"TableName": table} | unchanged(before, after or ())
    if before is None:
        return {"Put": request | {"Item": after}}
    places = {name: place for place, name in request["ExpressionAttributeNames"].items()}
    request["Key"], update = typed_key(key), ""
    if after is not None:
        to_set = [name for name in changed(before, after) if name in after]
        request["ExpressionAttributeValues"] |= {f":to{i}": after[name] for i, name in enumerate(to_set)}
        clauses = {
            "SET": [f"{places[name]}=:to{i}" for i, name in enumerate(to_set)],
            "REMOVE": [places[name] for name in before if name not in after],
        }
        update = " ".join(f"{verb} {','.join(parts)}" for verb, parts in clauses.items() if parts)
        request["UpdateExpression"] = update
    if max(len(request["ConditionExpression"]), len(update)) > _EXPRESSION_BYTES or 2 * len(places) > _OPERATORS:
        return None
    return {"Delete" if after is None else "Update": request}
