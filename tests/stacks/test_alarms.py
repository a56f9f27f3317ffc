"""Alarms, dashboard and topic in the template of a stage that wants them."""

import json

import pytest

from stacks.settings import SettingsError
from tests.support.templates import ROLE, only, stack
from tests.support.templates import statements as statements_of

ALARM, RULE, TOPIC = "AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::SNS::Topic"
ON = {"alarms": True}


def alarms(**settings) -> dict[str, dict]:
    """The alarms by their names, less the stack's."""
    found = stack(**ON, **settings).find_resources(ALARM).values()
    return {alarm["Properties"]["AlarmName"].removeprefix("Messages-dev-"): alarm["Properties"] for alarm in found}


def test_a_stage_without_alarms_has_nothing_of_them():
    for kind in (ALARM, RULE, TOPIC, "AWS::CloudWatch::Dashboard"):
        stack().resource_count_is(kind, 0)


def test_what_is_watched():
    assert set(alarms()) == {
        "Table-Read-Throttled-Events-Alarm",
        "Table-Write-Throttled-Events-Alarm",
        "Table-SystemError-Count-Alarm",
        "Index-Read-Throttled-Events-Alarm",
        "Index-Write-Throttled-Events-Alarm",
        "Indexing-Fault-Count-Alarm",
        "Indexing-Throttled-Count-Alarm",
        "Indexing-Iterator-Age-Max-Alarm",
        "Failures-Queue-Message-Count-Max-Alarm",
        "Seeding-Fault-Count-Alarm",
    }


def test_a_load_of_a_dataset_is_watched_too():
    more = set(alarms(seed_dataset="s3://bucket/messages.jsonl")) - set(alarms())
    assert more == {"Dataset-Failure-Count-Alarm", "Dataset-TimedOut-Count-Alarm"}


def test_restores_as_a_test_are_watched_where_there_are_any():
    more = set(alarms(restore_testing=True)) - set(alarms())
    assert more == {"RestoreTest-Fault-Count-Alarm"}


def test_every_alarm_tells_the_topic():
    (topic,) = stack(**ON).find_resources(TOPIC)
    for name, alarm in alarms(restore_testing=True).items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm.get("ActionsEnabled", True) is True
        assert alarm["TreatMissingData"] == "notBreaching", "no traffic is no alarm"


@pytest.mark.parametrize(
    "name", ["Seeding-Fault-Count-Alarm", "Failures-Queue-Message-Count-Max-Alarm", "RestoreTest-Fault-Count-Alarm"]
)
def test_what_happens_only_once_is_told_at_once(name):
    alarm = alarms(restore_testing=True)[name]
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (1, 1)


def test_errors_of_dynamodb_itself_are_added_up_also_where_an_operation_was_not_called():
    alarm = alarms()["Table-SystemError-Count-Alarm"]
    (expression,) = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
    assert expression == "SUM(METRICS())"
    assert len(alarm["Metrics"]) <= 11, "an expression over at most ten metrics"


def test_a_restore_as_a_test_that_fails_is_told_too():
    rules = stack(alarms=True, restore_testing=True).find_resources(RULE).values()
    (restores,) = [
        rule["Properties"]["EventPattern"]["detail"]["iamRoleArn"]
        for rule in rules
        if "iamRoleArn" in rule["Properties"]["EventPattern"]["detail"]
    ]
    assert len(restores) == 2


def test_a_stream_is_told_of_before_its_records_are_given_up():
    mapping = only(stack(**ON), "AWS::Lambda::EventSourceMapping")["Properties"]
    lag = alarms()["Indexing-Iterator-Age-Max-Alarm"]["Threshold"]
    assert 0 < lag < mapping["MaximumRecordAgeInSeconds"] * 1000


def test_the_stages_own_backup_events_are_told():
    rules = stack(**ON).find_resources(RULE).values()
    patterns = {
        rule["Properties"]["EventPattern"]["detail-type"][0]: rule["Properties"]["EventPattern"] for rule in rules
    }
    assert set(patterns) == {
        "Backup Job State Change",
        "Copy Job State Change",
        "Restore Job State Change",
        "Recovery Point State Change",
    }
    for pattern in patterns.values():
        assert "EXPIRED" in json.dumps(pattern["detail"])
        assert "Fn::GetAtt" in json.dumps(pattern["detail"]), "another stage's jobs are not ours"


def test_the_dashboard_is_named_after_the_stage():
    dashboard = only(stack(**ON), "AWS::CloudWatch::Dashboard")
    assert dashboard["Properties"]["DashboardName"] == "Messages-dev"


def test_the_mail_address_is_subscribed():
    template = stack(**ON, alarm_email="team@example.org")
    subscription = only(template, "AWS::SNS::Subscription")["Properties"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "team@example.org")
    stack(**ON).resource_count_is("AWS::SNS::Subscription", 0)


ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_only_alarms_of_this_account_may_publish():
    policy = only(stack(**ON), "AWS::SNS::TopicPolicy")["Properties"]["PolicyDocument"]
    allowed = {
        statement["Principal"]["Service"]: statement.get("Condition")
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
    }
    assert allowed == {"cloudwatch.amazonaws.com": ACCOUNT}


def test_rules_publish_as_a_role_that_events_of_this_account_alone_assume():
    rules = stack(**ON).find_resources(RULE).values()
    (arn,) = {json.dumps(rule["Properties"]["Targets"][0]["RoleArn"]) for rule in rules}
    role, _ = json.loads(arn)["Fn::GetAtt"]
    properties = stack(**ON).find_resources(ROLE)[role]["Properties"]
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"] == ACCOUNT
    (policy,) = [
        found["Properties"]["PolicyDocument"]["Statement"]
        for found in stack(**ON).find_resources("AWS::IAM::Policy").values()
        if {"Ref": role} in found["Properties"]["Roles"]
    ]
    assert [statement["Action"] for statement in policy] == ["sns:Publish"]


def test_a_customer_key_encrypts_the_topic_and_lets_its_publishers_use_it():
    template = stack(**ON, customer_key=True, region="eu-west-1")
    assert "KmsMasterKeyId" in only(template, TOPIC)["Properties"]
    statements = only(template, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    services = {s["Principal"]["Service"]: s["Condition"] for s in statements if "Service" in s["Principal"]}
    assert set(services) == {"cloudwatch.amazonaws.com"}
    pattern = services["cloudwatch.amazonaws.com"]["StringLike"]
    arn = pattern["kms:EncryptionContext:aws:sns:topicArn"]["Fn::Join"][1]
    assert arn[-1] == ":Messages-dev-*"
    using = [s for s in statements_of(template) if "kms:GenerateDataKey" in s["Action"]]
    assert ["kms:Decrypt", "kms:GenerateDataKey"] in [s["Action"] for s in using]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alarm_email": "team@example.org"}, "has no effect without the setting 'alarms'"),
        ({"alarms": True, "alarm_email": "nobody"}, "one address such as team@example.org"),
    ],
)
def test_an_address_that_would_never_be_told_is_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        stack(**settings)
