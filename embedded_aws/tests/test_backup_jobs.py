"""Backup jobs check what AWS Backup checks and take time.

Sources: botocore backup model; AWS Backup guide, "Backup job statuses";
widdix/aws-cf-templates#633 (what a role needs, and the text when it lacks it).
"""

import datetime
import json
import uuid

import pytest

from embedded_aws.tests.support.steps import back_up, create_backup_role, ended, eventually, refused, table_arn


@pytest.fixture
def start(client, table, vault, backup_role):
    """Start a job of the test's own table, with changed arguments if given."""

    def call(**changes):
        arguments = {"BackupVaultName": vault, "ResourceArn": table_arn(table), "IamRoleArn": backup_role}
        return client("backup").start_backup_job(**(arguments | changes))

    return call


def test_a_job_is_created_runs_and_completes(client, start, table, vault, backup_role):
    backup = client("backup")
    job = start(Lifecycle={"DeleteAfterDays": 35})["BackupJobId"]
    seen = []

    def completed():
        shown = backup.describe_backup_job(BackupJobId=job)
        if shown["State"] not in seen:
            seen.append(shown["State"])
        return shown if shown["State"] == "COMPLETED" else None

    shown = eventually(completed)
    assert seen[-1] == "COMPLETED"
    assert set(seen) <= {"CREATED", "PENDING", "RUNNING", "COMPLETED"}
    assert shown["PercentDone"] == "100.0"
    assert shown["AccountId"] == "000000000000"
    assert shown["ResourceType"] == "DynamoDB"
    assert shown["ResourceName"] == table
    assert shown["BackupVaultName"] == vault
    assert shown["IamRoleArn"] == backup_role
    assert shown["RecoveryPointLifecycle"] == {"DeleteAfterDays": 35}
    assert shown["BackupSizeInBytes"] > 0
    assert shown["CompletionDate"] > shown["CreationDate"]
    assert "CreatedBy" not in shown  # a plan's alone


def test_a_running_job_shows_how_far_it_is(client, start, setting):
    setting("backup_job_seconds", 5)
    job = start()["BackupJobId"]
    backup = client("backup")
    assert backup.describe_backup_job(BackupJobId=job)["State"] == "CREATED"
    running = eventually(
        lambda: shown if (shown := backup.describe_backup_job(BackupJobId=job))["State"] == "RUNNING" else None
    )
    assert 0 < float(running["PercentDone"]) < 100
    assert "CompletionDate" not in running
    backup.stop_backup_job(BackupJobId=job)


def test_a_missing_table_is_refused(start, name):
    answer = refused(start, ResourceArn=table_arn(f"{name}-missing"))
    assert answer[:2] == (400, "ResourceNotFoundException")


def test_a_missing_role_is_refused(start):
    arn = "arn:aws:iam::000000000000:role/messages/nobody"
    answer = refused(start, IamRoleArn=arn)
    text = f"IAM Role {arn} cannot be assumed by AWS Backup"
    assert answer == (400, "InvalidParameterValueException", text)


def test_a_role_that_trusts_another_service_is_refused(client, start, name):
    arn = create_backup_role(client, f"{name}-lambda", "lambda.amazonaws.com")
    assert refused(start, IamRoleArn=arn)[:2] == (400, "InvalidParameterValueException")


def test_a_start_window_below_an_hour_is_refused(start):
    assert refused(start, StartWindowMinutes=59)[1] == "InvalidParameterValueException"
    assert start(StartWindowMinutes=60)["BackupJobId"]


def test_the_same_token_starts_one_job(start):
    token = uuid.uuid4().hex
    first = start(IdempotencyToken=token)
    assert start(IdempotencyToken=token)["BackupJobId"] == first["BackupJobId"]


def test_a_role_without_permission_ends_in_failed_and_makes_nothing(client, start, vault, name):
    backup = client("backup")
    arn = create_backup_role(client, f"{name}-bare")
    shown = ended(backup, start(IamRoleArn=arn)["BackupJobId"])
    assert shown["State"] == "FAILED"
    principal = f"arn:aws:sts::000000000000:assumed-role/{name}-bare/AWSBackup-{name}-bare"
    assert shown["StatusMessage"] == (
        f"User: {principal} is not authorized to perform: dynamodb:ListTagsOfResource on "
        f"resource: {shown['ResourceArn']} because no identity-based policy allows the "
        "dynamodb:ListTagsOfResource action"
    )
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 0
    assert "RecoveryPointArn" not in shown

    statement = {"Effect": "Allow", "Action": ["dynamodb:ListTagsOfResource"], "Resource": shown["ResourceArn"]}
    client("iam").put_role_policy(
        RoleName=f"{name}-bare",
        PolicyName="tags",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    shown = ended(backup, start(IamRoleArn=arn)["BackupJobId"])
    assert "dynamodb:StartAwsBackupJob" in shown["StatusMessage"]


def test_a_second_job_of_the_same_table_expires(client, start, setting):
    backup = client("backup")
    setting("backup_job_seconds", 60)
    first = start()["BackupJobId"]
    setting("backup_job_seconds", 0)
    second = ended(backup, start()["BackupJobId"])
    assert second["State"] == "EXPIRED"
    text = "Backup job failed because there was a running job for the same resource."
    assert second["StatusMessage"] == text
    backup.stop_backup_job(BackupJobId=first)


def test_a_stopped_job_leaves_no_recovery_point(client, start, vault, setting):
    backup = client("backup")
    setting("backup_job_seconds", 60)
    job = start()["BackupJobId"]
    backup.stop_backup_job(BackupJobId=job)
    shown = backup.describe_backup_job(BackupJobId=job)
    assert shown["State"] == "ABORTED"
    assert shown["StatusMessage"] == "Backup job was stopped by user."
    points = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)
    assert points["RecoveryPoints"] == []
    assert refused(backup.stop_backup_job, BackupJobId=job)[1] == "InvalidRequestException"


def test_a_table_cannot_be_deleted_while_it_is_copied(client, start, table, setting):
    setting("backup_job_seconds", 60)
    job = start()["BackupJobId"]
    dynamodb = client("dynamodb")
    assert refused(dynamodb.delete_table, TableName=table)[1] == "ResourceInUseException"
    client("backup").stop_backup_job(BackupJobId=job)
    dynamodb.delete_table(TableName=table)


def test_a_caller_needs_to_pass_the_role(client, table, vault, backup_role, name):
    iam = client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    user = client("backup", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    arguments = {"BackupVaultName": vault, "ResourceArn": table_arn(table), "IamRoleArn": backup_role}

    def allow(*statements):
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))

    use = {"Effect": "Allow", "Action": "backup:StartBackupJob", "Resource": "*"}
    allow(use)
    status, code, text = refused(user.start_backup_job, **arguments)
    assert (status, code) == (403, "AccessDeniedException")
    assert f"iam:PassRole on resource: {backup_role}" in text
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": backup_role}
    allow(use, passing)
    assert user.start_backup_job(**arguments)["BackupJobId"]


def test_lists_filter_and_page(client, table, vault, backup_role, setting):
    backup = client("backup")
    setting("backup_job_seconds", 0)
    jobs = [back_up(client, vault, table, backup_role)["BackupJobId"] for _ in range(3)]
    pages = list(
        backup.get_paginator("list_backup_jobs").paginate(ByBackupVaultName=vault, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["BackupJobs"]) for page in pages] == [2, 1]
    listed = [job["BackupJobId"] for page in pages for job in page["BackupJobs"]]
    assert listed == jobs[::-1]

    def count(**filters):
        return len(backup.list_backup_jobs(ByBackupVaultName=vault, **filters)["BackupJobs"])

    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.UTC)
    assert count(ByState="COMPLETED") == 3
    assert count(ByState="RUNNING") == 0
    assert count(ByResourceArn=table_arn(table)) == 3
    assert count(ByResourceArn=table_arn("other")) == 0
    assert count(ByResourceType="DynamoDB") == 3
    assert count(ByResourceType="EFS") == 0
    assert count(ByAccountId="000000000000") == 3
    assert count(ByAccountId="999999999999") == 0
    assert count(ByCreatedAfter=now - hour, ByCreatedBefore=now + hour) == 3
    assert count(ByCreatedAfter=now + hour) == 0
    assert count(ByCompleteBefore=now - hour) == 0
    assert refused(backup.list_backup_jobs, NextToken="?")[1] == "InvalidParameterValueException"


def test_a_job_that_nobody_started_is_not_found(client):
    answer = refused(client("backup").describe_backup_job, BackupJobId=str(uuid.uuid4()))
    assert answer[:2] == (400, "ResourceNotFoundException")
