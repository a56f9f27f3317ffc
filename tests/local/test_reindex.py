"""Reindexing, and the failure queue with a real stream."""

import json

import pytest

from chat.reindex import reindex, table_for_threads
from model.messages import INDEX_PARTITION_KEY, memberships
from tests.support.chat_steps import everything, run, store, typed
from tests.support.lists import Meddled, message
from tests.support.streams import Stream


def rows_of(*messages):
    """The rows of both users' lists at these last messages."""
    rows = [typed(row) for message in messages for row in memberships(message)]
    return {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}


def lists(table):
    return {key: item for key, item in everything(table).items() if INDEX_PARTITION_KEY in item}


def test_a_table_without_lists_gets_those_that_are_named_then_all(chat, table):
    jerry = [message(minute) for minute in range(3)]
    spike = [message(minute, sender="Spike", recipient="Tom") for minute in range(2)]
    store(table, *map(typed, jerry + spike), typed({"pk": "other", "sk": "item"}))
    assert chat("reindex", "Tom#Jerry", "--json").json == {"reindexed": 1, "left_out": [], "failed": {}}
    assert lists(table) == rows_of(jerry[-1])
    assert chat("reindex", "nobody#nowhere") == (0, "1 conversation reindexed\n", "")
    for _ in range(2):
        assert chat("reindex") == (0, "2 conversations reindexed\n", "")
        assert lists(table) == rows_of(jerry[-1], spike[-1])


def foreign(**other):
    """Rows that were put by hand; None for what they lack."""
    rows = memberships(message(4, "foreign"))
    return [typed({name: value for name, value in (row | other).items() if value is not None}) for row in rows]


WRONG = {
    "behind": list(rows_of(message(0)).values()),
    "beyond": list(rows_of(message(9)).values()),
    "one list of two": list(rows_of(message(2)).values())[:1],
    "an old text": list(rows_of(message(4, "old")).values()),
    "beyond without an id": foreign(LastMessageAt="2027-01-01T00:00:00.000Z", LastMessageId=None),
    "without an id": foreign(LastMessageId=None),
    "without a time": foreign(LastMessageAt=None, LastMessageId=None),
}


@pytest.mark.parametrize("messages", [[message(4)], []], ids=["a message", "no message"])
@pytest.mark.parametrize("rows", WRONG.values(), ids=WRONG)
def test_lists_that_are_not_at_the_last_message_are_corrected(chat, table, messages, rows):
    store(table, *map(typed, messages), *rows)
    assert chat("reindex") == (0, "1 conversation reindexed\n", "")
    left = {key: item for key, item in everything(table).items() if key[0].startswith("USER#")}
    assert left == rows_of(*messages)


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize(
    ("there", "new"), [([4], 3), ([4], 6), ([4], 20), ([], 5)], ids=["dated back", "below the lists", "newest", "again"]
)
def test_a_message_that_comes_meanwhile_is_not_lost(own_table, table, write, there, new):
    """Lists stand at 9, which is deleted; 4 is the last message, or there is none; then another one comes."""
    store(table, *(typed(message(minute)) for minute in there), *rows_of(message(9)).values())

    def another_writer_sends():
        store(table, typed(message(new)))
        if new > 9:  # as the stream's function does; others it leaves as they are
            store(table, *rows_of(message(new)).values())

    real = table_for_threads(own_table.meta.client, table)
    reindex(Meddled(real, writes={write: another_writer_sends}), "jerry#tom")
    assert lists(table) == rows_of(message(max([*there, new])))


def test_what_others_add_to_a_row_stays_and_is_not_compared(chat, table):
    rows = [row | {"Pinned": True} for row in memberships(message(1))]
    store(table, typed(message(4)), *map(typed, rows))
    assert chat("conversations", "tom", "--check")[0] == 1
    assert chat("reindex")[0] == 0
    assert [row["Pinned"] for row in lists(table).values()] == [{"BOOL": True}] * 2
    status, out, err = chat("conversations", "tom", "--check")
    assert (status, out.count("minute 4")) == (0, 1)
    assert err.startswith("1 conversation compared with the messages: 0 lagging, ")


SHARD = "shardId-00000000000000000000-00000000"


def batch(stream, start, end):
    numbers = {"startSequenceNumber": start, "endSequenceNumber": end}
    return {"DDBStreamBatchInfo": {"shardId": SHARD, "streamArn": stream, "batchSize": 1, **numbers}}


@pytest.mark.usefixtures("bootstrapped", "on_aws")
def test_failures_are_settled_from_the_stream(client, stage, monkeypatch, capsys):
    """On a deployed stack whose stream has no reader."""
    monkeypatch.setattr("chat.failure_queue._WAIT_SECONDS", 0)  # all of this SQS's messages are on one server

    def without_reader(stack):
        mapping = stack.node.find_child("Conversations").indexing.function.node.find_child("Stream")
        mapping.node.default_child.add_property_override("Enabled", False)

    outputs = stage.deploy([], change=without_reader)
    table, queue = outputs["TableName"], outputs["FailureQueueUrl"]
    stream = client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]

    def fail(body):
        client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body))

    def waiting():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return [int(found[name]) for name in names]

    def chat(*arguments):
        return run(capsys, "reindex", "--failed", *arguments, "--stage", stage.stage)

    alone = typed({"pk": "CONVERSATION#alone", "sk": "MESSAGE#1#2"})
    store(table, *(typed(message(1, recipient=name)) for name in ("a", "b", "c")), alone)
    records = Stream(client("dynamodbstreams"), stream).read()
    first, second, _, no_conversation = (record["dynamodb"]["SequenceNumber"] for record in records)
    fail(batch(stream, first, second))
    fail(batch(stream, no_conversation, no_conversation))
    ran = chat()
    assert ran[:2] == (0, "2 conversations reindexed, 1 left out, 2 failures settled, 0 failures kept\n"), ran.err
    assert ran.err.startswith("left out: 'alone' is not a conversation")
    assert len(lists(table)) == 4
    assert waiting() == [0, 0]

    # What the stream has forgotten stays until everything is reindexed.
    fail(batch(stream, "1" * 30, "2" * 30))
    fail({"something": "else"})
    ran = chat("--json")
    assert (ran.status, json.loads(ran.out)["kept"]) == (1, 2)
    assert "`python -m chat reindex --failed --all`" in ran.err
    assert "not sent by Lambda" in ran.err
    assert waiting() == [2, 0]
    store(table, typed(message(2, recipient="a")))
    ran = chat("--all")
    assert ran[:2] == (1, "3 conversations reindexed, 1 left out, 1 failure settled, 1 failure kept\n")
    last = [message(minute, recipient=name) for minute, name in ((2, "a"), (1, "b"), (1, "c"))]
    assert lists(table) == rows_of(*last)
    assert waiting() == [1, 0]
    stage.destroy()
