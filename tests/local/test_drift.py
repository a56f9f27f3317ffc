"""Drift detection: changes by hand are named by CloudFormation and by `cdk drift`.

Sources: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources
with drift detection"; API_StackResourceDrift, API_PropertyDifference; which types are compared:
those whose registry schema has a read handler.
"""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json

import pytest

from stacks.context import settings_from_context
from tests.conftest import PROJECT
from tests.support.deployment import Deployment
from tests.support.own_account import aws, bootstrapped, client  # noqa: F401 (fixtures)
from tests.support.pipeline_steps import Job

TABLE = "AWS::DynamoDB::GlobalTable"
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
OPEN = json.dumps({"Version": "2012-10-17", "Statement": []})
RETAG = [{"Key": "messages:stack", "Value": "other"}]


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
    """Drift of a stack with everything: ``full(kind)`` is that of its first such resource."""
    stack, cloudformation = deploy("full", **FULL), client("cloudformation")
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]

    class Full:
        @staticmethod
        def first(kind):
            return next(found for found in resources if found["ResourceType"] == kind)

        @staticmethod
        def drift(kind):
            return cloudformation.detect_stack_resource_drift(
                StackName=stack, LogicalResourceId=Full.first(kind)["LogicalResourceId"]
            )["StackResourceDrift"]

    Full.stack, Full.kinds = stack, {found["ResourceType"] for found in resources}
    return Full


@pytest.fixture
def cdk(aws, tmp_path):
    """``cdk("drift")``: the CDK CLI in a checkout of the app."""
    return Job(aws, {}, tmp_path / "checkout").run


def drifts(client, stack):
    """What a detection says about each resource that it compares."""
    cloudformation = client("cloudformation")
    cloudformation.detect_stack_drift(StackName=stack)
    pages = cloudformation.describe_stack_resource_drifts(StackName=stack, MaxResults=100)
    assert "NextToken" not in pages
    return pages["StackResourceDrifts"]


def drifted(client, stack):
    """The type of each resource that drifted, and the paths that differ."""
    return {
        drift["ResourceType"]: [d["PropertyPath"] for d in drift.get("PropertyDifferences", [])]
        for drift in drifts(client, stack)
        if drift["StackResourceDriftStatus"] != "IN_SYNC"
    }


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stack_that_nobody_changed_ends_cdk_drift_with_status_0(stage, deploy, cdk):
    deploy(stage)
    done = cdk("cdk", "-c", f"stage={stage}", "drift", "--fail")
    assert done.returncode == 0, done.stdout
    assert "No drift detected" in done.stdout


def test_recovery_switched_off_by_hand_ends_cdk_drift_with_status_1(client, deploy, cdk):
    table = deploy("pr-off")
    off = {"PointInTimeRecoveryEnabled": False}
    client("dynamodb").update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    done = cdk("cdk", "-c", "stage=pr-off", "drift", "--fail")
    assert done.returncode == 1, done.stdout
    assert f"[~] {TABLE} Messages/Table MessagesTable" in done.stdout
    assert "/Replicas/0/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled" in done.stdout


def test_a_table_deleted_by_hand_ends_cdk_drift_with_status_1(client, deploy, cdk):
    table = deploy("pr-gone")
    client("dynamodb").delete_table(TableName=table)
    done = cdk("cdk", "-c", "stage=pr-gone", "drift", "--fail")
    assert done.returncode == 1, done.stdout
    assert f"[-] {TABLE} Messages/Table MessagesTable" in done.stdout


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
def test_a_stack_with_any_settings_is_in_sync_until_it_is_changed(settings, client, deploy, name):
    stack = deploy(f"pr-{name[-4:]}", **settings)
    assert drifted(client, stack) == {}
    assert TABLE in {drift["ResourceType"] for drift in drifts(client, stack)}


def test_every_type_that_cloudformation_can_read_is_compared_and_no_other(client, full):
    # Here: it takes long to load.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    def readable(kind):
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        return "read" in schema["handlers"]

    of_aws = {kind for kind in full.kinds if kind.startswith("AWS::")}
    compared = {drift["ResourceType"] for drift in drifts(client, full.stack)}
    assert compared == {kind for kind in of_aws if readable(kind)}


CHANGES = {
    "recovery": (
        TABLE,
        "/Replicas/0/PointInTimeRecoverySpecification/RecoveryPeriodInDays",
        ("7", "3"),
        lambda client, table: client("dynamodb").update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 3},
        ),
    ),
    "deletion protection": (
        TABLE,
        "/Replicas/0/DeletionProtectionEnabled",
        ("false", "true"),
        lambda client, table: client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=True),
    ),
    "read capacity": (
        TABLE,
        "/Replicas/0/ReadProvisionedThroughputSettings/ReadCapacityUnits",
        ("5", "9"),
        lambda client, table: client("dynamodb").update_table(
            TableName=table, ProvisionedThroughput={"ReadCapacityUnits": 9, "WriteCapacityUnits": 5}
        ),
    ),
    "table's tags": (
        TABLE,
        "/Replicas/0/Tags/0/Value",
        ("Messages-full", "other"),
        lambda client, table: client("dynamodb").tag_resource(
            ResourceArn=f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}", Tags=RETAG
        ),
    ),
    "bounds of the vault's lock": (
        "AWS::Backup::BackupVault",
        "/LockConfiguration/MaxRetentionDays",
        ("60", "null"),
        lambda client, vault: client("backup").put_backup_vault_lock_configuration(
            BackupVaultName=vault, MinRetentionDays=7
        ),
    ),
    "alarm": (
        "AWS::CloudWatch::Alarm",
        "/Threshold",
        None,
        lambda client, name: client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            MetricName="Errors",
            Namespace="AWS/Lambda",
            Period=60,
            Threshold=99,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
        ),
    ),
    "rule": (
        "AWS::Events::Rule",
        "/State",
        ("ENABLED", "DISABLED"),
        lambda client, name: client("events").disable_rule(Name=name),
    ),
    "role": (
        "AWS::IAM::Role",
        "/AssumeRolePolicyDocument/Statement/0",
        None,
        lambda client, name: client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=OPEN),
    ),
    "key": (
        "AWS::KMS::Key",
        "/EnableKeyRotation",
        ("true", "false"),
        lambda client, key: client("kms").disable_key_rotation(KeyId=key),
    ),
    "stream's reader": (
        "AWS::Lambda::EventSourceMapping",
        "/BatchSize",
        ("100", "7"),
        lambda client, mapping: client("lambda").update_event_source_mapping(UUID=mapping, BatchSize=7),
    ),
    "function": (
        "AWS::Lambda::Function",
        "/Timeout",
        None,
        lambda client, name: client("lambda").update_function_configuration(FunctionName=name, Timeout=61),
    ),
    "logs": (
        "AWS::Logs::LogGroup",
        "/RetentionInDays",
        ("30", "1"),
        lambda client, name: client("logs").put_retention_policy(logGroupName=name, retentionInDays=1),
    ),
    "topic": (
        "AWS::SNS::Topic",
        "/Tags/0/Value",
        ("Messages-full", "other"),
        lambda client, arn: client("sns").tag_resource(ResourceArn=arn, Tags=RETAG),
    ),
    "queue": (
        "AWS::SQS::Queue",
        "/SqsManagedSseEnabled",
        ("true", "false"),
        lambda client, url: client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"SqsManagedSseEnabled": "false"}
        ),
    ),
    "restore tests": (
        "AWS::Backup::RestoreTestingPlan",
        "/ScheduleExpression",
        None,
        lambda client, name: client("backup").update_restore_testing_plan(
            RestoreTestingPlanName=name, RestoreTestingPlan={"ScheduleExpression": "cron(0 1 ? * MON *)"}
        ),
    ),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_change_by_hand_is_named_with_both_values(changed, client, full):
    kind, path, values, change = CHANGES[changed]
    change(client, full.first(kind)["PhysicalResourceId"])
    drift = full.drift(kind)
    assert drift["StackResourceDriftStatus"] == "MODIFIED"
    found = {each["PropertyPath"]: each for each in drift["PropertyDifferences"]}
    assert path in found
    if values:
        assert (found[path]["ExpectedValue"], found[path]["ActualValue"]) == values


def test_a_backup_plan_with_another_retention_is_named_rule_by_rule(client, full):
    backup, kind = client("backup"), "AWS::Backup::BackupPlan"
    plan_id = full.first(kind)["PhysicalResourceId"]
    plan = backup.get_backup_plan(BackupPlanId=plan_id)["BackupPlan"]
    for rule in plan["Rules"]:
        del rule["RuleId"]
    # A default that AWS Backup adds, and no template sets, is not a difference.
    plan["Rules"][0] |= {"Lifecycle": {"DeleteAfterDays": 1}, "StartWindowMinutes": 480}
    del plan["Rules"][1]
    backup.update_backup_plan(BackupPlanId=plan_id, BackupPlan=plan)
    differences = full.drift(kind)["PropertyDifferences"]
    assert [(d["PropertyPath"], d["DifferenceType"]) for d in differences] == [
        ("/BackupPlan/BackupPlanRule/0/Lifecycle/DeleteAfterDays", "NOT_EQUAL"),
        ("/BackupPlan/BackupPlanRule/1", "REMOVE"),
    ]


def test_what_was_deleted_by_hand_is_named_as_deleted(client, deploy):
    stack = deploy("bare", alarms=True)
    resources = client("cloudformation").describe_stack_resources(StackName=stack)
    ids = {each["ResourceType"]: each["PhysicalResourceId"] for each in resources["StackResources"]}
    backup, plan = client("backup"), ids["AWS::Backup::BackupPlan"]
    rule = ids["AWS::Events::Rule"]
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
    deleted = {
        drift["ResourceType"]: drift["PhysicalResourceId"]
        for drift in drifts(client, stack)
        if drift["StackResourceDriftStatus"] == "DELETED"
    }
    kept = (TABLE, "AWS::IAM::Role")
    assert deleted == {
        kind: ids[kind] for kind in {drift["ResourceType"] for drift in drifts(client, stack)} if kind not in kept
    }
