"""Backup and copy jobs check what AWS Backup checks and take time.

Sources: botocore backup model; AWS Backup guide, "Backup job statuses" and "Advanced DynamoDB backup" (copies need
it, and not all regions have it); widdix/aws-cf-templates#633 (what a role needs, and the text when it lacks it).
"""

import datetime
import functools
import re
import time
import uuid

import pytest

from embedded_aws.tests.support.steps import (
    INVALID,
    KEYED,
    NOT_FOUND,
    back_up,
    code_of,
    ended,
    eventually,
    refused,
    table_arn,
)


@pytest.fixture
def start(backup, table, vault, backup_role):
    """Start a job of the test's own table, with changed arguments if given."""
    usual = {"BackupVaultName": vault, "ResourceArn": table_arn(table), "IamRoleArn": backup_role}
    return lambda **changes: backup.start_backup_job(**(usual | changes))


def test_a_job_is_created_runs_and_completes(backup, start, table, vault, backup_role, setting):
    setting("backup_job_seconds", 3)
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
    expected = {
        "PercentDone": "100.0",
        "AccountId": "000000000000",
        "ResourceType": "DynamoDB",
        "ResourceName": table,
        "BackupVaultName": vault,
        "IamRoleArn": backup_role,
        "RecoveryPointLifecycle": {"DeleteAfterDays": 35},
    }
    assert shown.items() >= expected.items()
    assert shown["BackupSizeInBytes"] > 0
    assert shown["CompletionDate"] > shown["CreationDate"]
    assert "CreatedBy" not in shown  # only for jobs of a plan


def test_a_backup_job_refuses_bad_arguments_and_starts_once_for_a_token(backup, start, role, name):
    for arn in ("arn:aws:iam::000000000000:role/messages/missing", role("lambda.amazonaws.com")):
        text = f"IAM Role {arn} cannot be assumed by AWS Backup"
        assert refused(start, IamRoleArn=arn) == (400, INVALID, text)
    assert code_of(start, StartWindowMinutes=59) == INVALID
    assert refused(start, ResourceArn=table_arn(f"{name}-missing"))[:2] == (400, NOT_FOUND)
    assert refused(backup.describe_backup_job, BackupJobId=str(uuid.uuid4()))[:2] == (400, NOT_FOUND)
    once = {"StartWindowMinutes": 60, "IdempotencyToken": uuid.uuid4().hex}
    assert start(**once)["BackupJobId"] == start(**once)["BackupJobId"]


def test_a_job_fails_without_permission_and_leaves_no_point(backup, start, role, vault, name):
    shown = ended(backup, start(IamRoleArn=role("backup.amazonaws.com"))["BackupJobId"])
    principal = f"arn:aws:sts::000000000000:assumed-role/{name}-role/AWSBackup-{name}-role"
    text = (
        f"User: {principal} is not authorized to perform: dynamodb:ListTagsOfResource on resource: "
        f"{shown['ResourceArn']} because no identity-based policy allows the dynamodb:ListTagsOfResource action"
    )
    assert (shown["State"], shown["StatusMessage"], "RecoveryPointArn" in shown) == ("FAILED", text, False)
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 0


def test_a_job_holds_its_table_until_it_is_stopped_and_leaves_no_point(backup, dynamodb, start, table, vault, setting):
    setting("backup_job_seconds", 60)
    first = start()
    job, point = first["BackupJobId"], {"BackupVaultName": vault, "RecoveryPointArn": first["RecoveryPointArn"]}
    assert backup.describe_recovery_point(**point)["Status"] == "CREATING"
    assert code_of(backup.delete_recovery_point, **point) == "InvalidResourceStateException"
    assert code_of(dynamodb.delete_table, TableName=table) == "ResourceInUseException"
    running = backup.list_backup_jobs(ByBackupVaultName=vault)["BackupJobs"]
    assert [(each["BackupJobId"], "CompletionDate" in each) for each in running] == [(job, False)]
    setting("backup_job_seconds", 0)
    second = ended(backup, start()["BackupJobId"])
    text = "Backup job failed because there was a running job for the same resource."
    assert (second["State"], second["StatusMessage"]) == ("EXPIRED", text)

    backup.stop_backup_job(BackupJobId=job)
    shown = backup.describe_backup_job(BackupJobId=job)
    assert (shown["State"], shown["StatusMessage"]) == ("ABORTED", "Backup job was stopped by user.")
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"] == []
    assert code_of(backup.stop_backup_job, BackupJobId=job) == "InvalidRequestException"
    dynamodb.delete_table(TableName=table)


def test_lists_filter_and_page(backup, start, table, vault):
    jobs = [ended(backup, start()["BackupJobId"])["BackupJobId"] for _ in range(3)]
    paging = {"ByBackupVaultName": vault, "PaginationConfig": {"PageSize": 2}}
    pages = [page["BackupJobs"] for page in backup.get_paginator("list_backup_jobs").paginate(**paging)]
    assert [[job["BackupJobId"] for job in page] for page in pages] == [jobs[:0:-1], jobs[:1]]
    hour, now = datetime.timedelta(hours=1), datetime.datetime.now(datetime.UTC)
    for key, all_of_them, none in (
        ("ByState", "COMPLETED", "RUNNING"),
        ("ByResourceArn", table_arn(table), table_arn("other")),
        ("ByResourceType", "DynamoDB", "EFS"),
        ("ByAccountId", "000000000000", "999999999999"),
        ("ByCreatedAfter", now - hour, now + hour),
        ("ByCompleteBefore", now + hour, now - hour),
    ):
        for value, count in ((all_of_them, 3), (none, 0)):
            found = backup.list_backup_jobs(**{"ByBackupVaultName": vault, key: value})["BackupJobs"]
            assert len(found) == count, key
    assert code_of(backup.list_backup_jobs, NextToken="?") == INVALID


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_a_copy_is_a_point_of_its_own_in_its_vault(client, backup, point, backup_role, name, region):
    there, copies, made = client("backup", region_name=region), f"{name}-copies", point["RecoveryPointArn"]
    source = {"RecoveryPointArn": made, "SourceBackupVaultName": name, "IamRoleArn": backup_role}
    missing = f"arn:aws:backup:{region}:000000000000:backup-vault:missing"
    assert code_of(backup.start_copy_job, DestinationBackupVaultArn=missing, **source) == NOT_FOUND

    arn = there.create_backup_vault(BackupVaultName=copies)["BackupVaultArn"]
    job = backup.start_copy_job(DestinationBackupVaultArn=arn, **source)["CopyJobId"]
    shown = backup.describe_copy_job(CopyJobId=job)["CopyJob"]
    assert (shown["State"], shown["SourceRecoveryPointArn"]) == ("COMPLETED", made)
    assert shown["DestinationBackupVaultArn"] == arn
    (copied,) = there.list_recovery_points_by_backup_vault(BackupVaultName=copies)["RecoveryPoints"]
    assert copied["RecoveryPointArn"] == shown["DestinationRecoveryPointArn"]
    assert copied["ResourceArn"] == shown["ResourceArn"]
    assert len(backup.list_copy_jobs(BySourceRecoveryPointArn=made)["CopyJobs"]) == 1
    for state, count in (("COMPLETED", 1), ("RUNNING", 0)):
        assert len(backup.list_copy_jobs(ByDestinationVaultArn=arn, ByState=state)["CopyJobs"]) == count


# Used only by these tests, so that the changed setting affects no others.
REGION = "eu-west-1"


@pytest.fixture
def here(client, backup, name):
    """``here("backup")``: clients of a region without advanced features, where a table and a vault exist."""
    make, on = functools.partial(client, region_name=REGION), {"DynamoDB": True}
    settings = backup.describe_region_settings()
    assert settings["ResourceTypeOptInPreference"] == settings["ResourceTypeManagementPreference"] == on
    make("backup").update_region_settings(ResourceTypeManagementPreference={"DynamoDB": False})
    changed = make("backup").describe_region_settings()
    assert changed["ResourceTypeOptInPreference"] == on
    assert changed["ResourceTypeManagementPreference"] == {"DynamoDB": False}
    make("dynamodb").create_table(TableName=name, **KEYED)
    make("backup").create_backup_vault(BackupVaultName=name)
    return make


def test_without_advanced_features_the_point_is_a_backup_of_dynamodb(here, backup_role, name):
    arn = back_up(here, name, name, backup_role)["RecoveryPointArn"]
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
    again = backup.start_backup_job(BackupVaultName=name, ResourceArn=table_arn(name, REGION), IamRoleArn=backup_role)
    assert "RecoveryPointArn" not in again, "the model: only for those that AWS Backup keeps"
    assert time.time() - again["CreationDate"].timestamp() < 60
    backup.delete_recovery_point(**point)
    assert arn not in listed(BackupType="AWS_BACKUP")
