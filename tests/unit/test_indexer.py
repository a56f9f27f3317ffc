"""What the stream's function makes of a batch, and what it answers."""

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dynamo.memberships import Unsettled
from functions import indexer
from model.messages import Position
from tests.support import lists

NINE, TEN = "2026-01-01T09:00:00.000Z", "2026-01-01T10:00:00.000Z"


def record(number: int, conversation: str, sent_at: str = NINE, message_id: str = "m"):
    return other_record(number, f"CONVERSATION#{conversation}", f"MESSAGE#{sent_at}#{message_id}")


def other_record(number: int, pk: str, sk: str):
    return lists.record({"pk": pk, "sk": sk}, number)


@pytest.fixture
def failing():
    """The conversations that cannot be indexed, and why."""
    return {}


@pytest.fixture
def indexed(monkeypatch, failing):
    """What was asked for: conversations and their horizons."""

    def bring_up_to_date(_table, conversation, horizon):
        calls.append((conversation, horizon))
        if error := failing.get(conversation):
            raise error

    calls = []
    monkeypatch.setattr(indexer, "bring_up_to_date", bring_up_to_date)
    return calls


def failures(*records):
    """The sequence numbers that the function answers to these records."""
    (numbers,) = indexer.index(None, list(records)).values()
    return [int(found["itemIdentifier"]) for found in numbers]


def test_each_conversation_is_brought_up_to_its_newest_record_once(indexed):
    assert not failures(
        record(1, "a#b", TEN, "m"),
        record(2, "a#c", NINE),
        record(3, "a#b", NINE),
        record(4, "a#b", TEN, "l"),
        record(5, "a#c", NINE, "n"),
    )
    assert indexed == [("a#b", Position(TEN, "m")), ("a#c", Position(NINE, "n"))]


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        ("USER#tom", "CONVERSATION#jerry#tom"),
        ("USER#tom", f"MESSAGE#{NINE}#m"),
        ("CONVERSATION#jerry#tom", "NOTE#1"),
        ("", ""),
    ],
)
def test_records_of_other_items_are_ignored(indexed, pk, sk):
    assert not failures(other_record(1, pk, sk), record(2, "a#b"))
    assert [conversation for conversation, _ in indexed] == ["a#b"]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "Query"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        Unsettled("conversation a#c changed"),
        ValueError("'a#c' is not a conversation"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_conversation_that_fails_does_not_hold_up_the_others(indexed, failing, error, capsys):
    failing["a#c"] = error
    assert failures(record(7, "a#b"), record(8, "a#c"), record(9, "a#d"), record(10, "a#c", TEN)) == [8]
    assert [conversation for conversation, _ in indexed] == ["a#b", "a#c", "a#d"]
    failure, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert failure == {"message": "failed", "conversation": "a#c", "reason": f"{type(error).__name__}: {error}"}
    assert done == {"message": "indexed", "records": 4, "conversations": 3, "failed": 1}


@pytest.mark.usefixtures("indexed")
def test_failures_are_in_the_order_of_the_stream_the_first_record_of_each(failing):
    """Lambda goes on from the lowest, so none of a failed conversation's records may be before."""
    failing |= {"a#b": Unsettled("b"), "a#d": Unsettled("d")}
    assert failures(
        record(999, "a#c"),
        record(1000, "a#d", TEN),
        record(1001, "a#b", NINE),
        record(1002, "a#d", NINE),
        record(1003, "a#b", TEN),
    ) == [1000, 1001]
