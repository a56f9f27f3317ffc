"""`python -m ops restore` of a copy in another region, of a table under a customer key."""

from contextlib import closing

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import create_backup_role
from ops.__main__ import main
from tests.support.ops_deployment import QUICK, USUAL, Deployment

THERE = "eu-west-1"
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores"


@pytest.fixture
def stage(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK)
    with closing(Deployment(client, name)) as stage:
        stage.home_key = client("kms").create_key()["KeyMetadata"]["Arn"]
        stage.deploy(SSESpecification={"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": stage.home_key})
        yield stage
    configure(aws, **USUAL)


@pytest.fixture
def restore(stage, client, name, capsys):
    """``restore(point, ...)``: the command in the other region; its status, and its last line."""
    role = create_backup_role(client, f"{name}-restores")
    client("iam").attach_role_policy(RoleName=f"{name}-restores", PolicyArn=MANAGED)

    def run(point, *options):
        where = ("--stack", f"{stage.stack}-Copies-us-east-1", "--region", THERE, "--no-compare")
        status = main(["restore", point, *where, "--role", role, *options])
        return status, capsys.readouterr().err.splitlines()[-1]

    return run


def copied(stage, client, name, **vault):
    """The ARN of a copy, in the other region, of a new recovery point."""
    there = client("backup", region_name=THERE)
    destination = there.create_backup_vault(BackupVaultName=name, **vault)["BackupVaultArn"]
    point = stage.client("backup").start_backup_job(
        BackupVaultName=stage.vault,
        ResourceArn=f"arn:aws:dynamodb:us-east-1:000000000000:table/{stage.table}",
        IamRoleArn=stage.role_arn,
    )["RecoveryPointArn"]
    stage.client("backup").start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=stage.vault,
        DestinationBackupVaultArn=destination,
        IamRoleArn=stage.role_arn,
    )
    (found,) = there.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
    return found["RecoveryPointArn"]


def key_of(client, table):
    shown = client("dynamodb", region_name=THERE).describe_table(TableName=table)["Table"]
    return shown["SSEDescription"]["KMSMasterKeyArn"]


def test_a_copy_is_restored_under_the_key_of_its_vault(stage, restore, client, name):
    key = client("kms", region_name=THERE).create_key()["KeyMetadata"]["Arn"]
    point = copied(stage, client, name, EncryptionKeyArn=key)
    assert restore(point, "--target", f"{name}.back")[0] == 0
    assert key_of(client, f"{name}.back") == key
    assert restore(point, "--drill")[0] == 0


def test_a_copy_in_a_vault_of_awss_own_key_needs_a_key_of_its_region(stage, restore, client, name):
    point = copied(stage, client, name)
    status, line = restore(point, "--target", f"{name}.back")
    assert status == 1
    assert line == (
        f"error: the table was encrypted with {stage.home_key}, which no table in {THERE} can use, "
        f"and the vault {name} has no customer key that the caller may describe; "
        f"name a key in {THERE} with --kms-key"
    )
    jobs = client("backup", region_name=THERE).list_restore_jobs()["RestoreJobs"]
    assert point not in [job["RecoveryPointArn"] for job in jobs], "nothing was started"
    key = client("kms", region_name=THERE).create_key()["KeyMetadata"]["Arn"]
    assert restore(point, "--target", f"{name}.back", "--kms-key", key)[0] == 0
    assert key_of(client, f"{name}.back") == key


def test_a_key_of_another_region_is_wrong_usage(stage, restore, client, name):
    point = copied(stage, client, name)
    status, line = restore(point, "--target", f"{name}.back", "--kms-key", stage.home_key)
    assert status == 2
    assert line == (
        f"error: --kms-key {stage.home_key} is in region us-east-1; a table in {THERE} needs a key in {THERE}"
    )


def test_at_home_a_backup_is_restored_under_its_tables_key_also_when_the_table_is_gone(stage):
    stage.start_job()
    dynamodb = stage.client("dynamodb")
    for name in (f"{stage.table}.one", f"{stage.table}.two"):
        assert stage.ops("restore", "--target", name, "--no-compare") == 0
        shown = dynamodb.describe_table(TableName=name)["Table"]
        assert shown["SSEDescription"]["KMSMasterKeyArn"] == stage.home_key
        if name.endswith("one"):
            dynamodb.delete_table(TableName=stage.table)
