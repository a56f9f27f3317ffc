"""Copies of recovery points, and the copy jobs that show them.

Sources: botocore backup model; AWS Backup guide, "Advanced DynamoDB backup" (copies need it).
"""

import pytest

from embedded_aws.tests.support.steps import back_up, refused


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_copy_is_a_point_of_its_own_in_its_vault(client, table, vault, backup_role, setting, name, region):
    setting("backup_job_seconds", 0)
    backup, there, copies = client("backup"), client("backup", region_name=region), f"{name}-copies"
    made = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    point = {"RecoveryPointArn": made, "SourceBackupVaultName": vault, "IamRoleArn": backup_role}
    missing = f"arn:aws:backup:{region}:000000000000:backup-vault:missing"
    assert refused(backup.start_copy_job, DestinationBackupVaultArn=missing, **point)[1] == "ResourceNotFoundException"

    arn = there.create_backup_vault(BackupVaultName=copies)["BackupVaultArn"]
    job = backup.start_copy_job(DestinationBackupVaultArn=arn, **point)["CopyJobId"]
    shown = backup.describe_copy_job(CopyJobId=job)["CopyJob"]
    assert (shown["State"], shown["SourceRecoveryPointArn"]) == ("COMPLETED", made)
    assert shown["DestinationBackupVaultArn"] == arn
    (copied,) = there.list_recovery_points_by_backup_vault(BackupVaultName=copies)["RecoveryPoints"]
    assert copied["RecoveryPointArn"] == shown["DestinationRecoveryPointArn"]
    assert copied["ResourceArn"] == shown["ResourceArn"]
    for filters, count in (
        ({"BySourceRecoveryPointArn": made}, 1),
        ({"ByDestinationVaultArn": arn, "ByState": "COMPLETED"}, 1),
        ({"ByDestinationVaultArn": arn, "ByState": "RUNNING"}, 0),
    ):
        assert len(backup.list_copy_jobs(**filters)["CopyJobs"]) == count
