"""Recovery points of a region without AWS Backup's advanced features for DynamoDB.

Source: AWS Backup guide, "Advanced DynamoDB backup" (the setting, the ARN form, what is missing).
"""

import json
import re
import time

import pytest

from embedded_aws.tests.support.steps import back_up, create_backup_role, refused, table_arn

# Of these tests alone, so that no other test meets the changed setting.
REGION = "eu-west-1"


@pytest.fixture
def here(client):
    """Make clients of that region."""
    backup = client("backup", region_name=REGION)
    backup.update_region_settings(ResourceTypeManagementPreference={"DynamoDB": False})
    return lambda service: client(service, region_name=REGION)


@pytest.fixture
def job(here, client, name):
    """A completed job of a table with one item."""
    dynamodb = here("dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "one"}})
    here("backup").create_backup_vault(BackupVaultName=name)
    role = create_backup_role(client, name)
    client("iam").attach_role_policy(
        RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
    )
    return back_up(here, name, name, role)


def test_settings_are_both_on_until_changed(here, client):
    on = {"DynamoDB": True}
    usual = client("backup").describe_region_settings()
    assert usual["ResourceTypeOptInPreference"] == on
    assert usual["ResourceTypeManagementPreference"] == on
    changed = here("backup").describe_region_settings()
    assert changed["ResourceTypeOptInPreference"] == on
    assert changed["ResourceTypeManagementPreference"] == {"DynamoDB": False}


def test_the_point_is_a_backup_of_dynamodb(here, job, name):
    arn = job["RecoveryPointArn"]
    assert re.fullmatch(re.escape(table_arn(name, REGION)) + r"/backup/0\d{13}-[0-9a-f]{8}", arn)
    dynamodb, backup = here("dynamodb"), here("backup")
    assert dynamodb.list_backups(TableName=name)["BackupSummaries"] == []
    listed = dynamodb.list_backups(TableName=name, BackupType="AWS_BACKUP")
    assert [entry["BackupArn"] for entry in listed["BackupSummaries"]] == [arn]
    assert refused(backup.list_tags, ResourceArn=arn)[0] == 400
    assert refused(dynamodb.delete_backup, BackupArn=arn)[1] == "ValidationException"

    arguments = {"BackupVaultName": name, "RecoveryPointArn": arn}
    assert backup.describe_recovery_point(**arguments)["Status"] == "COMPLETED"
    assert backup.get_recovery_point_restore_metadata(**arguments)["RecoveryPointArn"] == arn
    backup.delete_recovery_point(**arguments)
    listed = dynamodb.list_backups(TableName=name, BackupType="AWS_BACKUP")
    assert listed["BackupSummaries"] == []


def test_starting_a_job_does_not_name_the_point(here, job, name):
    again = here("backup").start_backup_job(
        BackupVaultName=name, ResourceArn=table_arn(name, REGION), IamRoleArn=job["IamRoleArn"]
    )
    assert "RecoveryPointArn" not in again
    assert time.time() - again["CreationDate"].timestamp() < 60


@pytest.mark.parametrize(("missing", "state"), [("dynamodb:DescribeBackup", "FAILED"), ("dynamodb:DeleteBackup", "")])
@pytest.mark.usefixtures("job")
def test_the_role_sees_a_backup_through_and_deletes_it(here, client, name, setting, missing, state):
    """Without the service-linked role, whose own permissions would do."""
    role, backup = f"{name}-less", here("backup")
    arn = create_backup_role(client, role)
    actions = {
        "dynamodb:CreateBackup",
        "dynamodb:DescribeBackup",
        "dynamodb:DeleteBackup",
        "dynamodb:DescribeTable",
    } - {missing}
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").put_role_policy(RoleName=role, PolicyName="x", PolicyDocument=document)
    made = back_up(here, name, name, arn)
    if state:
        assert made["State"] == state
        assert f"not authorized to perform: {missing}" in made["StatusMessage"]
        return
    setting("backup_service_linked_role", 0)
    point = {"BackupVaultName": name, "RecoveryPointArn": made["RecoveryPointArn"]}
    backup.delete_recovery_point(**point)
    assert backup.describe_recovery_point(**point)["Status"] == "EXPIRED"
    setting("backup_service_linked_role", 1)
    backup.delete_recovery_point(**point)
    assert backup.describe_recovery_point(**point)["Status"] == "DELETING"
