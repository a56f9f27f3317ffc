"""What a change of the seed does to the table: the table of cases, and its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seed.changes import Write, plan


def item(key: str, body: str = "seeded") -> dict[str, str]:
    return {"pk": "p", "sk": key, "Body": body}


A, B, EDITED = item("a"), item("a", "new"), item("a", "edited by a person")
KEY = ("p", "a")


@pytest.mark.parametrize(
    ("old", "new", "present", "writes", "unchanged", "preserved"),
    [
        pytest.param(None, A, None, [Write(None, A)], 0, 0, id="new: written"),
        pytest.param(None, A, A, [], 1, 0, id="new, there already: nothing to do"),
        pytest.param(None, A, EDITED, [], 0, 1, id="new, key taken: never overwritten"),
        pytest.param(A, A, A, [], 1, 0, id="same"),
        pytest.param(A, A, EDITED, [], 0, 1, id="same, edited: edit stands"),
        pytest.param(A, A, None, [], 0, 1, id="same, deleted: stays deleted"),
        pytest.param(A, B, A, [Write(A, B)], 0, 0, id="changed: rewritten"),
        pytest.param(A, B, B, [], 1, 0, id="changed, written by an earlier try"),
        pytest.param(A, B, EDITED, [], 0, 1, id="changed, edited: edit stands"),
        pytest.param(A, B, None, [Write(None, B)], 0, 0, id="changed, deleted: comes back"),
        pytest.param(A, None, A, [Write(A, None)], 0, 0, id="left the seed: removed"),
        pytest.param(A, None, None, [], 0, 0, id="left the seed, gone already"),
        pytest.param(A, None, EDITED, [], 0, 1, id="left the seed, edited: edit stands"),
    ],
)
def test_case(old, new, present, writes, unchanged, preserved):
    found = plan([old] if old else [], [new] if new else [], {KEY: present} if present else {})
    assert found.writes == writes
    assert (len(found.unchanged), len(found.preserved)) == (unchanged, preserved)


SEEDS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["one", "two"])).map(
    lambda bodies: {("p", key): item(key, body) for key, body in bodies.items()}
)


def apply(table, changes):
    table = dict(table)
    for write in changes.writes:
        some = write.after or write.before
        assert table.get(("p", some["sk"])) == write.before, "each write expects what is there"
        if write.after is None:
            del table["p", some["sk"]]
        else:
            table["p", some["sk"]] = write.after
    return table


@given(SEEDS, SEEDS, SEEDS)
def test_a_second_run_changes_nothing(old, new, present):
    once = apply(present, plan(old.values(), new.values(), present))
    again = plan(old.values(), new.values(), once)
    assert apply(once, again) == once


@given(SEEDS, SEEDS)
def test_an_untouched_table_follows_its_seed_and_back_again(old, new):
    there = apply(old, plan(old.values(), new.values(), old))
    assert there == new
    assert apply(there, plan(new.values(), old.values(), there)) == old


@given(SEEDS, SEEDS, st.dictionaries(st.sampled_from("abcdef"), st.just("edited")))
def test_what_a_person_wrote_is_never_lost(old, new, edits):
    edited = {("p", key): item(key, body) for key, body in edits.items()}
    table = {**old, **edited}
    after = apply(table, plan(old.values(), new.values(), table))
    assert edited.items() <= after.items()
