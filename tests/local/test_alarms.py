"""Deployed alarms: what AWS Backup reports of this stage arrives where people subscribe."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.polling import poll
from embedded_aws.tests.support.steps import back_up, restored
from tests.support.deployment import Deployment

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
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
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


@pytest.fixture
def tested(client, deployment, setting):
    """``tested(pk)``: the job that restored the stage's table, with that item alone, as a test."""
    setting("backup_job_seconds", 0)
    setting("restore_job_seconds", 0)
    target = f"awsbackup-restore-test-{deployment.stage}"

    def tested(pk):
        known = deployment.deploy([], alarms=True, restore_testing=True)
        table = known["TableName"]
        client("dynamodb").put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": "#"}})
        made = back_up(client, known["BackupVaultName"], table, known["BackupRoleArn"])
        selection = client("backup").get_restore_testing_selection(
            RestoreTestingPlanName=deployment.stack.replace("-", "_"), RestoreTestingSelectionName="Table"
        )["RestoreTestingSelection"]
        return restored(
            client("backup"),
            RecoveryPointArn=made["RecoveryPointArn"],
            IamRoleArn=selection["IamRoleArn"],
            Metadata={"targetTableName": target, "encryptionType": "Default"},
        )["RestoreJobId"]

    yield tested
    client("dynamodb").delete_table(TableName=target)


class LookAlarm:
    """The alarm on the function that looks at what was restored as a test."""

    def __init__(self, client, stack):
        self._client = client
        name = f"{stack}-RestoreTest-Fault-Count-Alarm"
        (found,) = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert (found["Threshold"], found["ComparisonOperator"]) == (0, "GreaterThanThreshold")
        self._metric = {name: found[name] for name in ("Namespace", "MetricName", "Dimensions")}

    def look(self, job):
        """Call the function that it is on as the rule does."""
        (dimension,) = self._metric["Dimensions"]
        event = {"detail": {"restoreJobId": job, "status": "COMPLETED"}}
        self._client("lambda").invoke(FunctionName=dimension["Value"], Payload=json.dumps(event))

    def counted(self):
        """The sum of the metric that it is on."""
        now = datetime.now(UTC)
        found = self._client("cloudwatch").get_metric_statistics(
            **self._metric,
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in found)


@pytest.mark.parametrize(("pk", "verdict", "errors"), [("CONVERSATION#a#b", "SUCCESSFUL", 0), ("ORDER#1", "FAILED", 1)])
def test_a_restore_as_a_test_that_is_not_good_is_told(client, deployment, tested, pk, verdict, errors):
    job = tested(pk)
    alarm = LookAlarm(client, deployment.stack)
    alarm.look(job)
    assert client("backup").describe_restore_job(RestoreJobId=job)["ValidationStatus"] == verdict
    assert alarm.counted() == errors
    alarm.look(job)
    assert alarm.counted() == errors, "what Lambda tries again finds the verdict"


def test_that_nothing_could_look_at_a_restore_is_told_too(client, deployment):
    deployment.deploy([], alarms=True, restore_testing=True)
    alarm = LookAlarm(client, deployment.stack)
    alarm.look("unknown")
    assert alarm.counted() == 1
