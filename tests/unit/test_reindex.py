"""Reindexing and settling against scripted answers: what fails is named and kept."""

import json

import pytest
from botocore.exceptions import ClientError

from chat import reindex as reindexing
from chat.failure_queue import FailureQueue, NotARecord, RecordsGone, failed_conversations, settle, settle_all
from chat.reindex import reindex_all
from dynamo.memberships import Unsettled


class Sqs:
    """A queue: received messages are hidden, and come back when they are put back."""

    def __init__(self, *bodies):
        self.visible = {str(n): body for n, body in enumerate(bodies)}
        self.hidden, self.receipts = {}, 0

    def receive_message(self, *, MaxNumberOfMessages, **_):
        found = list(self.visible)[:MaxNumberOfMessages]
        self.receipts += 1
        for id in found:
            self.hidden[id] = self.visible.pop(id)
        messages = [
            {"MessageId": id, "ReceiptHandle": f"{id}/{self.receipts}", "Body": self.hidden[id]} for id in found
        ]
        return {"Messages": messages} if messages else {}

    def delete_message(self, *, ReceiptHandle, **_):
        del self.hidden[ReceiptHandle.partition("/")[0]]

    def change_message_visibility(self, *, ReceiptHandle, **_):
        id = ReceiptHandle.partition("/")[0]
        self.visible[id] = self.hidden.pop(id)


class Streams:
    """A shard whose pages are given; an iterator is the number of a page."""

    def __init__(self, *pages, error=None):
        self.pages, self.error = pages, error

    def get_shard_iterator(self, **request):
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "GetShardIterator")
        assert request["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
        return {"ShardIterator": 1}

    def get_records(self, *, ShardIterator):
        answer = {"Records": self.pages[ShardIterator - 1]}
        more = ShardIterator < len(self.pages)
        return answer | ({"NextShardIterator": ShardIterator + 1} if more else {})


def record(number, conversation, sk="MESSAGE#1#2"):
    keys = {"pk": {"S": f"CONVERSATION#{conversation}"}, "sk": {"S": sk}}
    return {"dynamodb": {"SequenceNumber": f"{number:021}", "Keys": keys}}


def body(first=1, last=3):
    numbers = {"startSequenceNumber": f"{first:021}", "endSequenceNumber": f"{last:021}"}
    return json.dumps({"DDBStreamBatchInfo": {"shardId": "s", "streamArn": "a", **numbers}})


def found(*pages, **more):
    return failed_conversations(Streams(*pages, **more), {"MessageId": "1", "Body": body()})


def test_the_records_of_a_batch_over_several_pages():
    membership = {
        "dynamodb": {"SequenceNumber": f"{2:021}", "Keys": {"pk": {"S": "USER#a"}, "sk": {"S": "CONVERSATION#a#b"}}}
    }
    pages = [record(1, "a#b"), membership], [], [record(3, "a#b"), record(4, "c#d")]
    assert found(*pages) == ["a#b"]
    # The last one itself may be of no message, or be gone with its shard's end.
    assert found([record(1, "a#b")], [record(4, "c#d")]) == ["a#b"]


def test_records_that_are_gone_are_told_from_a_failure():
    for error in ("TrimmedDataAccessException", "ResourceNotFoundException"):
        with pytest.raises(RecordsGone):
            found(error=error)
    with pytest.raises(RecordsGone):
        found([record(1, "a#b")])  # the shard ends before the third
    with pytest.raises(RecordsGone):
        found([record(1, "a#b")], *[[]] * 200, [record(3, "a#b")])
    with pytest.raises(ClientError):
        found(error="AccessDeniedException")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"DDBStreamBatchInfo": {}}'])
def test_other_messages_are_told_from_failures(text):
    with pytest.raises(NotARecord):
        failed_conversations(Streams(), {"MessageId": "1", "Body": text})


def test_a_conversation_that_fails_keeps_its_message():
    sqs, said = Sqs(body(), "other"), []
    streams = Streams([record(1, "a#b"), record(3, "c#d")])
    assert settle(FailureQueue(sqs, "url"), streams, lambda _: False, say=said.append) == {"settled": 0, "kept": 2}
    assert (len(sqs.visible), sqs.hidden) == (2, {})
    assert said == ["message 1 in the failure queue was not sent by Lambda; left in place"]


def test_many_messages_are_each_settled_once():
    sqs, asked = Sqs(*[body()] * 25), []
    streams = Streams([record(1, "a#b"), record(3, "c#d")])
    settled = settle(FailureQueue(sqs, "url"), streams, lambda names: asked.append(names) or True, say=print)
    assert settled == {"settled": 25, "kept": 0}
    assert asked == [["a#b", "c#d"]] * 25
    assert (sqs.visible, sqs.hidden) == ({}, {})


def test_after_all_is_reindexed_only_the_messages_of_before_go():
    sqs = Sqs(*[body()] * 12)

    def reindexed():
        assert len(sqs.visible) == 12  # a long reindex would outlast their being hidden
        sqs.visible["later"] = body()
        return True

    assert settle_all(FailureQueue(sqs, "url"), reindexed, say=lambda _: None) == {"settled": 12, "kept": 1}
    assert list(sqs.visible) == ["later"]
    assert settle_all(FailureQueue(sqs, "url"), lambda: False, say=print) == {"settled": 0, "kept": 1}
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
    said, names = [], [f"a#{n}" for n in range(50)]
    result = reindex_all(Client(), "T", iter([*names[:25], "c#d", "alone", *names[25:]]), say=said.append)
    assert result.done == 50
    assert result.failed == {"c#d": "conversation c#d changed"}
    assert result.foreign == ["alone"]
    assert len(said) == 2
