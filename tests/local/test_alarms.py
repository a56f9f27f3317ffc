"""Deployed alarms: what AWS Backup reports of this stage arrives where people subscribe."""

import json

import pytest

from ops.polling import poll
from tests.local.deployment import Deployment

pytestmark = pytest.mark.usefixtures("bootstrapped")
# Only AWS services may send events from aws.*; the rules hear this one too while a test runs.
SOURCE = "test.backup"


@pytest.fixture
def deployment(client, name):
    made = Deployment(client, f"pr-{name}")
    yield made
    if made.status():
        made.destroy()


def heard_by_tests(stack):
    for rule in stack.alarms.node.find_child("Backup").node.children:
        rule.node.default_child.add_property_override("EventPattern.source", ["aws.backup", SOURCE])


def send(client, kind, **detail):
    entry = {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail)}
    answer = client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0


def subscribed(client, topic: str, name: str) -> str:
    """The URL of a new queue that hears what ``topic`` hears."""
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    answer = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = answer["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
             "Action": "sqs:SendMessage", "Resource": arn}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


def test_a_failed_job_and_an_expired_point_of_this_stage_are_told(client, deployment, name):
    outputs = deployment.deploy([], change=heard_by_tests, alarms=True)
    queue = subscribed(client, outputs["AlarmTopicArn"], name)
    vault = outputs["BackupVaultName"]
    send(client, "Backup Job State Change", backupVaultName=vault, state="COMPLETED")
    send(client, "Backup Job State Change", backupVaultName="another", state="FAILED")
    send(client, "Backup Job State Change", backupVaultName=vault, state="FAILED")
    send(client, "Restore Job State Change", iamRoleArn=outputs["RestoreRoleArn"], status="FAILED")
    send(client, "Recovery Point State Change", backupVaultName=vault, status="EXPIRED")

    told: list[tuple[str, str]] = []

    def three_are_told():
        received = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in received.get("Messages", []):
            event = json.loads(json.loads(message["Body"])["Message"])
            detail = event["detail"]
            told.append((event["detail-type"], detail.get("state") or detail["status"]))
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(told) >= 3 or None

    poll(three_are_told, seconds=30, longest=0.2)
    assert sorted(told) == [
        ("Backup Job State Change", "FAILED"),
        ("Recovery Point State Change", "EXPIRED"),
        ("Restore Job State Change", "FAILED"),
    ]
    client("sqs").delete_queue(QueueUrl=queue)


def test_alarms_are_deployed_and_go_with_the_stack(client, deployment):
    deployment.deploy([], alarms=True, alarm_email="team@example.org")
    cloudwatch = client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNamePrefix=deployment.stack)["MetricAlarms"]
    assert f"{deployment.stack}-Seeding-Fault-Count-Alarm" in {one["AlarmName"] for one in found}
    deployment.destroy()
    assert cloudwatch.describe_alarms(AlarmNamePrefix=deployment.stack)["MetricAlarms"] == []
    dashboards = cloudwatch.list_dashboards(DashboardNamePrefix=deployment.stack)
    assert dashboards["DashboardEntries"] == []
