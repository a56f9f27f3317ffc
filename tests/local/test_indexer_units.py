"""What the lists cost, counted; and how far the engines' own figures can be believed."""

import pytest

from bench.indexing import costs
from bench.units import Metered
from dynamo.memberships import bring_up_to_date
from model.messages import INDEX_PARTITION_KEY, INDEX_SORT_KEY
from tests.support.lists import message, position


@pytest.fixture(scope="module")
def counted(aws):
    """The benchmark's ways, of few messages."""
    original, single, together, apart = costs(aws, messages=10, batches=(5,))
    return {"original": original, "single": single, "together": together, "apart": apart}


def test_a_message_takes_seven_write_units_and_an_invocation_instead_of_nine_and_five(counted):
    original = counted["original"]
    assert (original.documented.table, original.documented.index) == (5, 4)
    assert (original.documented.reads, original.invocations) == (0.5, 5)
    single = counted["single"]
    assert (single.documented.table, single.documented.index) == (3, 4)
    assert (single.documented.reads, single.invocations) == (2, 1)


def test_batches_take_fewer_invocations_and_within_a_conversation_fewer_units(counted):
    together, apart = counted["together"], counted["apart"]
    assert together.invocations == apart.invocations == 1 / 5
    assert apart.documented == counted["single"].documented
    assert together.documented.writes == (5 + 6) / 5
    assert together.documented.reads == 2 / 5
    for cost in counted.values():
        assert cost.reported == cost.documented


def test_a_replay_takes_two_units_and_moves_nothing(any_table):
    any_table.put_item(Item=message(1))
    bring_up_to_date(any_table, "jerry#tom", position(message(1)))
    metered = Metered(any_table, (INDEX_PARTITION_KEY, INDEX_SORT_KEY))
    bring_up_to_date(metered, "jerry#tom", position(message(1)))
    assert (metered.documented.table, metered.documented.index) == (2, 0)
