"""The writes of a recovery: for any backup, any edits since, and any edits and failures meanwhile."""

import itertools
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.command_line import Context
from dynamo.parallel import patiently
from model.messages import key_of
from ops.recover import plan as plans
from ops.recover.plan import Differences, Plan, PlanStore, Scope
from ops.recover.write_back import WriteBack, action_for
from ops.restore.comparison import TableReader, UnitBudget
from tests.support.in_process import Dynamodb, create_table

CONTEXT = Context(clients=lambda _: None, stack="s", account="1", region="r", say=lambda _: None)
KEYS = [("CONVERSATION#a#b", f"MESSAGE#2026-01-01T09:0{n}:00.000Z#m") for n in range(3)]
KEYS += [("NOTE#1", "x"), ("NOTE#2", "x")]
LIST_ENTRY = ("USER#a", "CONVERSATION#a#b")


def item(key, attributes):
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}, **{name: {"S": text} for name, text in attributes.items()}}


class Killed(BaseException):
    """The process ends here."""


@dataclass
class World:
    """A live table and a copy, between whose calls other things happen: ``events`` by the numbers of calls."""

    backup: dict[Any, Any]
    live: dict[Any, Any]
    events: dict[int, list[Any]]
    calls: int = 0
    # For each key that a person edited: the attributes afterwards, and whether it had been recovered before.
    edits: dict[Any, tuple[Any, bool]] = field(default_factory=dict)

    def __post_init__(self):
        tables = ({k: v for k, v in side.items() if v is not None} for side in (self.live, self.backup))
        self.name, self.copy = (create_table([item(*one) for one in side.items()]) for side in tables)
        self.plain = Dynamodb()
        self.meddled = Dynamodb(self._meddle)

    def content(self, name):
        found = self.plain.scan(TableName=name)["Items"]
        return {key_of(one): {k: v["S"] for k, v in one.items() if k not in ("pk", "sk")} for one in found}

    def _meddle(self, operation, call):
        if operation == "describe_table":  # the SDK's own retries do for it
            return call()
        number, self.calls = self.calls, self.calls + 1
        happens = self.events.pop(number, [])
        for kind, argument in happens:
            if kind == "edit":
                self._edit(*argument)
        kinds = [kind for kind, _ in happens]
        if "another run" in kinds:
            self.write(self.plain)
        if "conflict" in kinds and operation == "transact_write_items":
            error = {"Error": {"Code": "TransactionCanceledException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(error | {"CancellationReasons": [{"Code": "TransactionConflict"}]}, operation)
        if "killed before" in kinds:
            raise Killed
        answer = call()
        if "killed after" in kinds:
            raise Killed
        if "lost" in kinds:
            raise ClientError(
                {"Error": {"Code": "InternalServerError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, operation
            )
        return answer

    def _edit(self, key, how):
        now = self.content(self.name).get(key)
        was_recovered = now == self.backup.get(key) and now != self.live.get(key)
        after = how if how is None or "Body" in how else {**(now or {}), **how}
        _, earlier = self.edits.get(key, (None, False))
        if after is None:
            self.plain.delete_item(TableName=self.name, Key=item(key, {}))
        else:
            self.plain.put_item(TableName=self.name, Item=item(key, after))
        self.edits[key] = after, earlier or was_recovered

    def budget(self):
        return UnitBudget(1e9, partial(patiently, "asking"))

    def readers(self, client, scope):
        return [TableReader(client, name, self.budget(), includes=scope.includes) for name in (self.name, self.copy)]

    def plan(self, scope):
        store = PlanStore(self.plain, self.copy, self.budget())
        found = Differences(Plan(scope=scope, asked="", table_id=""), most=9)
        plans.make(CONTEXT, *self.readers(self.plain, scope), found, lambda *chunk: store.add(found.plan, *chunk))
        store.record(found.plan)
        return found

    def write(self, client=None):
        client = client or self.meddled
        store = PlanStore(client, self.copy, self.budget())
        plan = store.recorded()
        live, copy = self.readers(client, plan.scope)
        writing = WriteBack(client, self.name, live=live, copy=copy, store=store, budget=self.budget())
        return writing.run(CONTEXT, plan)


def wanted(scope, before, after):
    """What the rules say for an item that nobody edits meanwhile."""
    if before == after:
        return before
    kind = "missing" if before is None else "newer" if after is None else "changed"
    return after if scope.restores(kind) else before


def recover(backup, live, events, scope):
    """Plan and write, again after each kill; then check every item by the rules."""
    world = World(backup | {LIST_ENTRY: None}, live | {LIST_ENTRY: {"Body": "stays"}}, events)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("time.sleep", lambda _: None)
        patched.setattr("ops.recover.write_back._LANES", 1)  # threads take most of the time
        patched.setattr("ops.restore.comparison.SEGMENTS", 1)
        world.plan(scope)
        while True:
            try:
                world.write()
                break
            except Killed:
                continue
    result = world.content(world.name)
    assert result.pop(LIST_ENTRY) == {"Body": "stays"}
    for key in backup:
        right, found = wanted(scope, live[key], backup[key]), result.get(key)
        edited, was_recovered = world.edits.get(key, (None, False))
        added = {name: text for name, text in (edited or {}).items() if name != "Body" and "by hand" in text}
        if key not in world.edits:
            assert found == right, key
        elif added:
            # It was added to the item as it was, or is: what else there is may be recovered.
            assert found in (edited, {**(right or {}), **added}), key
        elif edited == live[key] and (not was_recovered or right is None):
            # As it was when it was compared. A kill between a deletion and its mark leaves no trace either.
            assert found in (edited, right), key
        else:
            assert found == edited, key


def edit(key, name, number):
    """An event: a person writes an attribute that nobody else writes, or for None deletes the item."""
    return "edit", (key, name and {name: f"by hand {number}"})


attributes = st.none() | st.fixed_dictionaries({"Body": st.sampled_from("xy")}, optional={"More": st.just("z")})
states = st.fixed_dictionaries(dict.fromkeys(KEYS, attributes))
edits = st.tuples(st.sampled_from(KEYS), st.sampled_from([None, "Body", "More", "Note"]))
failures = st.sampled_from(["lost", "conflict", "another run", "killed before", "killed after"])
happenings = st.dictionaries(st.integers(0, 40), st.lists(edits | failures, min_size=1, max_size=3), max_size=8)
scopes = st.sampled_from([Scope(), Scope(exact=True), Scope(only_missing=True)])


@settings(max_examples=100)
@given(states, states, happenings, scopes)
def test_the_result_is_what_the_rules_say_and_no_edit_made_meanwhile_is_lost(backup, live, happenings, scope):
    events = {
        at: [(one, None) if isinstance(one, str) else edit(*one, f"{at}.{n}") for n, one in enumerate(happens)]
        for at, happens in happenings.items()
    }
    recover(backup, live, events, scope)


KEY, CALLS = KEYS[0], range(5)
CHANGES = {
    "missing": (None, {"Body": "good", "More": "z"}),
    "changed": ({"Body": "bad"}, {"Body": "good", "More": "z"}),
    "newer": ({"Body": "new"}, None),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_an_edit_at_any_moment_of_one_write_stands_also_after_a_kill(kind):
    live, backup = CHANGES[kind]
    edits = [edit(KEY, name, 1) for name in (None, "Body", "More", "Note")]
    edits.append(("edit", (KEY, live)))  # back to what was compared
    for at, one in itertools.product(CALLS, edits):
        recover({KEY: backup}, {KEY: live}, {at: [one]}, Scope(exact=True))
        for failure, later in itertools.product(("another run", "conflict", "lost", "killed after"), CALLS):
            events = {at: [(failure, None)], at + 1 + later: [one]}
            recover({KEY: backup}, {KEY: live}, events, Scope(exact=True))


def test_an_item_with_more_attributes_than_a_condition_can_have_is_left():
    many = {f"A{n}": "x" for n in range(200)}
    for before, after in ((many, {"Body": "good"}), (many, None), ({"Body": "bad"}, many)):
        typed = [one and item(KEY, one) for one in (before, after)]
        assert action_for("T", KEY, *typed) is None
    world = World({KEY: {"Body": "good"}}, {KEY: many}, {})
    found = world.plan(Scope())
    written = world.write()
    assert (found.plan.number, written.left, written.impossible) == (1, 1, {KEY})
    assert world.content(world.name)[KEY] == many


def test_a_write_keeps_what_neither_side_knows_and_names_may_be_reserved_words():
    before = {"Name": "a", "Status": "b", "a.b": "c", "Gone": "d"}
    after = {"Name": "A", "Status": "b", "a.b": "C", "New": "e"}
    world = World({KEY: after, KEYS[1]: {}}, {KEY: before, KEYS[1]: {"Body": "x"}}, {})
    world.plan(Scope())
    assert world.write().written == 2
    assert world.content(world.name) == {KEY: after, KEYS[1]: {}}


def test_a_scope_includes_messages_by_time_and_never_entries_of_lists():
    def included(scope):
        keys = [*KEYS, ("CONVERSATION#a#c", KEYS[0][1]), LIST_ENTRY, ("#recovery#plan", "plan")]
        return [keys.index(key) for key in keys if scope.includes(item(key, {}))]

    assert included(Scope()) == [0, 1, 2, 3, 4, 5]
    assert included(Scope(conversation="a#b")) == [0, 1, 2]
    assert included(Scope(since="2026-01-01T09:01:00.000Z")) == [1, 2]
    assert included(Scope(since="2026-01-01T09:01:00.000Z", until="2026-01-01T09:02:00.000Z")) == [1]
    assert included(Scope(conversation="a#c", until="2027")) == [5]
