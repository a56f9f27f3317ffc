"""The deployed stream: every user's list follows the messages, through real CloudFormation."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from boto3.dynamodb.conditions import Key

from cli.polling import poll
from embedded_aws.tests.support.engine import endpoint, session
from model.messages import INDEX_NAME, message_item
from tests.support.deployment import Deployment

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
SECONDS = 30

pytestmark = pytest.mark.usefixtures("bootstrapped")


@pytest.fixture
def deployment(client, name):
    made = Deployment(client, f"pr-{name}")
    yield made
    if made.status():
        made.destroy()


@pytest.fixture
def table(aws, deployment):
    return session().resource("dynamodb", **endpoint(aws)).Table(deployment.stack)


def message(minute: int, body: str, *, sender="Tom", recipient="Jerry"):
    return message_item(sender=sender, recipient=recipient, body=body, sent_at=START + timedelta(minutes=minute))


def listed(table, user: str) -> list[tuple[str, str]]:
    """A user's list, most recent first: the other user and the last message."""
    rows = table.query(IndexName=INDEX_NAME, KeyConditionExpression=Key("User").eq(user), ScanIndexForward=False)[
        "Items"
    ]
    return [(row["OtherUser"], row["LastMessageBody"]) for row in rows]


def wait_for(table, user: str, expected: list[tuple[str, str]]) -> None:
    poll(lambda: listed(table, user) == expected or None, seconds=SECONDS, longest=0.2)


SEED = [message(minute, f"minute {minute}") for minute in range(3)]


@pytest.fixture(scope="module")
def seeded(aws, client):
    """The table of a stack with the seed alone."""
    made = Deployment(client, "pr-lists")
    made.deploy(SEED)
    yield session().resource("dynamodb", **endpoint(aws)).Table(made.stack)
    made.destroy()


def test_both_lists_are_right_after_the_seed_alone(seeded):
    wait_for(seeded, "tom", [("Jerry", "minute 2")])
    wait_for(seeded, "jerry", [("Tom", "minute 2")])


def test_the_lists_follow_sends_edits_and_deletions(seeded):
    seeded.put_item(Item=message(5, "hello", sender="Spike", recipient="Tom"))
    wait_for(seeded, "tom", [("Spike", "hello"), ("Jerry", "minute 2")])
    seeded.put_item(Item=message(9, "newest", sender="Jerry", recipient="Tom"))
    wait_for(seeded, "tom", [("Jerry", "newest"), ("Spike", "hello")])
    newest = message(9, "edited", sender="Jerry", recipient="Tom")
    seeded.put_item(Item=newest)
    wait_for(seeded, "jerry", [("Tom", "edited")])
    seeded.delete_item(Key={key: newest[key] for key in ("pk", "sk")})
    wait_for(seeded, "jerry", [("Tom", "minute 2")])
    wait_for(seeded, "tom", [("Spike", "hello"), ("Jerry", "minute 2")])


def test_a_stack_of_before_gets_index_and_stream_by_an_update(deployment, table):
    """A later message brings its own conversation into the lists; `reindex` brings the others."""

    def without_lists(stack):
        stack.conversations.node.scope.node.try_remove_child("Conversations")
        resource = stack.messages.table.node.default_child
        for name in ("GlobalSecondaryIndexes", "StreamSpecification"):
            resource.add_property_deletion_override(name)
        for attribute in (3, 2):
            resource.add_property_deletion_override(f"AttributeDefinitions.{attribute}")
        resource.add_property_deletion_override("Replicas.0.GlobalSecondaryIndexes")
        stack.node.try_remove_child("FailureQueueUrl")

    deployment.deploy(SEED, change=without_lists)
    deployment.deploy(SEED)
    table.put_item(Item=message(5, "after the update"))
    wait_for(table, "jerry", [("Tom", "after the update")])
    assert {item["Body"] for item in table.scan()["Items"] if "Body" in item} == {
        *(item["Body"] for item in SEED),
        "after the update",
    }


def test_a_record_that_cannot_be_indexed_is_kept_and_holds_up_no_other(client, deployment, table):
    def impatient(stack):
        mapping = stack.node.find_child("Conversations").indexing.function.node.find_child("Stream")
        mapping.node.default_child.add_property_override("MaximumRetryAttempts", 1)

    outputs = deployment.deploy(SEED, change=impatient)
    table.put_item(Item={"pk": "CONVERSATION#not-a-pair", "sk": "MESSAGE#x#y"})
    table.put_item(Item=message(5, "behind it"))
    wait_for(table, "tom", [("Jerry", "behind it")])

    def failure():
        found = client("sqs").receive_message(QueueUrl=outputs["FailureQueueUrl"])
        return found.get("Messages")

    (kept,) = poll(failure, seconds=SECONDS, longest=0.2)
    assert json.loads(kept["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
