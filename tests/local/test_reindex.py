"""Reindexing on two engines, and the failure queue with a real stream."""

import json

import pytest

from chat.reindex import reindex, table_for_threads
from embedded_aws.tests.support.engine import endpoint, session
from model.messages import INDEX_PARTITION_KEY, memberships
from tests.support import chat_steps
from tests.support.deployment import Deployment
from tests.support.transfer_steps import command, environment_of, everything, message, store, typed


@pytest.fixture
def table(any_table, aws, monkeypatch):
    """The name of an empty table, on the engine to which the environment points."""
    for key, value in environment_of(any_table, aws).items():
        monkeypatch.setenv(key, value)
    return any_table.name


@pytest.fixture
def chat(capsys, table):
    return command(capsys, table)


def rows_of(*messages):
    """The rows of both users' lists at these last messages."""
    rows = [typed(row) for message in messages for row in memberships(message)]
    return {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}


def lists(table):
    return {key: item for key, item in everything(table).items() if INDEX_PARTITION_KEY in item}


def test_a_table_without_lists_gets_them(chat, table):
    jerry = [message(minute) for minute in range(3)]
    spike = [message(minute, sender="Spike", recipient="Tom") for minute in range(2)]
    store(table, *map(typed, jerry + spike), typed({"pk": "other", "sk": "item"}))
    for _ in range(2):
        assert chat("reindex") == (0, "2 conversations reindexed\n", "")
        assert lists(table) == rows_of(jerry[-1], spike[-1])


@pytest.mark.parametrize(
    ("last", "rows"),
    [
        (message(4), list(rows_of(message(0)).values())),
        (message(4), list(rows_of(message(9)).values())),
        (message(4), list(rows_of(message(2)).values())[:1]),
        (message(4, "edited"), list(rows_of(message(4)).values())),
    ],
    ids=["behind", "beyond", "one list of two", "an old text"],
)
def test_lists_that_are_not_at_the_last_message_are_corrected(chat, table, last, rows):
    store(table, typed(last), *rows)
    assert chat("reindex")[0] == 0
    assert lists(table) == rows_of(last)


def test_only_the_conversations_that_are_named(chat, table):
    store(table, typed(message(1)), typed(message(1, recipient="Spike")))
    status, out, _ = chat("reindex", "Tom#Jerry", "--json")
    assert (status, json.loads(out)) == (0, {"reindexed": 1, "left_out": [], "failed": {}})
    assert lists(table) == rows_of(message(1))
    assert chat("reindex", "nobody#nowhere") == (0, "1 conversation reindexed\n", "")


class Racing:
    """A table on which a writer, and the stream's function for it, acts before the n-th write."""

    def __init__(self, table, moment, act):
        self._table, self._moment, self._act = table, moment, act

    def __getattr__(self, name):
        method = getattr(self._table, name)

        def call(**request):
            if name in ("update_item", "delete_item"):
                self._moment -= 1
                if self._moment == 0:
                    self._act()
            return method(**request)

        return call


@pytest.mark.parametrize("moment", [1, 2])
@pytest.mark.parametrize("new", [3, 6, 20], ids=["dated back", "below the lists", "newest"])
def test_a_message_that_comes_meanwhile_is_not_lost(any_table, table, moment, new):
    """Lists stand at 9, which is deleted; 4 is the last message; then another one comes."""
    store(table, typed(message(4)), *rows_of(message(9)).values())

    def another_writer_sends():
        store(table, typed(message(new)))
        if new > 9:  # as the stream's function does; others it leaves as they are
            store(table, *rows_of(message(new)).values())

    real = table_for_threads(any_table.meta.client, table)
    reindex(Racing(real, moment, another_writer_sends), "jerry#tom")
    assert lists(table) == rows_of(message(max(4, new)))


@pytest.mark.parametrize("moment", [1, 2])
def test_a_conversation_that_begins_again_meanwhile_stays_listed(any_table, table, moment):
    store(table, *rows_of(message(9)).values())
    real = table_for_threads(any_table.meta.client, table)
    reindex(Racing(real, moment, lambda: store(table, typed(message(5)))), "jerry#tom")
    assert lists(table) == rows_of(message(5))


@pytest.mark.parametrize(
    "other",
    [
        {"LastMessageAt": "2027-01-01T00:00:00.000Z", "LastMessageId": None},
        {"LastMessageId": None},
        {"LastMessageAt": None, "LastMessageId": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("messages", [[message(4)], []], ids=["a message", "no message"])
def test_rows_put_by_hand_become_right_whatever_they_lack(chat, table, messages, other):
    rows = memberships(message(4, "foreign"))
    foreign = [{name: value for name, value in (row | other).items() if value is not None} for row in rows]
    store(table, *map(typed, [*messages, *foreign]))
    assert chat("reindex") == (0, "1 conversation reindexed\n", "")
    left = {key: item for key, item in everything(table).items() if key[0].startswith("USER#")}
    assert left == rows_of(*messages)


def test_what_others_add_to_a_row_stays_and_is_not_compared(chat, table):
    rows = [row | {"Pinned": True} for row in memberships(message(1))]
    store(table, typed(message(4)), *map(typed, rows))
    assert chat("conversations", "tom", "--check")[0] == 1
    assert chat("reindex")[0] == 0
    assert [row["Pinned"] for row in lists(table).values()] == [{"BOOL": True}] * 2
    status, out, err = chat("conversations", "tom", "--check")
    assert (status, out.count("minute 4")) == (0, 1)
    assert err.startswith("1 conversation compared with the messages: 0 lagging, ")


@pytest.fixture
def deployment(client, name, bootstrapped):  # noqa: ARG001 (made before a stack is)
    made = Deployment(client, f"pr-{name}")
    yield made
    if made.status():
        made.destroy()


SHARD = "shardId-00000000000000000000-00000000"


def batch(stream, start, end):
    numbers = {"startSequenceNumber": start, "endSequenceNumber": end}
    return {"DDBStreamBatchInfo": {"shardId": SHARD, "streamArn": stream, "batchSize": 1, **numbers}}


@pytest.fixture
def stage(aws, client, deployment, monkeypatch, capsys):
    """A deployed stack whose stream has no reader: its table, queue, records and command."""
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)

    def without_reader(stack):
        mapping = stack.node.find_child("Conversations").indexing.function.node.find_child("Stream")
        mapping.node.default_child.add_property_override("Enabled", False)

    outputs = deployment.deploy([], change=without_reader)

    queue, stream_of = outputs["FailureQueueUrl"], client("dynamodb").describe_table(TableName=outputs["TableName"])
    streams = session().client("dynamodbstreams", **endpoint(aws))

    class Stage:
        table, stream = outputs["TableName"], stream_of["Table"]["LatestStreamArn"]

        def fail(self, body):
            client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body))

        def numbers(self):
            where = {"StreamArn": self.stream, "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"}
            records = streams.get_records(ShardIterator=streams.get_shard_iterator(**where)["ShardIterator"])["Records"]
            return [record["dynamodb"]["SequenceNumber"] for record in records]

        def waiting(self):
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
            return [int(found[name]) for name in names]

        def chat(self, *arguments):
            ran = chat_steps.run(capsys, *arguments, "--stage", deployment.stage)
            return ran.status, ran.out, ran.err

    return Stage()


def test_failures_are_settled_from_the_stream(stage):
    alone = typed({"pk": "CONVERSATION#alone", "sk": "MESSAGE#1#2"})
    store(stage.table, *(typed(message(1, recipient=name)) for name in ("a", "b", "c")), alone)
    first, second, _, no_conversation = stage.numbers()
    stage.fail(batch(stage.stream, first, second))
    stage.fail(batch(stage.stream, no_conversation, no_conversation))
    status, out, err = stage.chat("reindex", "--failed")
    assert (status, out) == (0, "2 conversations reindexed, 1 left out, 2 failures settled, 0 failures kept\n"), err
    assert err.startswith("left out: 'alone' is not a conversation")
    assert len(lists(stage.table)) == 4
    assert stage.waiting() == [0, 0]

    # What the stream has forgotten stays until everything is reindexed.
    stage.fail(batch(stage.stream, "1" * 30, "2" * 30))
    stage.fail({"something": "else"})
    stage.fail(batch("no stream", "1", "2"))
    status, out, err = stage.chat("reindex", "--failed", "--json")
    assert (status, json.loads(out)["kept"]) == (1, 3)
    assert "`python -m chat reindex --failed --all`" in err
    assert "was not sent by Lambda" in err
    assert stage.waiting() == [3, 0]
    store(stage.table, typed(message(2, recipient="a")))
    status, out, err = stage.chat("reindex", "--failed", "--all")
    assert (status, out) == (1, "3 conversations reindexed, 1 left out, 2 failures settled, 1 failure kept\n")
    assert lists(stage.table) == rows_of(
        *(message(minute, recipient=name) for minute, name in ((2, "a"), (1, "b"), (1, "c")))
    )
    assert stage.waiting() == [1, 0]
