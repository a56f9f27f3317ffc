"""`python -m ops restore` of a table under a customer key: at home, and of a copy in another region."""

import pytest

from embedded_aws.tests.support.steps import listed
from ops.__main__ import main

THERE = "eu-west-1"


@pytest.fixture
def stage(quick_stage, client):
    quick_stage.home_key = client("kms").create_key()["KeyMetadata"]["Arn"]
    encrypted = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": quick_stage.home_key}
    return quick_stage.deploy(SSESpecification=encrypted)


def copied(stage, client, name, **vault):
    """The ARN of a copy, in a new vault in the other region, of a new recovery point."""
    there = client("backup", region_name=THERE)
    destination = there.create_backup_vault(BackupVaultName=name, **vault)["BackupVaultArn"]
    stage.start_job()
    stage.client("backup").start_copy_job(
        RecoveryPointArn=stage.points()[-1],
        SourceBackupVaultName=stage.vault,
        DestinationBackupVaultArn=destination,
        IamRoleArn=stage.role_arn,
    )
    (found,) = there.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
    return found["RecoveryPointArn"]


def key_of(dynamodb, table):
    return dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["KMSMasterKeyArn"]


def test_a_backup_is_restored_under_its_tables_key_and_a_copy_under_one_of_its_region(
    stage, client, name, backup_role, capsys
):
    target = f"{stage.table}.home"
    stage.start_job()
    assert stage.ops("restore", "--target", target, "--no-compare") == 0
    assert key_of(stage.client("dynamodb"), target) == stage.home_key
    dynamodb, kms = client("dynamodb", region_name=THERE), client("kms", region_name=THERE)
    vault_key, chosen_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))

    def restore(point, *options):
        """The status in the other region, and the last line of standard error."""
        where = ("--stack", f"{stage.stack}-Copies-us-east-1", "--region", THERE, "--no-compare")
        status = main(["restore", point, *where, "--role", backup_role, *options])
        return status, capsys.readouterr().err.splitlines()[-1]

    point = copied(stage, client, f"{name}-keyed", EncryptionKeyArn=vault_key)
    assert restore(point, "--target", f"{name}.back")[0] == 0
    assert key_of(dynamodb, f"{name}.back") == vault_key
    assert restore(point, "--drill")[0] == 0
    assert restore(point, "--target", f"{name}.far", "--kms-key", stage.home_key) == (
        2,
        f"error: --kms-key '{stage.home_key}' is not the ARN of a KMS key in {THERE}",
    )

    point = copied(stage, client, f"{name}-aws")
    assert restore(point, "--target", f"{name}.chosen") == (
        1,
        f"error: the table was encrypted with {stage.home_key}, which no table in {THERE} can use, "
        f"and the vault {name}-aws has no customer key that the caller may describe; "
        f"name a key in {THERE} with --kms-key",
    )
    jobs = listed(client("backup", region_name=THERE), "list_restore_jobs")
    assert point not in [job["RecoveryPointArn"] for job in jobs], "nothing was started"
    assert restore(point, "--target", f"{name}.chosen", "--kms-key", chosen_key)[0] == 0
    assert key_of(dynamodb, f"{name}.chosen") == chosen_key
