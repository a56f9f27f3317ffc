"""Deployed alarms: what AWS Backup reports of this stage reaches the subscribers, and so does a bad restore test."""

import json

import pytest
from aws_cdk import aws_events as events

from cli.polling import poll
from embedded_aws.tests.support.steps import allow, back_up, policy, restored
from tests.support.deployment import Deployment

# Only AWS services may send events from aws.*; the rules also accept this source while a test runs.
SOURCE = "test.backup"
STAGE, STACK = "pr-alarms", "Messages-pr-alarms"


def accept_events_of_tests(stack):
    rules = [child for child in stack.alarms.node.find_child("Backup").node.children if isinstance(child, events.Rule)]
    for rule in rules:
        rule.node.default_child.add_property_override("EventPattern.source", ["aws.backup", SOURCE])


@pytest.fixture(scope="module")
def outputs(client, bootstrapped):  # noqa: ARG001 (it must be there)
    """The outputs of one stage; its alarms and its dashboard are deleted with it."""
    made = Deployment(client, STAGE)
    settings = {"alarms": True, "alarm_email": "team@example.org", "restore_testing": True}
    yield made.deploy([], change=accept_events_of_tests, **settings)
    made.destroy()
    cloudwatch = client("cloudwatch")
    assert cloudwatch.describe_alarms(AlarmNamePrefix=STACK)["MetricAlarms"] == []
    assert cloudwatch.list_dashboards(DashboardNamePrefix=STACK)["DashboardEntries"] == []


def send(client, kind, **detail):
    entry = {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail)}
    assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def subscribed(client, topic: str, name: str) -> str:
    """The URL of a new queue that receives what ``topic`` does."""
    receiving = policy(allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"}))
    queue = client("sqs").create_queue(QueueName=name, Attributes={"Policy": receiving})["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])
    return queue


def test_a_failed_job_and_an_expired_point_of_this_stage_are_sent(client, outputs, name):
    queue = subscribed(client, outputs["AlarmTopicArn"], name)
    vault, job = outputs["BackupVaultName"], "Backup Job State Change"
    send(client, job, backupVaultName=vault, state="COMPLETED")
    send(client, job, backupVaultName="another", state="FAILED")
    send(client, job, backupVaultName=vault, state="FAILED")
    send(client, "Restore Job State Change", iamRoleArn=outputs["RestoreRoleArn"], status="FAILED")
    send(client, "Recovery Point State Change", backupVaultName=vault, status="EXPIRED")

    seen: list[tuple[str, str]] = []

    def three_are_sent():
        received = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in received.get("Messages", []):
            event = json.loads(json.loads(message["Body"])["Message"])
            seen.append((event["detail-type"].split()[0], event["detail"].get("state") or event["detail"]["status"]))
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(seen) >= 3 or None

    poll(three_are_sent, seconds=60, longest=0.2)
    assert sorted(seen) == [("Backup", "FAILED"), ("Recovery", "EXPIRED"), ("Restore", "FAILED")]


@pytest.fixture
def validation(client, outputs):  # noqa: ARG001 (it must be there)
    """``validation(job)``: call the validating function as the rule does; whether its alarm counts an error."""
    names = [f"{STACK}-RestoreTest-Fault-Count-Alarm"]
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    (dimension,) = alarm["Dimensions"]

    def validate(job):
        event = {"detail": {"restoreJobId": job, "status": "COMPLETED"}}
        called = client("lambda").invoke(FunctionName=dimension["Value"], Payload=json.dumps(event))
        return "FunctionError" in called

    return validate


@pytest.fixture
def tested(client, outputs, setting):
    """``tested(pk)``: the job that restored the stage's table, with that item alone, as a test."""
    setting("backup_job_seconds", 0)
    setting("restore_job_seconds", 0)
    target, key, table = f"awsbackup-restore-test-{STAGE}", {"sk": {"S": "#"}}, outputs["TableName"]

    def tested(pk):
        key["pk"] = {"S": pk}
        client("dynamodb").put_item(TableName=table, Item=key)
        made = back_up(client, outputs["BackupVaultName"], table, outputs["BackupRoleArn"])
        selection = client("backup").get_restore_testing_selection(
            RestoreTestingPlanName=STACK.replace("-", "_"), RestoreTestingSelectionName="Table"
        )["RestoreTestingSelection"]
        return restored(
            client("backup"),
            RecoveryPointArn=made["RecoveryPointArn"],
            IamRoleArn=selection["IamRoleArn"],
            Metadata={"targetTableName": target, "encryptionType": "Default"},
        )["RestoreJobId"]

    yield tested
    client("dynamodb").delete_table(TableName=target)
    client("dynamodb").delete_item(TableName=table, Key=key)


@pytest.mark.parametrize(
    ("pk", "verdict", "fails"), [("CONVERSATION#a#b", "SUCCESSFUL", False), ("ORDER#1", "FAILED", True)]
)
def test_a_restore_test_that_is_not_good_or_cannot_be_validated_raises_the_alarm(
    client, tested, validation, pk, verdict, fails
):
    job = tested(pk)
    assert validation(job) is fails
    assert client("backup").describe_restore_job(RestoreJobId=job)["ValidationStatus"] == verdict
    assert not validation(job), "a retry by Lambda finds the verdict"
    assert validation("unknown")
