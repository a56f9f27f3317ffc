"""The plan of a recovery: which items differ from the backup, and which of them get their former content.

A plan is kept in the temporary table, as items under partition keys of its own: the keys of the items to write, each
with a digest of the live item as it was compared, and then one item that makes the plan valid. It is written from
those, so a run that is killed leaves all that the next one needs.
"""

import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice, starmap
from typing import IO, Any

from cli import output
from cli.command_line import Context
from cli.errors import OpsError, UsageError
from cli.polling import duration
from dynamo.table import unless_refused
from dynamo.values import item_bytes
from model import messages as model
from model.wire import Typed
from ops.restore import origin
from ops.restore.comparison import First, TableReader, UnitBudget, differences, digest

MISSING, CHANGED, NEWER = "missing", "changed", "newer"
_RESERVED = "#recovery#"  # begins the partition keys under which the temporary table keeps a plan
_HEADER = {model.PARTITION_KEY: {"S": f"{_RESERVED}plan"}, model.SORT_KEY: {"S": "plan"}}
# As many as one BatchGetItem reads.
_ENTRIES = 100


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a recovery brings back."""

    exact: bool = False  # also removes what the backup does not have
    only_missing: bool = False
    conversation: str = ""  # only this one
    since: str = ""  # only messages sent at that time or later
    until: str = ""  # only messages sent before that time

    def includes(self, item: Typed) -> bool:
        """Whether the item, or its key, is compared at all. Entries of lists are not: they follow from the messages."""
        pk, sk = (item.get(name, {}).get("S", "") for name in (model.PARTITION_KEY, model.SORT_KEY))
        if model.is_membership(pk, sk) or pk.startswith(_RESERVED):
            return False
        if self.conversation and pk != model.conversation_key(self.conversation):
            return False
        if not self.since and not self.until:
            return True
        sent_at = model.Position.of(sk).sent_at
        return model.is_message(pk, sk) and self.since <= sent_at and (not self.until or sent_at < self.until)

    def includes_live(self, item: Typed) -> bool:
        """As ``includes``, for the live table. Raises OpsError for a key like those under which a plan is kept."""
        if item.get(model.PARTITION_KEY, {}).get("S", "").startswith(_RESERVED):
            raise OpsError(
                f"an item's pk begins with '{_RESERVED}', which recover keeps for its plan; move that item first"
            )
        return self.includes(item)

    def restores(self, kind: str) -> bool:
        """Whether an item that differs in this way is written."""
        return kind == MISSING or (self.exact if kind == NEWER else not self.only_missing)


def scope_of(arguments: Any, now: datetime) -> Scope:
    """The scope that the command line asks for; spans of time count back from ``now``. Raises UsageError."""
    times = {}
    for name in ("since", "until"):
        if (text := getattr(arguments, name)) is not None:
            times[name] = model.format_time(origin.parse_time(text, now, option=f"--{name}"))
    if len(times) == 2 and times["since"] >= times["until"]:
        raise UsageError(f"--since {times['since']} is not before --until {times['until']}")
    conversation = arguments.conversation or ""
    return Scope(exact=arguments.exact, only_missing=arguments.only_missing, conversation=conversation, **times)


def conversation_of(text: str) -> str:
    """The id of the conversation that ``text`` names. Raises ValueError."""
    return model.conversation_id(*model.participants(text))


@dataclass(frozen=True)
class Entry:
    """One key to write, and the digest of the live item that was compared; empty where there was none."""

    key: model.Key
    digest: str


@dataclass(frozen=True)
class Chunk:
    """Some entries of a plan by their numbers, and the numbers of those that a run has written."""

    number: int
    entries: dict[int, Entry]
    written: frozenset[int]

    def unwritten(self) -> dict[int, Entry]:
        """The entries that no run has written yet."""
        return {number: entry for number, entry in self.entries.items() if number not in self.written}


@dataclass(kw_only=True)
class Plan:
    """How two tables differ; ``number``, ``bytes`` and ``units`` are of what is to be written."""

    scope: Scope
    asked: str  # the options that it was made for
    table_id: str  # of the live table: the next deployment's table has another one
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    counts: dict[str, int] = field(default_factory=lambda: {MISSING: 0, CHANGED: 0, NEWER: 0})
    compared: int = 0
    number: int = 0
    bytes: int = 0
    units: int = 0

    @property
    def partition(self) -> str:
        """The partition key of the plan's chunks."""
        return f"{_RESERVED}{self.id}"


class Differences:
    """Counts what differs, keeps the first of each kind, and writes down all of it, if ``everything`` is a file."""

    def __init__(self, plan: Plan, *, most: int, everything: IO[str] | None = None) -> None:
        self.plan = plan
        self._first = {kind: First[model.Key](most) for kind in plan.counts}
        self._everything = everything

    def note(self, before: Typed | None, after: Typed | None) -> Entry | None:
        """Count one difference, from the live item to the backup's; the entry, if it is to be written."""
        kind = MISSING if before is None else NEWER if after is None else CHANGED
        key = model.key_of(before or after or {})
        self.plan.counts[kind] += 1
        self._first[kind].add(key)
        if self._everything:
            self._everything.write(as_line(key, kind=kind))
        if not self.plan.scope.restores(kind):
            return None
        self.plan.number += 1
        self.plan.bytes += item_bytes(after or before or {})
        self.plan.units += units(before, after)
        return Entry(key, spelled(before))

    def examples(self) -> Iterator[tuple[str, model.Key]]:
        """The first differences of each kind, by conversation and time."""
        for kind, first in self._first.items():
            yield from ((kind, key) for key in first.smallest())


def as_line(key: model.Key, **more: str) -> str:
    """One difference, as a line of JSON."""
    return json.dumps(more | {"pk": key[0], "sk": key[1]}) + "\n"


def units(before: Typed | None, after: Typed | None) -> int:
    """The write units for one item and its mark, which are a transaction, except for a deletion.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    size = max(item_bytes(before or {}), item_bytes(after or {}))
    return (math.ceil(size / 1024) + 1) * (1 if after is None else 2)


def spelled(item: Typed | None) -> str:
    """The digest of an item as a plan has it."""
    return "" if item is None else f"{digest(item):032x}"


class PlanStore:
    """Keeps the plan in the temporary table ``name``."""

    def __init__(self, dynamodb: Any, name: str, budget: UnitBudget) -> None:
        self.dynamodb, self.name, self._budget = dynamodb, name, budget

    def recorded(self) -> Plan | None:
        """The valid plan; None before one is recorded."""
        answer = self._budget.spend(self.dynamodb.get_item, TableName=self.name, Key=_HEADER, ConsistentRead=True)
        if not (item := answer.get("Item")):
            return None
        fields = json.loads(item["Plan"]["S"])
        return Plan(**fields | {"scope": Scope(**fields["scope"])})

    def record(self, plan: Plan) -> None:
        """Make the plan valid. Raises OpsError if another run was first."""
        item = _HEADER | {"Plan": {"S": json.dumps(asdict(plan))}}
        condition = f"attribute_not_exists({model.PARTITION_KEY})"
        put = {"call": self.dynamodb.put_item, "TableName": self.name, "Item": item, "ConditionExpression": condition}
        # A lost answer is repeated too.
        if not unless_refused(self._budget.spend, **put) and self.recorded() != plan:
            raise OpsError(
                f"another run has recorded its plan in table {self.name}; run this again to continue with it"
            )

    def add(self, plan: Plan, number: int, entries: list[Entry]) -> None:
        """Keep a chunk of the plan."""
        rows = [{"L": [{"S": text} for text in (*entry.key, entry.digest)]} for entry in entries]
        item = _key(plan, number, "entries") | {"Entries": {"L": rows}}
        self._budget.spend(self.dynamodb.put_item, TableName=self.name, Item=item)

    def chunks(self, plan: Plan) -> Iterator[Chunk]:
        """The chunks of the plan, a page in memory at a time."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "#pk = :plan",
            "ExpressionAttributeNames": {"#pk": model.PARTITION_KEY},
            "ExpressionAttributeValues": {":plan": {"S": plan.partition}},
            "ConsistentRead": True,
        }
        written: dict[str, frozenset[int]] = {}
        while True:
            answer = self._budget.spend(self.dynamodb.query, **request)
            for item in answer["Items"]:
                # Of each chunk "done" sorts before "entries".
                number, _, what = item[model.SORT_KEY]["S"].partition("#")
                if what == "done":
                    written = {number: frozenset(map(int, item["Done"]["NS"]))}
                    continue
                rows = (tuple(cell["S"] for cell in row["L"]) for row in item["Entries"]["L"])
                entries = {i: Entry((pk, sk), text) for i, (pk, sk, text) in enumerate(rows)}
                yield Chunk(int(number), entries, written.get(number, frozenset()))
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def mark(self, plan: Plan, chunk: int, entry: int) -> dict[str, Any]:
        """The update by which an entry counts as written; its condition fails if another run has written it."""
        return {
            "TableName": self.name,
            "Key": _key(plan, chunk, "done"),
            "UpdateExpression": "ADD Done :entry",
            "ConditionExpression": "NOT contains(Done, :number)",
            "ExpressionAttributeValues": {":entry": {"NS": [str(entry)]}, ":number": {"N": str(entry)}},
        }


def _key(plan: Plan, number: int, what: str) -> Typed:
    return {model.PARTITION_KEY: {"S": plan.partition}, model.SORT_KEY: {"S": f"{number:09}#{what}"}}


def make(
    context: Context, live: TableReader, copy: TableReader, found: Differences, keep: Callable[[int, list[Entry]], None]
) -> None:
    """Compare, and hand over what is to be written in chunks; ``found`` counts."""
    entries = filter(None, starmap(found.note, differences(context, live, copy)))
    for number, chunk in enumerate(iter(lambda: list(islice(entries, _ENTRIES)), [])):
        keep(number, chunk)
    found.plan.compared = max(live.counted, copy.counted)


def lines(found: Differences, *, rate: float, dollars: float) -> list[str]:
    """The plan for people."""
    plan = found.plan
    rows = [(kind, *key) for kind, key in found.examples()]
    counts: Mapping[str, int] = plan.counts
    shown = output.columns([(f"  {kind}", output.safe(pk), output.safe(sk)) for kind, pk, sk in rows]) if rows else []
    total = ", ".join(f"{number:,} {kind}" for kind, number in counts.items())
    left = sum(number for kind, number in counts.items() if not plan.scope.restores(kind))
    more = sum(counts.values()) - len(rows)
    return [
        f"compared {output.count(plan.compared, 'item')}: {total}",
        *shown,
        *([f"  and {more:,} more"] if more else []),
        f"to write: {output.count(plan.number, 'item')}, {output.size(plan.bytes)}, about {plan.units:,} write units "
        f"({output.money(dollars)} on demand), {duration(plan.units / rate)} at {rate:g} a second; left: {left:,}",
    ]
