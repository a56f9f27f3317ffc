"""Recovery points: their ARNs, their lists, their tags, and how they go.

Sources: botocore backup model (fields, states, filters); AWS Backup guide, "Deleting backups" and
"Advanced DynamoDB backup" (the ARN's form).
"""

import datetime
import re

import pytest

from embedded_aws.tests.support.steps import back_up, eventually, refused, table_arn


@pytest.fixture
def point(client, table, vault, backup_role, setting):
    """The ARN of a recovery point of the test's own table."""
    setting("backup_job_seconds", 0)
    job = back_up(
        client, vault, table, backup_role, Lifecycle={"DeleteAfterDays": 35}, RecoveryPointTags={"kind": "manual"}
    )
    return job["RecoveryPointArn"]


def test_a_point_describes_itself(client, point, vault, table, backup_role):
    prefix = "arn:aws:backup:us-east-1:000000000000:recovery-point:"
    assert re.fullmatch(re.escape(prefix) + r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", point)
    backup = client("backup")
    shown = backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    assert shown["Status"] == "COMPLETED"
    assert shown["ResourceArn"] == table_arn(table)
    assert shown["ResourceType"] == "DynamoDB"
    assert shown["BackupVaultName"] == vault
    assert shown["IamRoleArn"] == backup_role
    assert shown["BackupSizeInBytes"] > 0
    assert shown["StorageClass"] == "WARM"
    assert shown["Lifecycle"] == {"DeleteAfterDays": 35}
    kept = shown["CalculatedLifecycle"]["DeleteAt"] - shown["CreationDate"]
    assert kept == datetime.timedelta(days=35)


def test_a_point_is_listed_by_vault_and_by_resource(client, point, vault, table):
    backup = client("backup")

    def listed(**filters):
        answer = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault, **filters)
        return [entry["RecoveryPointArn"] for entry in answer["RecoveryPoints"]]

    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert listed() == [point]
    assert listed(ByResourceArn=table_arn(table), ByResourceType="DynamoDB") == [point]
    assert listed(ByCreatedBefore=later) == [point]
    assert listed(ByCreatedAfter=later) == []
    assert listed(ByResourceType="EFS") == []
    by_resource = backup.list_recovery_points_by_resource(ResourceArn=table_arn(table))
    assert [entry["RecoveryPointArn"] for entry in by_resource["RecoveryPoints"]] == [point]
    assert by_resource["RecoveryPoints"][0]["BackupSizeBytes"] > 0
    protected = backup.list_protected_resources_by_backup_vault(BackupVaultName=vault)
    assert protected["Results"][0]["LastRecoveryPointArn"] == point
    shown = backup.describe_protected_resource(ResourceArn=table_arn(table))
    assert shown["ResourceName"] == table


def test_a_list_is_paged_and_survives_deletions_between_pages(client, table, vault, backup_role, setting):
    backup = client("backup")
    setting("backup_job_seconds", 0)
    setting("recovery_point_deleting_seconds", 0)
    made = [back_up(client, vault, table, backup_role)["RecoveryPointArn"] for _ in range(5)]
    seen = []
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault, PaginationConfig={"PageSize": 2}
    )
    for page in pages:
        for entry in page["RecoveryPoints"]:
            arn = entry["RecoveryPointArn"]
            seen.append(arn)
            backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
    assert sorted(seen) == sorted(made)


def test_a_point_has_the_tags_of_its_table_and_its_own(client, point):
    backup = client("backup")
    tags = {"project": "messages", "kind": "manual"}
    assert backup.list_tags(ResourceArn=point)["Tags"] == tags
    backup.tag_resource(ResourceArn=point, Tags={"more": "1"})
    backup.untag_resource(ResourceArn=point, TagKeyList=["kind"])
    tags = {"project": "messages", "more": "1"}
    assert backup.list_tags(ResourceArn=point)["Tags"] == tags


def test_restore_metadata(client, point, vault):
    shown = client("backup").get_recovery_point_restore_metadata(BackupVaultName=vault, RecoveryPointArn=point)
    assert shown["ResourceType"] == "DynamoDB"
    assert shown["RestoreMetadata"]["encryptionType"] == "Default"


def test_a_deletion_answers_at_once_and_takes_a_while(client, point, vault, setting):
    backup = client("backup")
    arguments = {"BackupVaultName": vault, "RecoveryPointArn": point}
    setting("recovery_point_deleting_seconds", 1)
    backup.delete_recovery_point(**arguments)
    assert backup.describe_recovery_point(**arguments)["Status"] == "DELETING"
    answer = refused(backup.delete_recovery_point, **arguments)
    assert answer[:2] == (400, "InvalidResourceStateException")
    eventually(lambda: not backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"])
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert refused(call, **arguments)[:2] == (400, "ResourceNotFoundException")


def test_a_point_that_is_being_made_cannot_be_deleted(client, table, vault, backup_role, setting):
    backup = client("backup")
    setting("backup_job_seconds", 60)
    job = backup.start_backup_job(BackupVaultName=vault, ResourceArn=table_arn(table), IamRoleArn=backup_role)
    arguments = {"BackupVaultName": vault, "RecoveryPointArn": job["RecoveryPointArn"]}
    assert backup.describe_recovery_point(**arguments)["Status"] == "CREATING"
    answer = refused(backup.delete_recovery_point, **arguments)
    assert answer[1] == "InvalidResourceStateException"
    backup.stop_backup_job(BackupJobId=job["BackupJobId"])


def test_a_point_outlives_its_table_and_goes_without_its_role(client, point, vault, table, name):
    iam, backup = client("iam"), client("backup")
    client("dynamodb").delete_table(TableName=table)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)
    shown = backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    assert shown["ResourceArn"] == table_arn(table)
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    eventually(lambda: not backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"])


def test_the_expiring_vault_answers_200_and_keeps_its_points(client, point, vault, setting):
    backup = client("backup")
    arguments = {"BackupVaultName": vault, "RecoveryPointArn": point}
    setting("expiring_vault", vault)
    answer = backup.delete_recovery_point(**arguments)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert backup.describe_recovery_point(**arguments)["Status"] == "EXPIRED"
    setting("expiring_vault", "")
    backup.delete_recovery_point(**arguments)
    assert backup.describe_recovery_point(**arguments)["Status"] == "DELETING"


def test_a_lifecycle_that_AWS_refuses(client, point, vault):
    arguments = {"BackupVaultName": vault, "RecoveryPointArn": point}
    for lifecycle in (
        {"DeleteAfterDays": 0},
        {"DeleteAfterDays": 36501},
        {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 119},
    ):
        answer = refused(client("backup").update_recovery_point_lifecycle, Lifecycle=lifecycle, **arguments)
        assert answer[:2] == (400, "InvalidParameterValueException")
    changed = client("backup").update_recovery_point_lifecycle(Lifecycle={"DeleteAfterDays": 40}, **arguments)
    assert changed["Lifecycle"] == {"DeleteAfterDays": 40}
