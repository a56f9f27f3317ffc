"""Copies of recovery points, and the copy jobs that tell of them.

Sources: botocore backup model; AWS Backup guide, "Advanced DynamoDB backup" (copies need it).
"""

import pytest

from embedded_aws.tests.support.steps import back_up, refused


@pytest.fixture
def point(client, table, vault, backup_role, setting):
    """Arguments of a copy of the test's own recovery point."""
    setting("backup_job_seconds", 0)
    made = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    return {"RecoveryPointArn": made, "SourceBackupVaultName": vault, "IamRoleArn": backup_role}


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_copy_is_a_point_of_its_own_where_it_went(client, point, name, region):
    there = client("backup", region_name=region)
    arn = there.create_backup_vault(BackupVaultName=f"{name}-copies")["BackupVaultArn"]
    started = client("backup").start_copy_job(DestinationBackupVaultArn=arn, **point)
    shown = client("backup").describe_copy_job(CopyJobId=started["CopyJobId"])["CopyJob"]
    assert shown["State"] == "COMPLETED"
    assert shown["SourceRecoveryPointArn"] == point["RecoveryPointArn"]
    assert shown["DestinationBackupVaultArn"] == arn
    (copied,) = there.list_recovery_points_by_backup_vault(BackupVaultName=f"{name}-copies")["RecoveryPoints"]
    assert copied["RecoveryPointArn"] == shown["DestinationRecoveryPointArn"]
    assert copied["ResourceArn"] == shown["ResourceArn"]


def test_copy_jobs_are_listed_by_what_was_copied(client, point, name):
    backup = client("backup")
    arn = backup.create_backup_vault(BackupVaultName=f"{name}-copies")["BackupVaultArn"]
    backup.start_copy_job(DestinationBackupVaultArn=arn, **point)
    for filters, count in (
        ({"BySourceRecoveryPointArn": point["RecoveryPointArn"]}, 1),
        ({"ByDestinationVaultArn": arn, "ByState": "COMPLETED"}, 1),
        ({"ByDestinationVaultArn": arn, "ByState": "RUNNING"}, 0),
    ):
        assert len(backup.list_copy_jobs(**filters)["CopyJobs"]) == count


def test_a_copy_needs_its_vault(client, point):
    arn = "arn:aws:backup:eu-west-1:000000000000:backup-vault:missing"
    call = client("backup").start_copy_job
    assert refused(call, DestinationBackupVaultArn=arn, **point)[1] == "ResourceNotFoundException"
