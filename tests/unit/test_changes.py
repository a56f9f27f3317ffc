"""What a change of the seed does to the table: the table of cases, and its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo.changes import Outcome, SeedEntry, decide, entries


def item(key: str, body: str = "seeded") -> dict:
    return {"pk": {"S": "p"}, "sk": {"S": key}, "Body": {"S": body}, "N": {"N": "5"}}


KEY = ("p", "a")
A, B, EDITED = item("a"), item("a", "new"), item("a", "edited by a person")
A_RESPELLED = A | {"N": {"N": "5.0"}}


@pytest.mark.parametrize(
    ("old", "new", "present", "decision"),
    [
        pytest.param(None, A, None, SeedEntry(KEY, None, A), id="new: written"),
        pytest.param(None, A, A, Outcome.UNCHANGED, id="new, there already"),
        pytest.param(None, A, EDITED, Outcome.EDITED, id="new, key taken: never overwritten"),
        pytest.param(A, A, A, Outcome.UNCHANGED, id="same"),
        pytest.param(A, A, A_RESPELLED, Outcome.UNCHANGED, id="same, number spelled otherwise"),
        pytest.param(A, A, EDITED, Outcome.EDITED, id="same, edited: edit stands"),
        pytest.param(A, A, None, Outcome.DELETED, id="same, deleted: stays deleted"),
        pytest.param(A, B, A, SeedEntry(KEY, A, B), id="changed: rewritten"),
        pytest.param(A, B, B, Outcome.UNCHANGED, id="changed, written by an earlier try"),
        pytest.param(A, B, EDITED, Outcome.EDITED, id="changed, edited: edit stands"),
        pytest.param(A, B, A | {"Note": {"S": "mine"}}, Outcome.EDITED, id="changed, attribute added: edit stands"),
        pytest.param(A, B, None, SeedEntry(KEY, None, B), id="changed, deleted: comes back"),
        pytest.param(A, None, A, SeedEntry(KEY, A, None), id="left the seed: removed"),
        pytest.param(A, None, None, Outcome.GONE, id="left the seed, gone already"),
        pytest.param(A, None, EDITED, Outcome.KEPT, id="left the seed, edited: edit stands"),
    ],
)
def test_case(old, new, present, decision):
    assert decide(SeedEntry(KEY, old, new), present) == decision


SEEDS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["one", "two"])).map(
    lambda bodies: {("p", key): item(key, body) for key, body in sorted(bodies.items())}
)


def follow(table, old, new):
    """The table after a change from one seed to another."""
    table = dict(table)
    for entry in entries(old.values(), new.values()):
        decision = decide(entry, table.get(entry.key))
        if isinstance(decision, SeedEntry):
            assert table.get(entry.key) == decision.old, "a write expects what is there"
            table.pop(entry.key, None)
            if decision.new is not None:
                table[entry.key] = decision.new
    return table


@given(SEEDS, SEEDS)
def test_both_seeds_are_walked_key_by_key(old, new):
    walked = list(entries(old.values(), new.values()))
    assert [entry.key for entry in walked] == sorted(old.keys() | new.keys())
    assert {e.key: e.old for e in walked if e.old} == old
    assert {e.key: e.new for e in walked if e.new} == new


@given(SEEDS, SEEDS, SEEDS)
def test_a_second_run_changes_nothing(old, new, present):
    once = follow(present, old, new)
    assert follow(once, old, new) == once


@given(SEEDS, SEEDS)
def test_an_untouched_table_follows_its_seed_and_back_again(old, new):
    there = follow(old, old, new)
    assert there == new
    assert follow(there, new, old) == old


@given(SEEDS, SEEDS, st.sets(st.sampled_from("abcdef")))
def test_what_a_person_wrote_is_never_lost(old, new, edited):
    edits = {("p", key): item(key, "edited") for key in edited}
    table = {**old, **edits}
    assert edits.items() <= follow(table, old, new).items()


@given(SEEDS, SEEDS, st.sets(st.sampled_from("abcd")))
def test_a_deleted_item_comes_back_only_when_its_seed_changed(old, new, deleted):
    gone = {("p", key) for key in deleted if ("p", key) in old}
    table = {key: value for key, value in old.items() if key not in gone}
    back = gone & follow(table, old, new).keys()
    assert back == {key for key in gone if key in new and new[key] != old[key]}
