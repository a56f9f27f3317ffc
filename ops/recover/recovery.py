"""One recovery: the live table and the copy beside it are compared, planned, written and compared again."""

import argparse
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import output
from cli.command_line import Context
from cli.errors import OpsError
from dynamo.memberships import last_message
from dynamo.parallel import lanes, patiently
from dynamo.table import other_keys
from model import messages as model
from ops.inventory.costs import Rates
from ops.recover import plan as plans
from ops.recover.plan import Differences, Plan, PlanStore, Scope, as_line
from ops.recover.temporary import Temporary
from ops.recover.write_back import WriteBack, Written
from ops.restore.comparison import TableReader, UnitBudget, differences

_READ_UNITS = 3000.0  # per second, on demand
_WRITE_UNITS = 1000.0  # per second, on demand: what one partition takes
_LIST_SECONDS, _LIST_PAUSE_SECONDS, _LISTS_AT_ONCE = 600, 0.5, 8
_MOST_REMEMBERED = 100_000  # conversations whose lists need no second look
_READS = ("query", "get_item")
_MOST_CHECKED = 100_000  # of the differences that are left


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a recovery did, and what it found at its end."""

    written: Written
    differences: int  # in what was to be brought back
    unrecovered: list[model.Key]  # still as before
    first: list[model.Key]
    late: list[str]  # conversations that lists do not show rightly


class Recovery:
    """The live table and the copy beside it: compared, planned, written, compared again."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        context: Context,
        live: dict[str, Any],
        temp: Temporary,
        everything: IO[str],
    ) -> None:
        self.everything = everything  # a file for every difference
        self.context, self.temp, self.arguments = context, temp, arguments
        self.table, self._has_stream = live["TableName"], bool(live.get("StreamSpecification", {}).get("StreamEnabled"))
        check_keys(temp.context.clients("dynamodb").describe_table(TableName=temp.name)["Table"], ", as in the backup")
        reads, self.rate = rates(live, arguments.rate)
        ask = partial(patiently, "asking DynamoDB")
        self._reads, self._writes = UnitBudget(reads, ask), UnitBudget(self.rate, ask)
        self.store = PlanStore(temp.context.clients("dynamodb"), temp.name, self._writes)
        plan = Plan(
            scope=plans.scope_of(arguments, datetime.now(UTC)), asked=_asked(arguments), table_id=live["TableId"]
        )
        self.found = Differences(plan, most=arguments.show, everything=everything)

    def find_plan(self) -> bool:
        """Take over the plan that an earlier run recorded, and say so; compare if there is none."""
        earlier, plan = self.store.recorded(), self.found.plan
        if earlier is None:
            keep = (lambda *_: None) if self.arguments.dry_run else partial(self.store.add, plan)
            self.context.say(f"comparing {self.table} with {self.temp.name}")
            plans.make(self.context, *self._readers(plan.scope), self.found, keep)
            return False
        drop = f"drop it: {self.temp.delete}"
        if earlier.table_id != plan.table_id:
            raise OpsError(f"the plan in table {self.temp.name} is for an earlier table {self.table}; {drop}")
        if earlier.asked != plan.asked:
            asked = f"with {earlier.asked}" if earlier.asked else "without options that limit it"
            raise OpsError(f"table {self.temp.name} has the plan of a recovery {asked}; finish that one, or {drop}")
        self.found = Differences(earlier, most=0)
        for chunk in self.store.chunks(earlier) if self.arguments.json else ():
            self.everything.writelines(as_line(entry.key) for entry in chunk.entries.values())
        planned = f"an earlier run planned to write {output.count(earlier.number, 'item')}"
        self.context.say(planned if self.arguments.dry_run else f"{planned}: writing the rest")
        return True

    def is_shared(self) -> bool:
        """Whether another run has recorded its plan in the temporary table, as far as that can be read."""
        with contextlib.suppress(ClientError, BotoCoreError, TimeoutError):
            recorded = self.store.recorded()
            return recorded is not None and recorded.id != self.found.plan.id
        return False

    def keep_if_shared(self, keep: Callable[[], None]) -> None:
        """Call ``keep`` if the temporary table has another run's plan: made again, it would undo edits made since."""
        if self.is_shared():
            keep()

    def lines(self) -> list[str]:
        """The plan for people."""
        return plans.lines(self.found, rate=self.rate, dollars=self.dollars)

    @property
    def dollars(self) -> float:
        """The price of the plan's write units, on demand."""
        return Rates(self.context.region).prices["write_request"].of(self.found.plan.units)

    def carry_out(self) -> Outcome:
        """Write what is left to write, wait for the lists, and compare again."""
        plan, dynamodb = self.found.plan, self.context.clients("dynamodb")
        if not plan.number:
            return Outcome(written=Written(), differences=0, unrecovered=[], first=[], late=[])
        live, copy = self._readers(plan.scope)
        writing = WriteBack(dynamodb, self.table, live=live, copy=copy, store=self.store, budget=self._writes)
        written = writing.run(self.context, plan)
        keys = ([entry.key for entry in chunk.entries.values()] for chunk in self.store.chunks(plan))
        late = follow_lists(self.context, self._plain_table(), keys, seconds=_LIST_SECONDS if self._has_stream else 0)
        self.context.say("comparing again")
        again, left = Differences(Plan(scope=plan.scope, asked="", table_id=""), most=0), dict[model.Key, str]()
        for before, after in differences(self.context, *self._readers(plan.scope)):
            entry = again.note(before, after)
            if entry and len(left) < _MOST_CHECKED:
                left[entry.key] = entry.digest
        unwritten = (one for chunk in self.store.chunks(plan) for one in chunk.unwritten().values()) if left else ()
        as_before = [entry.key for entry in unwritten if left.get(entry.key) == entry.digest]
        return Outcome(
            written=written,
            differences=again.plan.number,
            unrecovered=[key for key in as_before if key not in written.impossible],
            first=sorted(left)[: self.arguments.show],
            late=late,
        )

    def _plain_table(self) -> Any:
        """The live table with Python's values, for threads; within the budget for reads."""
        client = self.context.clients.resource("dynamodb", connections=_LISTS_AT_ONCE).meta.client
        reads = {name: partial(self._reads.spend, getattr(client, name), TableName=self.table) for name in _READS}
        return SimpleNamespace(**reads)

    def _readers(self, scope: Scope) -> tuple[TableReader, TableReader]:
        """Readers of the live table and of the copy."""
        partition = model.conversation_key(scope.conversation) if scope.conversation else ""
        there, here = self.temp.context.clients("dynamodb"), self.context.clients("dynamodb")
        return (
            TableReader(here, self.table, self._reads, includes=scope.includes_live, partition=partition),
            TableReader(there, self.temp.name, self._reads, includes=scope.includes, partition=partition),
        )


def _asked(arguments: argparse.Namespace) -> str:
    """The options that limit a recovery, as the user wrote them."""
    flags = [f"--{name.replace('_', '-')}" for name in ("exact", "only_missing") if getattr(arguments, name)]
    values = [f"--{name} {value}" for name in ("conversation", "since", "until") if (value := getattr(arguments, name))]
    return " ".join([*flags, *values])


def check_keys(shown: dict[str, Any], why: str) -> None:
    """Raise OpsError for a table that has other keys than those of the data model."""
    if key := other_keys(shown):
        raise OpsError(f"table {shown['TableName']} has the key {key}; recover needs pk (S) and sk (S){why}")


def rates(live: dict[str, Any], wanted: float | None) -> tuple[float, float]:
    """Read and write units per second: ``wanted`` for writes; half of the provisioned ones leave the rest to others."""
    throughput = live.get("ProvisionedThroughput", {})
    reads, writes = (throughput.get(f"{kind}CapacityUnits", 0) / 2 for kind in ("Read", "Write"))
    return max(reads, 1.0) if reads else _READ_UNITS, wanted or (max(writes, 1.0) if writes else _WRITE_UNITS)


def follow_lists(context: Context, table: Any, chunks: Iterable[Iterable[model.Key]], *, seconds: float) -> list[str]:
    """Wait until the lists show the last messages of all conversations of ``chunks``; the conversations missed.

    The stream's function brings them up to date. ``table`` is like a boto3 Table.
    """
    context.say("waiting for the conversation lists")
    end, late, seen = context.clock.monotonic() + seconds, list[str](), set[str]()
    with lanes(_LISTS_AT_ONCE) as opened:
        for keys in chunks:
            found = {key[0].removeprefix(model.CONVERSATION_PREFIX) for key in keys if model.is_message(*key)}
            left = sorted(found - seen)
            while left := [one for one, is_right in opened.map(partial(_is_listed, table), left) if not is_right]:
                if context.clock.monotonic() >= end:
                    late += left
                    break
                context.clock.sleep(_LIST_PAUSE_SECONDS)
            if len(seen) > _MOST_REMEMBERED:
                seen.clear()
            seen |= found
    return late


def _is_listed(table: Any, conversation: str) -> tuple[str, bool]:
    """Whether both users' lists show the last message of a conversation, as far as any list can."""
    try:
        users, last = model.participants(conversation), last_message(table, conversation)
        right = {row[model.PARTITION_KEY]: row for row in (model.memberships(last) if last else ())}
    except ValueError:
        return conversation, True
    for user in users:
        key = model.membership_key(user, conversation)
        row, wanted = table.get_item(Key=key, ConsistentRead=True).get("Item"), right.get(key[model.PARTITION_KEY])
        if bool(row) != bool(wanted) or (row and wanted and not wanted.items() <= row.items()):
            return conversation, False
    return conversation, True
