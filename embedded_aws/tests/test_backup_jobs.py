"""Backup jobs check what AWS Backup checks and take time.

Sources: botocore backup model; AWS Backup guide, "Backup job statuses"; widdix/aws-cf-templates#633 (what a role
needs, and the text when it lacks it); for regions without advanced features "Advanced DynamoDB backup".
"""

import datetime
import re
import time
import uuid

import pytest

from embedded_aws.tests.support.steps import (
    KEYED,
    allow,
    back_up,
    code_of,
    create_backup_role,
    ended,
    eventually,
    grant,
    policy,
    refused,
    table_arn,
    user_of,
)


@pytest.fixture
def start(backup, table, vault, backup_role):
    """Start a job of the test's own table, with changed arguments if given."""
    usual = {"BackupVaultName": vault, "ResourceArn": table_arn(table), "IamRoleArn": backup_role}
    return lambda **changes: backup.start_backup_job(**(usual | changes))


def test_a_job_is_created_runs_and_completes(backup, start, table, vault, backup_role, setting):
    setting("backup_job_seconds", 2)
    job, seen = start(Lifecycle={"DeleteAfterDays": 35})["BackupJobId"], {}

    def completed():
        shown = backup.describe_backup_job(BackupJobId=job)
        seen[shown["State"]] = shown
        return shown if shown["State"] == "COMPLETED" else None

    shown = eventually(completed)
    assert list(seen)[-2:] == ["RUNNING", "COMPLETED"]
    assert set(seen) <= {"CREATED", "RUNNING", "COMPLETED"}
    assert 0 < float(seen["RUNNING"]["PercentDone"]) < 100
    assert "CompletionDate" not in seen["RUNNING"]
    assert (
        shown.items()
        >= {
            "PercentDone": "100.0",
            "AccountId": "000000000000",
            "ResourceType": "DynamoDB",
            "ResourceName": table,
            "BackupVaultName": vault,
            "IamRoleArn": backup_role,
            "RecoveryPointLifecycle": {"DeleteAfterDays": 35},
        }.items()
    )
    assert shown["BackupSizeInBytes"] > 0
    assert shown["CompletionDate"] > shown["CreationDate"]
    assert "CreatedBy" not in shown  # a plan's alone


def test_a_backup_job_refuses_bad_arguments_and_starts_once_for_a_token(client, backup, start, name):
    missing = "arn:aws:iam::000000000000:role/messages/missing"
    other = create_backup_role(client, f"{name}-lambda", "lambda.amazonaws.com")
    for arn in (missing, other):
        text = f"IAM Role {arn} cannot be assumed by AWS Backup"
        assert refused(start, IamRoleArn=arn) == (400, "InvalidParameterValueException", text)
    assert code_of(start, StartWindowMinutes=59) == "InvalidParameterValueException"
    for call, arguments in (
        (start, {"ResourceArn": table_arn(f"{name}-missing")}),
        (backup.describe_backup_job, {"BackupJobId": str(uuid.uuid4())}),
    ):
        assert refused(call, **arguments)[:2] == (400, "ResourceNotFoundException")
    once = {"StartWindowMinutes": 60, "IdempotencyToken": uuid.uuid4().hex}
    assert start(**once)["BackupJobId"] == start(**once)["BackupJobId"]


def test_a_job_fails_without_permission_and_leaves_no_point(client, backup, start, vault, name):
    arn = create_backup_role(client, f"{name}-bare")
    shown = ended(backup, start(IamRoleArn=arn)["BackupJobId"])
    principal = f"arn:aws:sts::000000000000:assumed-role/{name}-bare/AWSBackup-{name}-bare"
    assert (shown["State"], shown["StatusMessage"]) == (
        "FAILED",
        f"User: {principal} is not authorized to perform: dynamodb:ListTagsOfResource on "
        f"resource: {shown['ResourceArn']} because no identity-based policy allows the "
        "dynamodb:ListTagsOfResource action",
    )
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 0
    assert "RecoveryPointArn" not in shown
    has, lacks = ["dynamodb:ListTagsOfResource"], "dynamodb:StartAwsBackupJob"
    for message in (lacks, "does not have permission to describe resource"):
        grant(client, f"{name}-bare", *has)
        assert message in ended(backup, start(IamRoleArn=arn)["BackupJobId"])["StatusMessage"]
        has.append(lacks)


def test_a_job_holds_its_table_until_it_is_stopped_and_leaves_no_point(client, backup, start, table, vault, setting):
    setting("backup_job_seconds", 60)
    first = start()
    job, point = first["BackupJobId"], {"BackupVaultName": vault, "RecoveryPointArn": first["RecoveryPointArn"]}
    assert backup.describe_recovery_point(**point)["Status"] == "CREATING"
    assert code_of(backup.delete_recovery_point, **point) == "InvalidResourceStateException"
    assert code_of(client("dynamodb").delete_table, TableName=table) == "ResourceInUseException"
    setting("backup_job_seconds", 0)
    second = ended(backup, start()["BackupJobId"])
    text = "Backup job failed because there was a running job for the same resource."
    assert (second["State"], second["StatusMessage"]) == ("EXPIRED", text)

    backup.stop_backup_job(BackupJobId=job)
    shown = backup.describe_backup_job(BackupJobId=job)
    assert (shown["State"], shown["StatusMessage"]) == ("ABORTED", "Backup job was stopped by user.")
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"] == []
    assert code_of(backup.stop_backup_job, BackupJobId=job) == "InvalidRequestException"
    client("dynamodb").delete_table(TableName=table)


def test_a_caller_needs_to_pass_the_role(client, table, vault, backup_role, name):
    may = user_of(client, name, "backup")
    arguments = {"BackupVaultName": vault, "ResourceArn": table_arn(table), "IamRoleArn": backup_role}
    use = allow("backup:StartBackupJob")
    status, code, text = refused(may(use).start_backup_job, **arguments)
    assert (status, code) == (403, "AccessDeniedException")
    assert f"iam:PassRole on resource: {backup_role}" in text
    assert may(use, allow("iam:PassRole", on=backup_role)).start_backup_job(**arguments)["BackupJobId"]


def test_lists_filter_and_page(client, backup, table, vault, backup_role, setting):
    setting("backup_job_seconds", 0)
    jobs = [back_up(client, vault, table, backup_role)["BackupJobId"] for _ in range(3)]
    pages = list(
        backup.get_paginator("list_backup_jobs").paginate(ByBackupVaultName=vault, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["BackupJobs"]) for page in pages] == [2, 1]
    assert [job["BackupJobId"] for page in pages for job in page["BackupJobs"]] == jobs[::-1]
    hour, now = datetime.timedelta(hours=1), datetime.datetime.now(datetime.UTC)
    for filters, count in (
        ({"ByState": "COMPLETED"}, 3),
        ({"ByState": "RUNNING"}, 0),
        ({"ByResourceArn": table_arn(table)}, 3),
        ({"ByResourceArn": table_arn("other")}, 0),
        ({"ByResourceType": "DynamoDB"}, 3),
        ({"ByResourceType": "EFS"}, 0),
        ({"ByAccountId": "000000000000"}, 3),
        ({"ByAccountId": "999999999999"}, 0),
        ({"ByCreatedAfter": now - hour, "ByCreatedBefore": now + hour}, 3),
        ({"ByCreatedAfter": now + hour}, 0),
        ({"ByCompleteBefore": now - hour}, 0),
    ):
        assert len(backup.list_backup_jobs(ByBackupVaultName=vault, **filters)["BackupJobs"]) == count, filters
    assert code_of(backup.list_backup_jobs, NextToken="?") == "InvalidParameterValueException"


# Of these tests alone, so that no other test meets the changed setting.
REGION = "eu-west-1"


@pytest.fixture
def here(client):
    """Make clients of a region without advanced features for DynamoDB."""
    on = {"DynamoDB": True}
    settings = client("backup").describe_region_settings()
    assert settings["ResourceTypeOptInPreference"] == settings["ResourceTypeManagementPreference"] == on
    backup = client("backup", region_name=REGION)
    backup.update_region_settings(ResourceTypeManagementPreference={"DynamoDB": False})
    changed = backup.describe_region_settings()
    assert changed["ResourceTypeOptInPreference"] == on
    assert changed["ResourceTypeManagementPreference"] == {"DynamoDB": False}
    return lambda service: client(service, region_name=REGION)


@pytest.fixture
def basic_job(here, client, name):
    """A completed job there."""
    here("dynamodb").create_table(TableName=name, **KEYED)
    here("backup").create_backup_vault(BackupVaultName=name)
    role = create_backup_role(client, name)
    client("iam").attach_role_policy(
        RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
    )
    return back_up(here, name, name, role)


def test_without_advanced_features_the_point_is_a_backup_of_dynamodb(here, basic_job, name):
    arn = basic_job["RecoveryPointArn"]
    assert re.fullmatch(re.escape(table_arn(name, REGION)) + r"/backup/0\d{13}-[0-9a-f]{8}", arn)
    dynamodb, backup = here("dynamodb"), here("backup")

    def listed(**kind):
        return [entry["BackupArn"] for entry in dynamodb.list_backups(TableName=name, **kind)["BackupSummaries"]]

    assert (listed(), listed(BackupType="AWS_BACKUP")) == ([], [arn])
    assert refused(backup.list_tags, ResourceArn=arn)[0] == 400
    assert code_of(dynamodb.delete_backup, BackupArn=arn) == "ValidationException"
    point = {"BackupVaultName": name, "RecoveryPointArn": arn}
    assert backup.describe_recovery_point(**point)["Status"] == "COMPLETED"
    assert backup.get_recovery_point_restore_metadata(**point)["RecoveryPointArn"] == arn
    again = backup.start_backup_job(
        BackupVaultName=name, ResourceArn=table_arn(name, REGION), IamRoleArn=basic_job["IamRoleArn"]
    )
    assert "RecoveryPointArn" not in again, "the model: only for those that AWS Backup keeps"
    assert time.time() - again["CreationDate"].timestamp() < 60
    backup.stop_backup_job(BackupJobId=again["BackupJobId"])
    backup.delete_recovery_point(**point)
    assert listed(BackupType="AWS_BACKUP") == []


@pytest.mark.usefixtures("basic_job")
def test_the_role_of_the_job_must_describe_the_backup_and_deletes_it(here, client, name, setting):
    """Without the service-linked role, whose own permissions would do."""
    setting("backup_job_seconds", 0)
    role, backup = f"{name}-less", here("backup")
    arn = create_backup_role(client, role)
    actions = [f"dynamodb:{action}" for action in ("CreateBackup", "DescribeTable", "DeleteBackup", "DescribeBackup")]
    for missing, state in (("dynamodb:DescribeBackup", "FAILED"), ("dynamodb:DeleteBackup", "COMPLETED")):
        given = policy(allow(*(action for action in actions if action != missing)))
        client("iam").put_role_policy(RoleName=role, PolicyName="x", PolicyDocument=given)
        made = back_up(here, name, name, arn)
        assert made["State"] == state
        assert state == "COMPLETED" or f"not authorized to perform: {missing}" in made["StatusMessage"]
    setting("backup_service_linked_role", 0)
    point = {"BackupVaultName": name, "RecoveryPointArn": made["RecoveryPointArn"]}
    for allowed, status in ((0, "EXPIRED"), (1, "DELETING")):
        setting("backup_service_linked_role", allowed)
        backup.delete_recovery_point(**point)
        assert backup.describe_recovery_point(**point)["Status"] == status
