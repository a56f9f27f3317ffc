"""The deployed stream: every user's list follows the messages, through real CloudFormation."""

import json

import pytest

from cli.polling import poll
from embedded_aws.tests.support.engine import endpoint, session
from tests.support.deployment import Deployment
from tests.support.lists import message, shown

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


def wait_for(table, user: str, expected: list[tuple[str, str]]) -> None:
    poll(lambda: shown(table, user) == expected or None, seconds=SECONDS, longest=0.2)


SEED = [message(minute, f"minute {minute}") for minute in range(3)]


def test_the_lists_follow_the_seed_and_sends_edits_and_deletions(deployment, table):
    deployment.deploy(SEED)
    wait_for(table, "tom", [("Jerry", "minute 2")])
    wait_for(table, "jerry", [("Tom", "minute 2")])
    table.put_item(Item=message(5, "hello", sender="Spike", recipient="Tom"))
    wait_for(table, "tom", [("Spike", "hello"), ("Jerry", "minute 2")])
    table.put_item(Item=message(9, "newest", sender="Jerry", recipient="Tom"))
    wait_for(table, "tom", [("Jerry", "newest"), ("Spike", "hello")])
    newest = message(9, "edited", sender="Jerry", recipient="Tom")
    table.put_item(Item=newest)
    wait_for(table, "jerry", [("Tom", "edited")])
    table.delete_item(Key={key: newest[key] for key in ("pk", "sk")})
    wait_for(table, "jerry", [("Tom", "minute 2")])
    wait_for(table, "tom", [("Spike", "hello"), ("Jerry", "minute 2")])


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
