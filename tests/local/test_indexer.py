"""Both users' lists follow the messages, by single records and by batches, and what that costs."""

import pytest
from botocore.exceptions import ClientError

from bench.indexing import costs
from bench.units import Metered
from dynamo.memberships import bring_up_to_date
from functions.indexer import index
from model.messages import INDEX_PARTITION_KEY, INDEX_SORT_KEY, Position
from tests.support.lists import Meddled, assert_lists_are_right, key, message, record, shown
from tests.support.streams import deliver

ONE, TWO, THREE = message(1, "one"), message(2, "two"), message(3, "three")
TOGETHER = message(2, "two as well", message_id="n")  # in TWO's millisecond, and after it
BY_HAND = {"pk": TWO["pk"], "sk": "MESSAGE#3", "Body": b"\xff", "ToUser": ["Jerry"]}


@pytest.fixture
def table(own_table):
    """One and two are there, and in the lists."""
    for item in (ONE, TWO):
        own_table.put_item(Item=item)
        follow(own_table, item)
    return own_table


def follow(table, *items):
    bring_up_to_date(table, "jerry#tom", Position.of(max(item["sk"] for item in items)))


@pytest.mark.parametrize(
    ("change", "record", "row"),
    [
        (THREE, THREE, ("Jerry", "three")),
        (TOGETHER, TOGETHER, ("Jerry", "two as well")),
        (TWO | {"Body": "edited"}, TWO, ("Jerry", "edited")),
        (TWO | {"ToUser": "JERRY"}, TWO, ("JERRY", "two")),
        (BY_HAND, BY_HAND, ("jerry", "")),
        (None, TWO, ("Jerry", "one")),
    ],
    ids=["newer", "same millisecond", "edited", "another spelling of the name", "put by hand", "deleted"],
)
def test_a_list_follows_the_last_message(table, change, record, row):
    if change:
        table.put_item(Item=change)
    else:
        table.delete_item(Key=key(TWO))
    follow(table, record)
    assert shown(table) == [row]
    assert_lists_are_right(table)


def test_without_any_message_the_conversation_leaves_both_lists_until_it_starts_again(table):
    assert (shown(table, "tom"), shown(table, "jerry")) == ([("Jerry", "two")], [("Tom", "two")])
    for item in (ONE, TWO):
        table.delete_item(Key=key(item))
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


class Failing:
    """A table that throttles the first ``times`` writes of Spike's conversation."""

    def __init__(self, table, times: int) -> None:
        self._table, self.times = table, times

    def __getattr__(self, name):
        return getattr(self._table, name)

    def update_item(self, **request):
        if request["Key"]["sk"] == "CONVERSATION#spike#tom" and self.times:
            self.times -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return self._table.update_item(**request)


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_a_batch_brings_every_conversation_up_to_date_and_continues_from_the_first_failure(own_table, times):
    """Also when only the second list could not be written, or a retry fails again."""
    # Three conversations' messages, in turns, the newest not last.
    items = [message(at, str(at), recipient=user) for at in (5, 9, 7) for user in ("Jerry", "Spike", "Tyke")]
    for item in items:
        own_table.put_item(Item=item)
    seen, batches = Meddled(Failing(own_table, times)), []

    def indexing(records):
        batches.append(len(records))
        return index(seen, records)

    assert deliver(indexing, [record(item, number) for number, item in enumerate(items, 100)], tries=10) == []
    assert batches == [9] + [8] * times
    assert_lists_are_right(own_table)
    assert sorted(shown(own_table)) == [("Jerry", "9"), ("Spike", "9"), ("Tyke", "9")]
    if not times:
        assert (seen.calls.count("query"), seen.calls.count("update_item")) == (2 * 3, 2 * 3)


def test_a_message_costs_what_the_documents_say(aws):
    original, single, together, apart = costs(aws, messages=10, batches=(5,))
    assert (original.documented.table, original.documented.index) == (5, 4)
    assert (original.documented.reads, original.invocations) == (0.5, 5)
    assert (single.documented.table, single.documented.index) == (3, 4)
    assert (single.documented.reads, single.invocations) == (2, 1)
    assert together.invocations == apart.invocations == 1 / 5
    assert apart.documented == single.documented
    assert (together.documented.writes, together.documented.reads) == ((5 + 6) / 5, 2 / 5)
    for cost in (original, single, together, apart):
        assert cost.reported == cost.documented


def test_a_replay_costs_two_units_and_moves_nothing(table):
    metered = Metered(table, (INDEX_PARTITION_KEY, INDEX_SORT_KEY))
    bring_up_to_date(metered, "jerry#tom", Position.of(TWO["sk"]))
    assert (metered.documented.table, metered.documented.index) == (2, 0)
