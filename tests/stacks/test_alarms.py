"""Alarms, dashboard and topic in the template of a stage with the setting ``alarms``."""

import json

from tests.support.templates import KEYED, ROLE, granted, properties, stack

ALARM, RULE, TOPIC = "AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::SNS::Topic"
SUBSCRIPTION = "AWS::SNS::Subscription"
ON = {"alarms": True}
# With everything that is watched.
ALL = ON | {"restore_testing": True, "seed_dataset": "s3://bucket/messages.jsonl", "alarm_email": "team@example.org"}
ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def alarms(**settings) -> dict[str, dict]:
    """The alarms by their names, without the stack's."""
    found = stack(**settings).find_resources(ALARM).values()
    return {alarm["Properties"]["AlarmName"].removeprefix("Messages-dev-"): alarm["Properties"] for alarm in found}


def test_every_alarm_is_sent_to_the_topic_and_datasets_and_restore_tests_have_theirs():
    found = alarms(**ALL)
    (topic,) = stack(**ALL).find_resources(TOPIC)
    for name, alarm in found.items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm.get("ActionsEnabled", True) is True
        assert alarm["TreatMissingData"] == "notBreaching", "no traffic is no alarm"
    more = {"RestoreTest-Fault-Count-Alarm", "Dataset-Failure-Count-Alarm", "Dataset-TimedOut-Count-Alarm"}
    assert set(found) - set(alarms(**ON)) == more
    for once in (*more, "Seeding-Fault-Count-Alarm", "Failures-Queue-Message-Count-Max-Alarm"):
        assert (found[once]["EvaluationPeriods"], found[once]["DatapointsToAlarm"]) == (1, 1), once
    subscription = properties(stack(**ALL), SUBSCRIPTION)
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "team@example.org")


def test_errors_of_dynamodb_itself_are_added_also_where_an_operation_was_not_called():
    alarm = alarms(**ON)["Table-SystemError-Count-Alarm"]
    (expression,) = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
    assert expression == "SUM(METRICS())"
    assert len(alarm["Metrics"]) <= 11, "an expression over at most ten metrics"


def test_a_lagging_stream_alarms_before_its_records_go_to_the_failure_queue():
    mapping = properties(stack(**ON), "AWS::Lambda::EventSourceMapping")
    lag = alarms(**ON)["Indexing-Iterator-Age-Max-Alarm"]["Threshold"]
    assert 0 < lag < mapping["MaximumRecordAgeInSeconds"] * 1000


def test_the_rules_send_the_stages_own_backup_events():
    rules = [rule["Properties"]["EventPattern"] for rule in stack(**ALL).find_resources(RULE).values()]
    found = {rule["detail-type"][0]: rule["detail"] for rule in rules if "EXPIRED" in str(rule["detail"])}
    kinds = {f"{job} Job State Change" for job in ("Backup", "Copy", "Restore")} | {"Recovery Point State Change"}
    assert found.keys() == kinds
    assert all("Ref" in str(detail) or "Fn::GetAtt" in str(detail) for detail in found.values()), "others' jobs"
    assert len(found["Restore Job State Change"]["iamRoleArn"]) == 2, "restores by a person, and restore tests"


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
    (service,) = [
        s for s in properties(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"] if "Service" in s["Principal"]
    ]
    assert service["Principal"]["Service"] == "cloudwatch.amazonaws.com"
    arn = service["Condition"]["StringLike"]["kms:EncryptionContext:aws:sns:topicArn"]["Fn::Join"][1]
    assert arn[-1] == ":Messages-dev-*"
    assert {"kms:Decrypt", "kms:GenerateDataKey"} < {*granted(template, "AlarmsBackupRole")}
