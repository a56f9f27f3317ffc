"""Both users' lists follow the messages of a conversation, on two engines."""

import pytest

from dynamo.memberships import bring_up_to_date
from tests.support.lists import assert_lists_are_right, key, listed_conversations, message, position, shown

ONE, TWO, THREE = message(1, "one"), message(2, "two"), message(3, "three")
TOGETHER = message(2, "two as well", message_id="n")  # in TWO's millisecond, and behind it


@pytest.fixture
def table(any_table):
    """One and two are there, and in the lists."""
    for item in (ONE, TWO):
        any_table.put_item(Item=item)
        follow(any_table, item)
    return any_table


def put(item):
    return lambda table: table.put_item(Item=item)


def delete(*items):
    return lambda table: [table.delete_item(Key=key(item)) for item in items]


def follow(table, *items):
    bring_up_to_date(table, "jerry#tom", max(position(item) for item in items))


@pytest.mark.parametrize(
    ("change", "record", "entry"),
    [
        (put(THREE), THREE, ("Jerry", "three")),
        (put(TOGETHER), TOGETHER, ("Jerry", "two as well")),
        (put(TWO | {"Body": "edited"}), TWO, ("Jerry", "edited")),
        (put(TWO | {"ToUser": "JERRY"}), TWO, ("JERRY", "two")),
        (delete(TWO), TWO, ("Jerry", "one")),
    ],
    ids=["newer", "same millisecond", "edited", "name written otherwise", "deleted"],
)
def test_a_list_follows_the_last_message(table, change, record, entry):
    change(table)
    follow(table, record)
    assert shown(table) == [entry]
    assert_lists_are_right(table)


def test_without_any_message_the_conversation_leaves_both_lists_until_it_starts_again(table):
    assert (shown(table, "tom"), shown(table, "jerry")) == ([("Jerry", "two")], [("Tom", "two")])
    delete(ONE, TWO)(table)
    follow(table, ONE, TWO)
    assert shown(table, "tom") == shown(table, "jerry") == []
    table.put_item(Item=ONE)
    follow(table, ONE)
    assert shown(table) == [("Jerry", "one")]
    assert_lists_are_right(table)


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


@pytest.mark.parametrize("attributes", [{}, {"Body": b"\xff", "ToUser": ["Jerry"]}], ids=str)
def test_a_message_put_by_hand_is_listed_by_its_key(any_table, attributes):
    item = {"pk": "CONVERSATION#jerry#tom", "sk": "MESSAGE#2026", **attributes}
    any_table.put_item(Item=item)
    follow(any_table, item)
    (row,) = listed_conversations(any_table, "tom")
    assert (row["LastMessageAt"], row["OtherUser"]) == ("2026", "jerry")
