"""Batches of the stream, their failures and their retries, on two engines."""

import pytest
from botocore.exceptions import ClientError

from functions.indexer import index
from tests.support.lists import Meddled, assert_lists_are_right, message, record, shown
from tests.support.streams import deliver


def conversation(user: str, *minutes: int):
    return [message(minute, f"{minute}", sender="Tom", recipient=user) for minute in minutes]


def put(table, items):
    """Put the items; the records of the stream about it."""
    for item in items:
        table.put_item(Item=item)
    return [record(item, number) for number, item in enumerate(items, 100)]


class Failing:
    """A table that throttles the first ``times`` writes of one conversation."""

    def __init__(self, table, conversation: str, times: int) -> None:
        self._table, self._conversation, self.times = table, conversation, times

    def __getattr__(self, name):
        return getattr(self._table, name)

    def update_item(self, **request):
        if request["Key"]["sk"] == f"CONVERSATION#{self._conversation}" and self.times:
            self.times -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return self._table.update_item(**request)


@pytest.fixture
def mixed():
    """Three conversations' messages, in turns, the newest not last."""
    jerry, spike, tyke = (conversation(name, 5, 9, 7) for name in ("Jerry", "Spike", "Tyke"))
    return [one for three in zip(jerry, spike, tyke, strict=True) for one in three]


def test_a_batch_brings_every_conversation_up_to_date_at_once(any_table, mixed):
    records = put(any_table, mixed)
    seen = Meddled(any_table, {})
    assert index(seen, records) == {"batchItemFailures": []}
    assert_lists_are_right(any_table)
    assert sorted(shown(any_table)) == [("Jerry", "9"), ("Spike", "9"), ("Tyke", "9")]
    assert seen.calls.count("query") == 2 * 3
    assert seen.calls.count("update_item") == 2 * 3


@pytest.mark.parametrize("times", [1, 2, 3])
def test_lambda_goes_on_from_the_first_failure_until_all_is_right(any_table, mixed, times):
    """Also when only the second list could not be written, or a retry fails again."""
    failing = Failing(any_table, "spike#tom", times)
    batches = []

    def indexing(records):
        batches.append(len(records))
        return index(failing, records)

    assert deliver(indexing, put(any_table, mixed), tries=10) == []
    assert batches == [9] + [8] * times
    assert_lists_are_right(any_table)
