"""Drift detection: changes by hand are named by CloudFormation and by `cdk drift`.

Sources: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources
with drift detection"; API_StackResourceDrift, API_PropertyDifference; which types are compared:
those whose registry schema has a read handler.
"""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json

import pytest

from stacks.settings import settings_from_context
from tests.conftest import PROJECT
from tests.support.deployment import Deployment
from tests.support.own_account import aws, bootstrapped, client  # noqa: F401 (fixtures)
from tests.support.pipeline_steps import Job

TABLE, RECOVERY = "AWS::DynamoDB::GlobalTable", "/Replicas/0/PointInTimeRecoverySpecification"
# Settings that add resources which tests change by hand.
FULL = {
    "alarms": True,
    "billing_mode": "provisioned",
    "customer_key": True,
    "monthly_backup_retention_days": 60,
    "region": "us-east-1",
    "restore_testing": True,
    "vault_lock": "governance",
}
ID = object()  # in the arguments of a call: the physical id


@pytest.fixture(scope="module")
def deploy(client, bootstrapped):  # noqa: ARG001 (it must be there)
    """``deploy("prod")``: the stack's name. Settings as in cdk.json, but for the arguments."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]

    def make(stage, **settings):
        of_stage = vars(settings_from_context(context | {"stage": stage})) | settings
        del of_stage["stage"]
        deployment = Deployment(client, stage)
        deployment.deploy([], **of_stage)
        return deployment.stack

    return make


@pytest.fixture(scope="module")
def full(client, deploy):
    """The resources of a stack with everything by their types, one of each."""
    stack = deploy("full", **FULL)
    return {each["ResourceType"]: each for each in reversed(resources_of(client, stack))}


def resources_of(client, stack):
    return client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]


def drift_of(client, resource):
    request = {name: resource[name] for name in ("StackName", "LogicalResourceId")}
    return client("cloudformation").detect_stack_resource_drift(**request)["StackResourceDrift"]


def drifts(client, stack):
    """What a detection says about each resource that it compares."""
    client("cloudformation").detect_stack_drift(StackName=stack)
    pages = client("cloudformation").describe_stack_resource_drifts(StackName=stack, MaxResults=100)
    assert "NextToken" not in pages
    return pages["StackResourceDrifts"]


def test_cdk_drift_ends_with_status_0_until_something_is_changed_or_deleted(aws, client, deploy, tmp_path):
    table, job = deploy("prod"), Job(aws, {}, tmp_path / "checkout")

    def cdk_drift():
        done = job.run("cdk", "-c", "stage=prod", "drift", "--fail")
        return done.returncode, done.stdout

    status, printed = cdk_drift()
    assert (status, "No drift detected" in printed) == (0, True), printed
    dynamodb = client("dynamodb")
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    status, printed = cdk_drift()
    assert status == 1, printed
    assert f"[~] {TABLE} Messages/Table MessagesTable" in printed
    assert f"{RECOVERY}/PointInTimeRecoveryEnabled" in printed
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    status, printed = cdk_drift()
    assert status == 1, printed
    assert f"[-] {TABLE} Messages/Table MessagesTable" in printed


@pytest.mark.parametrize(
    "settings",
    [
        FULL,
        {"billing_mode": "provisioned", "max_read_capacity": 20, "max_write_capacity": 30},
        {"max_read_units": 100, "max_write_units": 50, "pitr_days": 0},
        {"tags": {"team": "chat"}, "backups_on_destroy": "delete", "backup_time": "23:30"},
    ],
    ids=["everything", "autoscaled", "limited", "tagged"],
)
def test_every_type_that_cloudformation_can_read_is_compared_and_in_sync(settings, client, deploy, name):
    # Here: it takes long to load.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    def readable(kind):
        return "read" in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]

    stack = deploy(f"pr-{name[-4:]}", **settings)
    compared = drifts(client, stack)
    assert [each for each in compared if each["StackResourceDriftStatus"] != "IN_SYNC"] == []
    kinds = {each["ResourceType"] for each in resources_of(client, stack)}
    expected = {kind for kind in kinds if kind.startswith("AWS::") and readable(kind)}
    assert {each["ResourceType"] for each in compared} == expected


RETAG = [{"Key": "messages:stack", "Value": "other"}]
STACK_TAG = ("Messages-full", "other")
OPEN = json.dumps({"Version": "2012-10-17", "Statement": []})
ALARM = {
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Period": 60,
    "Threshold": 99,
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
}
THREE_DAYS = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 3}
UNITS = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 5}
READS = "/Replicas/0/ReadProvisionedThroughputSettings/ReadCapacityUnits"
TESTS = {"ScheduleExpression": "cron(0 1 ? * MON *)"}
# The type, the path that differs, the values expected and found where they are known, and the call that changes it.
CHANGES = [
    (
        TABLE,
        f"{RECOVERY}/RecoveryPeriodInDays",
        ("7", "3"),
        "dynamodb.update_continuous_backups",
        {"TableName": ID, "PointInTimeRecoverySpecification": THREE_DAYS},
    ),
    (
        TABLE,
        "/Replicas/0/DeletionProtectionEnabled",
        ("false", "true"),
        "dynamodb.update_table",
        {"TableName": ID, "DeletionProtectionEnabled": True},
    ),
    (TABLE, READS, ("5", "9"), "dynamodb.update_table", {"TableName": ID, "ProvisionedThroughput": UNITS}),
    (
        TABLE,
        "/Replicas/0/Tags/0/Value",
        STACK_TAG,
        "dynamodb.tag_resource",
        {"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Messages-full", "Tags": RETAG},
    ),
    (
        "AWS::Backup::BackupVault",
        "/LockConfiguration/MaxRetentionDays",
        ("60", "null"),
        "backup.put_backup_vault_lock_configuration",
        {"BackupVaultName": ID, "MinRetentionDays": 7},
    ),
    ("AWS::CloudWatch::Alarm", "/Threshold", None, "cloudwatch.put_metric_alarm", {"AlarmName": ID} | ALARM),
    ("AWS::Events::Rule", "/State", ("ENABLED", "DISABLED"), "events.disable_rule", {"Name": ID}),
    (
        "AWS::IAM::Role",
        "/AssumeRolePolicyDocument/Statement/0",
        None,
        "iam.update_assume_role_policy",
        {"RoleName": ID, "PolicyDocument": OPEN},
    ),
    ("AWS::KMS::Key", "/EnableKeyRotation", ("true", "false"), "kms.disable_key_rotation", {"KeyId": ID}),
    (
        "AWS::Lambda::EventSourceMapping",
        "/BatchSize",
        ("100", "7"),
        "lambda.update_event_source_mapping",
        {"UUID": ID, "BatchSize": 7},
    ),
    (
        "AWS::Lambda::Function",
        "/Timeout",
        None,
        "lambda.update_function_configuration",
        {"FunctionName": ID, "Timeout": 61},
    ),
    (
        "AWS::Logs::LogGroup",
        "/RetentionInDays",
        ("30", "1"),
        "logs.put_retention_policy",
        {"logGroupName": ID, "retentionInDays": 1},
    ),
    ("AWS::SNS::Topic", "/Tags/0/Value", STACK_TAG, "sns.tag_resource", {"ResourceArn": ID, "Tags": RETAG}),
    (
        "AWS::SQS::Queue",
        "/SqsManagedSseEnabled",
        ("true", "false"),
        "sqs.set_queue_attributes",
        {"QueueUrl": ID, "Attributes": {"SqsManagedSseEnabled": "false"}},
    ),
    (
        "AWS::Backup::RestoreTestingPlan",
        "/ScheduleExpression",
        None,
        "backup.update_restore_testing_plan",
        {"RestoreTestingPlanName": ID, "RestoreTestingPlan": TESTS},
    ),
]


@pytest.mark.parametrize(("kind", "path", "values", "operation", "arguments"), CHANGES)
def test_a_change_by_hand_is_named_with_both_values(kind, path, values, operation, arguments, client, full):
    service, _, call = operation.partition(".")
    physical_id = full[kind]["PhysicalResourceId"]
    getattr(client(service), call)(**{name: physical_id if value is ID else value for name, value in arguments.items()})
    drift = drift_of(client, full[kind])
    assert drift["StackResourceDriftStatus"] == "MODIFIED"
    found = {each["PropertyPath"]: each for each in drift["PropertyDifferences"]}
    assert path in found
    assert values in (None, (found[path]["ExpectedValue"], found[path]["ActualValue"]))


def test_a_backup_plan_with_another_retention_is_named_rule_by_rule(client, full):
    backup, resource = client("backup"), full["AWS::Backup::BackupPlan"]
    plan_id = resource["PhysicalResourceId"]
    plan = backup.get_backup_plan(BackupPlanId=plan_id)["BackupPlan"]
    for rule in plan["Rules"]:
        del rule["RuleId"]
    # A default that AWS Backup adds, and no template sets, is not a difference.
    plan["Rules"][0] |= {"Lifecycle": {"DeleteAfterDays": 1}, "StartWindowMinutes": 480}
    del plan["Rules"][1]
    backup.update_backup_plan(BackupPlanId=plan_id, BackupPlan=plan)
    differences = drift_of(client, resource)["PropertyDifferences"]
    assert [(d["PropertyPath"], d["DifferenceType"]) for d in differences] == [
        ("/BackupPlan/BackupPlanRule/0/Lifecycle/DeleteAfterDays", "NOT_EQUAL"),
        ("/BackupPlan/BackupPlanRule/1", "REMOVE"),
    ]


def test_what_was_deleted_by_hand_is_named_as_deleted(client, deploy):
    stack = deploy("bare", alarms=True)
    ids = {each["ResourceType"]: each["PhysicalResourceId"] for each in resources_of(client, stack)}
    backup, plan, rule = client("backup"), ids["AWS::Backup::BackupPlan"], ids["AWS::Events::Rule"]
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=ids["AWS::Backup::BackupSelection"])
    backup.delete_backup_plan(BackupPlanId=plan)
    backup.delete_backup_vault(BackupVaultName=ids["AWS::Backup::BackupVault"])
    client("cloudwatch").delete_alarms(AlarmNames=[ids["AWS::CloudWatch::Alarm"]])
    client("cloudwatch").delete_dashboards(DashboardNames=[ids["AWS::CloudWatch::Dashboard"]])
    client("events").remove_targets(Rule=rule, Ids=["Target0"])
    client("events").delete_rule(Name=rule)
    client("lambda").delete_event_source_mapping(UUID=ids["AWS::Lambda::EventSourceMapping"])
    client("lambda").delete_function(FunctionName=ids["AWS::Lambda::Function"])
    client("logs").delete_log_group(logGroupName=ids["AWS::Logs::LogGroup"])
    client("sns").delete_topic(TopicArn=ids["AWS::SNS::Topic"])
    client("sqs").delete_queue(QueueUrl=ids["AWS::SQS::Queue"])
    found = drifts(client, stack)
    deleted = {d["ResourceType"]: d["PhysicalResourceId"] for d in found if d["StackResourceDriftStatus"] == "DELETED"}
    kept = (TABLE, "AWS::IAM::Role")
    assert deleted == {kind: ids[kind] for kind in {d["ResourceType"] for d in found} if kind not in kept}
