"""Alarms, dashboard and topic in the template of a stage with the setting ``alarms``."""

import json

import pytest

from tests.support.templates import KEYED, ROLE, granted, properties, stack

ALARM, RULE, TOPIC = "AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::SNS::Topic"
SUBSCRIPTION = "AWS::SNS::Subscription"
ON = {"alarms": True}
ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def alarms(**settings) -> dict[str, dict]:
    """The alarms by their names, without the stack's."""
    found = stack(**ON, **settings).find_resources(ALARM).values()
    return {alarm["Properties"]["AlarmName"].removeprefix("Messages-dev-"): alarm["Properties"] for alarm in found}


def patterns(**settings) -> dict[str, dict]:
    """What the rules listen to in an event's detail, by its kind."""
    found = [rule["Properties"]["EventPattern"] for rule in stack(**ON, **settings).find_resources(RULE).values()]
    return {json.dumps(pattern["detail"]): pattern["detail-type"][0] for pattern in found}


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({"restore_testing": True}, {"RestoreTest-Fault-Count-Alarm"}),
        (
            {"seed_dataset": "s3://bucket/messages.jsonl"},
            {"Dataset-Failure-Count-Alarm", "Dataset-TimedOut-Count-Alarm"},
        ),
    ],
)
def test_a_dataset_and_restore_tests_are_watched_where_there_are_any(settings, more):
    assert set(alarms(**settings)) - set(alarms()) == more


def test_every_alarm_is_sent_to_the_topic():
    (topic,) = stack(**ON).find_resources(TOPIC)
    for name, alarm in alarms(restore_testing=True).items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm.get("ActionsEnabled", True) is True
        assert alarm["TreatMissingData"] == "notBreaching", "no traffic is no alarm"


@pytest.mark.parametrize(
    "name", ["Seeding-Fault-Count-Alarm", "Failures-Queue-Message-Count-Max-Alarm", "RestoreTest-Fault-Count-Alarm"]
)
def test_what_happens_only_once_alarms_at_once(name):
    alarm = alarms(restore_testing=True)[name]
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (1, 1)


def test_errors_of_dynamodb_itself_are_added_also_where_an_operation_was_not_called():
    alarm = alarms()["Table-SystemError-Count-Alarm"]
    (expression,) = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
    assert expression == "SUM(METRICS())"
    assert len(alarm["Metrics"]) <= 11, "an expression over at most ten metrics"


def test_a_lagging_stream_alarms_before_its_records_go_to_the_failure_queue():
    mapping = properties(stack(**ON), "AWS::Lambda::EventSourceMapping")
    lag = alarms()["Indexing-Iterator-Age-Max-Alarm"]["Threshold"]
    assert 0 < lag < mapping["MaximumRecordAgeInSeconds"] * 1000


def test_the_rules_send_the_stages_own_backup_events():
    kinds = {f"{job} Job State Change" for job in ("Backup", "Copy", "Restore")} | {"Recovery Point State Change"}
    assert set(patterns().values()) == kinds
    for detail in patterns():
        assert "EXPIRED" in detail
        assert "Fn::GetAtt" in detail, "another stage's jobs are not ours"
    (restores,) = [json.loads(detail)["iamRoleArn"] for detail in patterns(restore_testing=True) if "iamRole" in detail]
    assert len(restores) == 2, "restores by a person, and restore tests"


def test_the_mail_address_is_subscribed():
    subscription = properties(stack(**ON, alarm_email="team@example.org"), SUBSCRIPTION)
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "team@example.org")
    stack(**ON).resource_count_is(SUBSCRIPTION, 0)


def test_only_alarms_and_rules_of_this_account_may_publish():
    policy = properties(stack(**ON), "AWS::SNS::TopicPolicy")["PolicyDocument"]
    allowed = {s["Principal"]["Service"]: s.get("Condition") for s in policy["Statement"] if s["Effect"] == "Allow"}
    assert allowed == {"cloudwatch.amazonaws.com": ACCOUNT}
    rules = stack(**ON).find_resources(RULE).values()
    (arn,) = {json.dumps(rule["Properties"]["Targets"][0]["RoleArn"]) for rule in rules}
    name, _ = json.loads(arn)["Fn::GetAtt"]
    (trust,) = stack(**ON).find_resources(ROLE)[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Principal"], trust["Condition"]) == ({"Service": "events.amazonaws.com"}, ACCOUNT)
    assert [*granted(stack(**ON), "AlarmsBackupRole")] == ["sns:Publish"]


def test_a_customer_key_encrypts_the_topic_and_lets_its_publishers_use_it():
    template = stack(**ON, **KEYED)
    assert "KmsMasterKeyId" in properties(template, TOPIC)
    statements = properties(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    ((service, condition),) = (
        (s["Principal"]["Service"], s["Condition"]) for s in statements if "Service" in s["Principal"]
    )
    assert service == "cloudwatch.amazonaws.com"
    arn = condition["StringLike"]["kms:EncryptionContext:aws:sns:topicArn"]["Fn::Join"][1]
    assert arn[-1] == ":Messages-dev-*"
    assert {"kms:Decrypt", "kms:GenerateDataKey"} < {*granted(template, "AlarmsBackupRole")}
