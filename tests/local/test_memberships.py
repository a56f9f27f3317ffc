"""Both users' lists follow the messages of a conversation, on two engines."""

import pytest

from dynamo.memberships import bring_up_to_date
from model.messages import BODY_CHARACTERS, Position
from tests.support.lists import Meddled, assert_lists_are_right, key, listed_conversations, message, position, shown

ONE, TWO, THREE = message(1, "one"), message(2, "two"), message(3, "three")
TOGETHER = message(2, "two as well", message_id="n")  # in TWO's millisecond, and behind it
UPDATES = ["query", "update_item", "update_item", "query"]


@pytest.fixture
def table(any_table):
    """One and two are there, and in the lists."""
    for item in (ONE, TWO):
        any_table.put_item(Item=item)
        follow(any_table, item)
    return any_table


def follow(table, *items):
    bring_up_to_date(table, "jerry#tom", max(position(item) for item in items))


def test_a_first_message_puts_the_conversation_into_both_lists(any_table):
    any_table.put_item(Item=ONE)
    follow(any_table, ONE)
    assert shown(any_table, "tom") == [("Jerry", "one")]
    assert shown(any_table, "jerry") == [("Tom", "one")]
    assert_lists_are_right(any_table)


def test_a_newer_message_takes_over(table):
    table.put_item(Item=THREE)
    follow(table, THREE)
    assert shown(table) == [("Jerry", "three")]
    assert_lists_are_right(table)


def test_a_message_of_the_same_millisecond_takes_over(table):
    table.put_item(Item=TOGETHER)
    follow(table, TOGETHER)
    assert shown(table) == [("Jerry", "two as well")]
    follow(table, TWO)
    assert_lists_are_right(table)


def test_an_older_message_changes_nothing(table):
    older = message(0, "zero")
    table.put_item(Item=older)
    seen = Meddled(table, {})
    follow(seen, older)
    assert seen.calls == ["query"]
    assert_lists_are_right(table)


def test_an_edited_last_message_is_shown_as_it_is(table):
    table.put_item(Item=TWO | {"Body": "edited"})
    follow(table, TWO)
    assert shown(table) == [("Jerry", "edited")]
    assert_lists_are_right(table)


def test_a_name_spelled_anew_is_shown_as_it_is(table):
    table.put_item(Item=TWO | {"ToUser": "JERRY"})
    follow(table, TWO)
    assert shown(table) == [("JERRY", "two")]
    assert_lists_are_right(table)


def test_without_the_last_message_the_one_before_is_shown(table):
    table.delete_item(Key=key(TWO))
    follow(table, TWO)
    assert shown(table) == [("Jerry", "one")]
    assert_lists_are_right(table)


def test_without_any_message_the_conversation_leaves_both_lists(table):
    for item in (ONE, TWO):
        table.delete_item(Key=key(item))
    follow(table, ONE, TWO)
    assert shown(table, "tom") == shown(table, "jerry") == []
    assert_lists_are_right(table)


def test_a_conversation_starts_again(table):
    for item in (ONE, TWO):
        table.delete_item(Key=key(item))
        follow(table, item)
    table.put_item(Item=ONE)
    follow(table, ONE)
    assert shown(table) == [("Jerry", "one")]
    assert_lists_are_right(table)


@pytest.mark.parametrize("times", [1, 3])
def test_replays_and_late_records_change_nothing(table, times):
    for item in [TWO, ONE, TWO] * times:
        follow(table, item)
        assert_lists_are_right(table)
    table.delete_item(Key=key(TWO))
    for item in [ONE, TWO, ONE] * times:
        follow(table, item)
    assert_lists_are_right(table)


def test_a_newer_message_beyond_the_horizon_is_left_to_its_own_record(table):
    table.put_item(Item=THREE)
    seen = Meddled(table, {})
    follow(seen, TWO)
    assert seen.calls == ["query"]
    assert shown(table) == [("Jerry", "two")]


def test_a_list_that_is_further_on_is_not_taken_back(table):
    """A late record of one, after one was all that was left for a moment."""
    table.put_item(Item=THREE)
    follow(table, THREE)
    table.delete_item(Key=key(TWO))
    table.delete_item(Key=key(THREE))  # its record is still to come
    follow(table, TWO)
    assert shown(table) == [("Jerry", "three")]
    follow(table, THREE)
    assert_lists_are_right(table)


@pytest.mark.parametrize("length", [BODY_CHARACTERS, BODY_CHARACTERS + 1, 50_000])
def test_a_list_shows_the_beginning_of_a_long_body(any_table, length):
    long = message(1, "é" * length)
    any_table.put_item(Item=long)
    follow(any_table, long)
    assert shown(any_table) == [("Jerry", "é" * BODY_CHARACTERS)]
    assert any_table.get_item(Key=key(long))["Item"] == long


@pytest.mark.parametrize(
    "attributes", [{}, {"Body": None}, {"Body": 5, "FromUser": True}, {"Body": b"\xff"}, {"ToUser": ["Jerry"]}], ids=str
)
@pytest.mark.parametrize("sort_key", ["MESSAGE#2026-01-01T09:00:00Z#m", "MESSAGE#2026"])
def test_a_message_put_by_hand_is_listed_by_its_key(any_table, attributes, sort_key):
    item = {"pk": "CONVERSATION#jerry#tom", "sk": sort_key, **attributes}
    any_table.put_item(Item=item)
    follow(any_table, item)
    (row,) = listed_conversations(any_table, "tom")
    assert row["LastMessageAt"] == Position.of(sort_key).sent_at
    assert row["OtherUser"] == "jerry"


@pytest.mark.parametrize("conversation", ["", "tom", "#tom", "a#b#c"])
def test_nothing_is_written_for_what_is_no_conversation(any_table, conversation):
    any_table.put_item(Item={"pk": f"CONVERSATION#{conversation}", "sk": ONE["sk"]})
    with pytest.raises(ValueError, match="is not a conversation"):
        bring_up_to_date(any_table, conversation, position(ONE))
    assert any_table.scan()["Count"] == 1


# --- other writers at the same time ------------------------------------------


class Crash(Exception):
    """The end of an invocation."""


def _put(item):
    return lambda table: table.put_item(Item=item)


def _delete(*items):
    return lambda table: [table.delete_item(Key=key(item)) for item in items]


# What somebody does meanwhile, and the newest record that the stream will bring of it.
MEANWHILE = {
    "newer": (_put(message(4, "four")), message(4)),
    "older": (_put(message(0, "zero")), message(0)),
    "edited": (_put(THREE | {"Body": "edited"}), THREE),
    "older edited": (_put(TWO | {"Body": "edited"}), TWO),
    "last deleted": (_delete(THREE), THREE),
    "two deleted": (_delete(THREE, TWO), THREE),
    "all deleted": (_delete(THREE, TWO, ONE), THREE),
}


@pytest.mark.parametrize("moment", range(len(UPDATES)))
@pytest.mark.parametrize("what", MEANWHILE)
def test_what_happens_meanwhile_is_seen(table, what, moment):
    """Between the reading, the two writes and the reading again; its record comes later."""
    change, changed = MEANWHILE[what]
    table.put_item(Item=THREE)
    follow(Meddled(table, {moment: lambda: change(table)}), THREE)
    follow(table, changed)
    assert_lists_are_right(table)


@pytest.mark.parametrize("moment", range(len(UPDATES)))
@pytest.mark.parametrize("what", MEANWHILE)
def test_what_another_invocation_has_handled_meanwhile_is_not_undone(table, what, moment):
    """Its record is delivered within this invocation, and never again."""
    change, changed = MEANWHILE[what]

    def meanwhile():
        change(table)
        follow(table, changed)

    table.put_item(Item=THREE)
    follow(Meddled(table, {moment: meanwhile}), THREE)
    assert_lists_are_right(table)


@pytest.mark.parametrize("moment", range(len(UPDATES)))
def test_a_message_put_while_the_conversation_is_being_removed_stays(table, moment):
    def meanwhile():
        table.put_item(Item=ONE)
        follow(table, ONE)

    _delete(ONE, TWO)(table)
    follow(Meddled(table, {moment: meanwhile}), ONE, TWO)
    assert_lists_are_right(table)
    assert shown(table) == [("Jerry", "one")]


@pytest.mark.parametrize("moment", range(1, len(UPDATES)))
@pytest.mark.parametrize("what", MEANWHILE)
def test_a_crash_is_mended_by_the_delivery_that_follows_it(table, what, moment):
    """Also when what happened meanwhile was handled by somebody else already."""
    change, changed = MEANWHILE[what]

    def meanwhile():
        change(table)
        follow(table, changed)

    def crash():
        raise Crash

    table.put_item(Item=THREE)
    acts = {1: meanwhile, moment: crash} if moment > 1 else {1: lambda: (meanwhile(), crash())}
    with pytest.raises(Crash):
        follow(Meddled(table, acts), THREE)
    follow(table, THREE)
    assert_lists_are_right(table)


def test_a_change_in_every_round_ends_with_the_last_one(table):
    table.put_item(Item=THREE)
    edits = iter(range(5))

    def edit():
        for number in edits:
            table.put_item(Item=THREE | {"Body": f"edit {number}"})
            return

    meddled = Meddled(table, dict.fromkeys(range(1, 100), edit))
    follow(meddled, THREE)
    assert shown(table) == [("Jerry", "edit 4")]
    assert_lists_are_right(table)
