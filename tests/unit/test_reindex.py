"""Reindexing and settling against scripted answers: what fails is named and kept."""

import json

import pytest
from botocore.exceptions import ClientError

from chat import reindex as reindexing
from chat.failure_queue import settle, settle_all
from chat.reindex import Reindexed, reindex_all
from dynamo.memberships import Unsettled


class Sqs:
    """A queue: received messages are hidden, and come back when they are put back."""

    def __init__(self, *bodies):
        self.visible, self.hidden = {str(n): body for n, body in enumerate(bodies)}, {}

    def receive_message(self, *, MaxNumberOfMessages, **_):
        found = {id: self.visible.pop(id) for id in list(self.visible)[:MaxNumberOfMessages]}
        self.hidden |= found
        return {"Messages": [{"MessageId": id, "ReceiptHandle": id, "Body": body} for id, body in found.items()]}

    def delete_message(self, *, ReceiptHandle, **_):
        del self.hidden[ReceiptHandle]

    def change_message_visibility(self, *, ReceiptHandle, **_):
        self.visible[ReceiptHandle] = self.hidden.pop(ReceiptHandle)


class Streams:
    """A shard whose pages are given; an iterator is the number of a page."""

    def __init__(self, *pages, error=None):
        self.pages, self.error = pages, error

    def get_shard_iterator(self, **_):
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "GetShardIterator")
        return {"ShardIterator": 1}

    def get_records(self, *, ShardIterator):
        more = {"NextShardIterator": ShardIterator + 1} if ShardIterator < len(self.pages) else {}
        return {"Records": self.pages[ShardIterator - 1], **more}


def record(number, conversation, pk="CONVERSATION#", sk="MESSAGE#1#2"):
    keys = {"pk": {"S": pk + conversation}, "sk": {"S": sk}}
    return {"dynamodb": {"SequenceNumber": f"{number:021}", "Keys": keys}}


def body(first=1, last=3):
    numbers = {"startSequenceNumber": f"{first:021}", "endSequenceNumber": f"{last:021}"}
    return json.dumps({"DDBStreamBatchInfo": {"shardId": "s", "streamArn": "a", **numbers}})


def settled(sqs, *pages, error=None, reindex=lambda _: True):
    """What ``reindex`` was asked, the result, and what was said."""
    asked, said = [], []

    def reindexed(names):
        asked.append(names)
        return reindex(names)

    result = settle(sqs, "url", Streams(*pages, error=error), reindexed, say=said.append)
    return asked, result, said


DONE, KEPT = {"settled": 1, "kept": 0}, {"settled": 0, "kept": 1}


@pytest.mark.parametrize(
    "pages",
    [
        ([record(1, "a#b"), record(2, "a", "USER#", "CONVERSATION#a#b")], [], [record(3, "a#b"), record(4, "c#d")]),
        ([record(1, "a#b")], [record(4, "c#d")]),  # the last one is of no message, or gone with its shard's end
    ],
    ids=["over several pages", "without the last record"],
)
def test_the_conversations_of_a_message_are_reindexed_and_it_is_deleted(pages):
    sqs = Sqs(body())
    assert settled(sqs, *pages) == ([["a#b"]], DONE, [])
    assert (sqs.visible, sqs.hidden) == ({}, {})


@pytest.mark.parametrize(
    ("pages", "error"),
    [
        ([], "TrimmedDataAccessException"),
        ([], "ResourceNotFoundException"),
        ([[record(1, "a#b")]], None),  # the shard ends before the third
        ([[record(1, "a#b")], *[[]] * 200, [record(3, "a#b")]], None),
    ],
)
def test_a_message_whose_records_are_gone_is_kept_with_the_remedy(pages, error):
    asked, result, (said,) = settled(Sqs(body()), *pages, error=error)
    assert (asked, result) == ([], KEPT)
    assert said.startswith(
        "message 0 in the failure queue: the stream no longer has its records, which it keeps for 24 h"
    )
    assert "`python -m chat reindex --failed --all`" in said


MALFORMED = json.dumps(
    {"DDBStreamBatchInfo": {"streamArn": "a", "shardId": "s", "startSequenceNumber": "x", "endSequenceNumber": "1"}}
)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"DDBStreamBatchInfo": {}}', MALFORMED])
def test_a_message_that_lambda_did_not_send_is_kept(text):
    said = ["message 0 in the failure queue: not sent by Lambda; left in place"]
    assert settled(Sqs(text)) == ([], KEPT, said)


def test_many_messages_are_each_settled_once_and_what_fails_stays_visible():
    sqs, page = Sqs(*[body()] * 25), [record(1, "a#b"), record(3, "c#d")]
    assert settled(sqs, page, reindex=lambda _: False) == ([["a#b", "c#d"]] * 25, {"settled": 0, "kept": 25}, [])
    assert (len(sqs.visible), sqs.hidden) == (25, {})
    assert settled(sqs, page) == ([["a#b", "c#d"]] * 25, {"settled": 25, "kept": 0}, [])
    assert (sqs.visible, sqs.hidden) == ({}, {})
    with pytest.raises(ClientError):
        settled(Sqs(body()), error="AccessDeniedException")


def test_after_all_is_reindexed_only_the_messages_of_before_are_deleted():
    sqs = Sqs(*[body()] * 12)

    def reindexed():
        assert len(sqs.visible) == 12  # a long reindex would outlast their being hidden
        sqs.visible["later"] = body()
        return True

    assert settle_all(sqs, "url", reindexed, say=lambda _: None) == {"settled": 12, "kept": 1}
    assert list(sqs.visible) == ["later"]
    assert settle_all(sqs, "url", lambda: False, say=print) == KEPT
    assert list(sqs.visible) == ["later"]


def test_a_conversation_that_fails_is_named_and_stops_no_other(monkeypatch):
    def reindexed(_table, conversation):
        if conversation == "c#d":
            raise Unsettled("conversation c#d changed")
        if conversation == "alone":
            raise ValueError("'alone' is not a conversation")

    class Client:
        query = get_item = update_item = delete_item = staticmethod(print)

    monkeypatch.setattr(reindexing, "reindex", reindexed)
    said, counted, result, names = [], [], Reindexed(), [f"a#{n}" for n in range(50)]
    some = iter([*names[:25], "c#d", "alone", *names[25:]])
    reindex_all(Client(), "T", some, result, advance=counted.append, say=said.append)
    assert result == Reindexed(50, {"c#d": "conversation c#d changed"}, ["alone"])
    assert (len(said), sum(counted)) == (2, 52)
