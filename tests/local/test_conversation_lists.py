"""The deployed stream: every user's list follows the messages, through real CloudFormation."""

import json

import pytest

from cli.polling import poll
from tests.support.lists import message, shown

SECONDS = 60
SEED = [message(minute) for minute in range(3)]


def without_lists(stack):
    stack.conversations.node.scope.node.try_remove_child("Conversations")
    resource = stack.messages.table.node.default_child
    for name in ("GlobalSecondaryIndexes", "StreamSpecification"):
        resource.add_property_deletion_override(name)
    for attribute in (3, 2):
        resource.add_property_deletion_override(f"AttributeDefinitions.{attribute}")
    resource.add_property_deletion_override("Replicas.0.GlobalSecondaryIndexes")
    stack.node.try_remove_child("FailureQueueUrl")


def impatient(stack):
    mapping = stack.node.find_child("Conversations").indexing.function.node.find_child("Stream")
    mapping.node.default_child.add_property_override("MaximumRetryAttempts", 1)


@pytest.mark.usefixtures("bootstrapped")
def test_a_stack_of_before_gets_lists_by_an_update_and_they_follow_the_messages(client, ministack, stage):
    table = ministack.Table(stage.stack)

    def wait_for(user, *expected):
        poll(lambda: shown(table, user) == [*expected] or None, seconds=SECONDS, longest=0.2)

    stage.deploy(SEED, change=without_lists)
    outputs = stage.deploy([*SEED, message(3)], change=impatient)
    wait_for("tom", ("Jerry", "minute 3"))
    wait_for("jerry", ("Tom", "minute 3"))
    table.put_item(Item=message(5, "hello", sender="Spike", recipient="Tom"))
    wait_for("tom", ("Spike", "hello"), ("Jerry", "minute 3"))
    newest = message(9, "newest", sender="Jerry", recipient="Tom")
    table.put_item(Item=newest)
    wait_for("tom", ("Jerry", "newest"), ("Spike", "hello"))
    table.put_item(Item=newest | {"Body": "edited"})
    wait_for("jerry", ("Tom", "edited"))
    table.delete_item(Key={key: newest[key] for key in ("pk", "sk")})
    wait_for("jerry", ("Tom", "minute 3"))
    wait_for("tom", ("Spike", "hello"), ("Jerry", "minute 3"))

    # A record that cannot be indexed is kept in the failure queue, and holds up no other.
    table.put_item(Item={"pk": "CONVERSATION#not-a-pair", "sk": "MESSAGE#x#y"})
    table.put_item(Item=message(7, "after it"))
    wait_for("tom", ("Jerry", "after it"), ("Spike", "hello"))
    sqs, queue = client("sqs"), outputs["FailureQueueUrl"]
    (kept,) = poll(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), seconds=SECONDS, longest=0.2)
    assert json.loads(kept["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
    stage.destroy()
