"""Drift detection: changes by hand are named by CloudFormation and by `cdk drift`.

Sources: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources
with drift detection"; API_StackResourceDrift, API_PropertyDifference; which types are compared:
those whose registry schema has a read handler.
"""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json

import pytest

from embedded_aws.tests.support.steps import eventually
from stacks.settings import settings_from_context
from tests.conftest import context
from tests.support.deployment import Deployment
from tests.support.own_account import aws, bootstrapped, client  # noqa: F401 (fixtures)
from tests.support.pipeline_steps import Job

TABLE, RECOVERY = "AWS::DynamoDB::GlobalTable", "/Replicas/0/PointInTimeRecoverySpecification"
PROTECTED = "/Replicas/0/DeletionProtectionEnabled"
READS = "/Replicas/0/ReadProvisionedThroughputSettings/ReadCapacityUnits"
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
SCALED = {"billing_mode": "provisioned", "max_read_capacity": 20, "max_write_capacity": 30}
BARE = {"alarms": True, "max_read_units": 100, "max_write_units": 50, "pitr_days": 0}


@pytest.fixture(scope="module")
def deploy(client, bootstrapped):  # noqa: ARG001 (it must be there)
    """``deploy("prod")``: the stack's name. Settings as in cdk.json, except for the arguments."""

    def make(stage, **settings):
        of_stage = vars(settings_from_context(context() | {"stage": stage})) | settings
        del of_stage["stage"]
        deployment = Deployment(client, stage)
        deployment.deploy([], **of_stage)
        return deployment.stack

    return make


def resources_of(client, stack):
    """The resources of a stack by their types, the first of each."""
    found = client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {each["ResourceType"]: each for each in reversed(found)}


def drifts(client, stack):
    """What a detection says about each resource that it compares."""
    client("cloudformation").detect_stack_drift(StackName=stack)
    pages = client("cloudformation").describe_stack_resource_drifts(StackName=stack, MaxResults=100)
    assert "NextToken" not in pages
    return pages["StackResourceDrifts"]


def assert_all_in_sync(client, stack):
    """Every type that CloudFormation can read is compared, and nothing differs."""
    # Here: it takes long to load.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    def readable(kind):
        return "read" in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]

    compared = drifts(client, stack)
    assert [each for each in compared if each["StackResourceDriftStatus"] != "IN_SYNC"] == []
    expected = {kind for kind in resources_of(client, stack) if kind.startswith("AWS::") and readable(kind)}
    assert {each["ResourceType"] for each in compared} == expected


@pytest.fixture(scope="module")
def full(client, deploy):
    """The resources of a stack with everything, by their types."""
    stack = deploy("full", **FULL)
    assert_all_in_sync(client, stack)
    return resources_of(client, stack)


def drift_of(client, resource):
    """What a detection says about one resource."""
    request = {name: resource[name] for name in ("StackName", "LogicalResourceId")}
    return client("cloudformation").detect_stack_resource_drift(**request)["StackResourceDrift"]


def test_cdk_drift_ends_with_status_0_until_something_is_changed_or_deleted(aws, client, deploy, tmp_path):
    table, job = deploy("prod"), Job(aws, {}, tmp_path / "checkout")

    def cdk_drift(status):
        done = job.run("cdk", "-c", "stage=prod", "drift", "--fail")
        assert done.returncode == status, done.stdout
        return done.stdout

    assert "No drift detected" in cdk_drift(0)
    dynamodb = client("dynamodb")
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    printed = cdk_drift(1)
    assert f"[~] {TABLE} Messages/Table MessagesTable" in printed
    assert f"{RECOVERY}/PointInTimeRecoveryEnabled" in printed
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    assert f"[-] {TABLE} Messages/Table MessagesTable" in cdk_drift(1)


def test_a_scaled_and_tagged_stack_is_in_sync(client, deploy):
    more = {"tags": {"team": "chat"}, "backups_on_destroy": "delete", "backup_time": "23:30"}
    assert_all_in_sync(client, deploy("pr-scaled", **SCALED, **more))


RETAG = [{"Key": "messages:stack", "Value": "other"}]
STACK_TAG = "Messages-full other"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/Messages-full"
DAYS = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 3}}
UNITS = {"ProvisionedThroughput": {"ReadCapacityUnits": 9, "WriteCapacityUnits": 5}}
ALARM = {"Threshold": 99, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}
OPEN = {"PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": []})}
PLAIN = {"Attributes": {"SqsManagedSseEnabled": "false"}}
TESTS = {"RestoreTestingPlan": {"ScheduleExpression": "cron(0 1 ? * MON *)"}}
RECOVER = "dynamodb.update_continuous_backups TableName"
LOCK = "backup.put_backup_vault_lock_configuration BackupVaultName"
MAP = "lambda.update_event_source_mapping UUID"
RETAIN = "logs.put_retention_policy logGroupName"
RETEST = "backup.update_restore_testing_plan RestoreTestingPlanName"
# The type, the path that differs, the values expected and found where they are known, the call that
# changes it with the parameter for the physical id, and its other arguments.
CHANGES = [
    (TABLE, f"{RECOVERY}/RecoveryPeriodInDays", "7 3", RECOVER, DAYS),
    (TABLE, PROTECTED, "false true", "dynamodb.update_table TableName", {"DeletionProtectionEnabled": True}),
    (TABLE, READS, "5 9", "dynamodb.update_table TableName", UNITS),
    (TABLE, "/Replicas/0/Tags/0/Value", STACK_TAG, "dynamodb.tag_resource", {"ResourceArn": TABLE_ARN, "Tags": RETAG}),
    ("AWS::Backup::BackupVault", "/LockConfiguration/MaxRetentionDays", "60 null", LOCK, {"MinRetentionDays": 7}),
    ("AWS::Backup::RestoreTestingPlan", "/ScheduleExpression", "", RETEST, TESTS),
    ("AWS::CloudWatch::Alarm", "/Threshold", "", "cloudwatch.put_metric_alarm AlarmName", ALARM),
    ("AWS::Events::Rule", "/State", "ENABLED DISABLED", "events.disable_rule Name", {}),
    ("AWS::IAM::Role", "/AssumeRolePolicyDocument/Statement/0", "", "iam.update_assume_role_policy RoleName", OPEN),
    ("AWS::KMS::Key", "/EnableKeyRotation", "true false", "kms.disable_key_rotation KeyId", {}),
    ("AWS::Lambda::EventSourceMapping", "/BatchSize", "100 7", MAP, {"BatchSize": 7}),
    ("AWS::Lambda::Function", "/Timeout", "", "lambda.update_function_configuration FunctionName", {"Timeout": 61}),
    ("AWS::Logs::LogGroup", "/RetentionInDays", "30 1", RETAIN, {"retentionInDays": 1}),
    ("AWS::SNS::Topic", "/Tags/0/Value", STACK_TAG, "sns.tag_resource ResourceArn", {"Tags": RETAG}),
    ("AWS::SQS::Queue", "/SqsManagedSseEnabled", "true false", "sqs.set_queue_attributes QueueUrl", PLAIN),
]


@pytest.mark.parametrize(("kind", "path", "values", "operation", "arguments"), CHANGES)
def test_a_change_by_hand_is_named_with_both_values(kind, path, values, operation, arguments, client, full):
    call, *parameter = operation.split()
    service, _, name = call.partition(".")
    getattr(client(service), name)(**dict.fromkeys(parameter, full[kind]["PhysicalResourceId"]), **arguments)
    drift = drift_of(client, full[kind])
    assert drift["StackResourceDriftStatus"] == "MODIFIED"
    found = {
        each["PropertyPath"]: f"{each['ExpectedValue']} {each['ActualValue']}" for each in drift["PropertyDifferences"]
    }
    assert values in (found[path], "")


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
    stack = deploy("bare", **BARE)
    assert_all_in_sync(client, stack)
    ids = {kind: each["PhysicalResourceId"] for kind, each in resources_of(client, stack).items()}
    backup, plan, rule = client("backup"), ids["AWS::Backup::BackupPlan"], ids["AWS::Events::Rule"]
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=ids["AWS::Backup::BackupSelection"])
    backup.delete_backup_plan(BackupPlanId=plan)
    backup.delete_backup_vault(BackupVaultName=ids["AWS::Backup::BackupVault"])
    client("cloudwatch").delete_alarms(AlarmNames=[ids["AWS::CloudWatch::Alarm"]])
    client("cloudwatch").delete_dashboards(DashboardNames=[ids["AWS::CloudWatch::Dashboard"]])
    client("events").remove_targets(Rule=rule, Ids=["Target0"])
    client("events").delete_rule(Name=rule)
    function = ids["AWS::Lambda::Function"]
    client("lambda").delete_event_source_mapping(UUID=ids["AWS::Lambda::EventSourceMapping"])
    # A mapping is shown for a while after its deletion.
    eventually(lambda: not client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"])
    client("lambda").delete_function(FunctionName=function)
    client("logs").delete_log_group(logGroupName=ids["AWS::Logs::LogGroup"])
    client("sns").delete_topic(TopicArn=ids["AWS::SNS::Topic"])
    client("sqs").delete_queue(QueueUrl=ids["AWS::SQS::Queue"])
    found = drifts(client, stack)
    deleted = {d["ResourceType"]: d["PhysicalResourceId"] for d in found if d["StackResourceDriftStatus"] == "DELETED"}
    kept = (TABLE, "AWS::IAM::Role")
    assert deleted == {kind: ids[kind] for kind in {d["ResourceType"] for d in found} if kind not in kept}
