"""A stage whose backups go with its stack: the destroy alone leaves nothing."""

import time

import pytest
from aws_cdk import Duration

from stacks import vault_emptying
from tests.local.aws_steps import back_up, ended, eventually, table_arn
from tests.local.deployment import Deployment, DeploymentFailed

pytestmark = pytest.mark.usefixtures("bootstrapped")


@pytest.fixture
def deployed(client, name, monkeypatch, setting):
    monkeypatch.setattr(vault_emptying, "POLL_INTERVAL", Duration.seconds(1))
    setting("backup_job_seconds", 0)
    deployment = Deployment(client, f"pr-{name}")
    deployment.deploy([], change=_hurry, backups_on_destroy="delete")
    return deployment


def _hurry(stack):
    """The vault of the embedded AWS lags less than AWS's own."""
    stack.backup.emptying.emptying.function.add_environment("SETTLE_SECONDS", "1")


def take(client, deployment, count):
    outputs = deployment.outputs()
    for _ in range(count):
        back_up(client, outputs["BackupVaultName"], outputs["TableName"], outputs["BackupRoleArn"])
    return outputs


def left(client, outputs):
    vaults = client("backup").list_backup_vaults()["BackupVaultList"]
    roles = client("iam").list_roles(PathPrefix="/messages/")["Roles"]
    found = [v["BackupVaultName"] for v in vaults] + [role["Arn"] for role in roles]
    return [
        name for name in (outputs["BackupVaultName"], outputs["BackupRoleArn"]) if name in found
    ]


def test_a_destroy_empties_the_vault_and_leaves_nothing(client, deployed):
    outputs = take(client, deployed, 3)
    deployed.destroy()
    assert deployed.status() == ""
    assert left(client, outputs) == []


def test_an_empty_vault_goes_too(client, deployed):
    outputs = deployed.outputs()
    deployed.destroy()
    assert left(client, outputs) == []


def test_a_running_job_is_waited_for(client, deployed, setting):
    outputs = deployed.outputs()
    setting("backup_job_seconds", 2)
    job = client("backup").start_backup_job(
        BackupVaultName=outputs["BackupVaultName"], IamRoleArn=outputs["BackupRoleArn"],
        ResourceArn=table_arn(outputs["TableName"]))["BackupJobId"]  # fmt: skip
    deployed.destroy()
    assert ended(client("backup"), job)["State"] == "COMPLETED"
    assert left(client, outputs) == []


def test_what_cannot_be_deleted_ends_the_destroy_by_name(client, deployed):
    outputs = take(client, deployed, 2)
    vault = outputs["BackupVaultName"]
    backup = client("backup")
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=1)
    with pytest.raises(
        DeploymentFailed, match=rf"vault {vault} holds 2 recovery points that cannot"
    ):
        deployed.destroy()
    assert deployed.status() == "DELETE_FAILED"
    points = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"]
    assert len(points) == 2

    backup.delete_backup_vault_lock_configuration(BackupVaultName=vault)
    deployed.destroy()
    assert left(client, outputs) == []


def test_more_points_than_a_page(client, deployed):
    outputs = deployed.outputs()
    backup, started = client("backup"), []
    for _ in range(120):
        started.append(backup.start_backup_job(
            BackupVaultName=outputs["BackupVaultName"], IamRoleArn=outputs["BackupRoleArn"],
            ResourceArn=table_arn(outputs["TableName"]))["BackupJobId"])  # fmt: skip
    eventually(lambda: time.sleep(0.1) or ended(backup, started[-1]))
    deployed.destroy()
    assert left(client, outputs) == []
