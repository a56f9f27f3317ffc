"""A stage whose backups go with its stack: the destroy alone leaves nothing."""

import time

import pytest
from aws_cdk import CfnResource, Duration

from embedded_aws.tests.support.steps import KEYED, back_up, ended, eventually, listed, table_arn
from stacks import backup_vault
from tests.support.deployment import Deployment, DeploymentFailed

pytestmark = pytest.mark.usefixtures("bootstrapped")
GOING = {"backups_on_destroy": "delete", "region": "us-east-1"}


@pytest.fixture
def stage(client, name, monkeypatch, setting):
    monkeypatch.setattr(backup_vault, "POLL_INTERVAL", Duration.seconds(1))
    setting("backup_job_seconds", 0)
    return Deployment(client, f"pr-{name}")


@pytest.fixture
def deployed(stage):
    stage.deploy([], change=_hurry, **GOING)
    return stage


def _hurry(stack):
    """The vault of the embedded AWS lags less than AWS's own."""
    emptying = stack.backup.node.find_child("Emptying").node.find_child("Emptying")
    emptying.function.add_environment("SETTLE_SECONDS", "1")


def _and_fail(stack):
    """At the end of the update: the name is the table's already."""
    _hurry(stack)
    properties = KEYED | {"TableName": stack.stack_name}
    last = CfnResource(stack, "Last", type="AWS::DynamoDB::Table", properties=properties)
    last.node.add_dependency(stack.backup)


def take(client, deployment, count):
    outputs = deployment.outputs()
    for _ in range(count):
        back_up(client, outputs["BackupVaultName"], outputs["TableName"], outputs["BackupRoleArn"])
    return outputs


def vaults(client):
    return [vault["BackupVaultName"] for vault in listed(client("backup"), "list_backup_vaults")]


def left(client, outputs):
    roles = listed(client("iam"), "list_roles", PathPrefix="/messages/")
    found = vaults(client) + [role["Arn"] for role in roles]
    return [name for name in (outputs["BackupVaultName"], outputs["BackupRoleArn"]) if name in found]


def points(client, outputs):
    """How many recovery points the vault holds."""
    found = client("backup").list_recovery_points_by_backup_vault(BackupVaultName=outputs["BackupVaultName"])
    return len(found["RecoveryPoints"])


def test_a_destroy_waits_for_a_running_job_and_empties_a_vault_of_several_pages(client, deployed, setting):
    outputs, backup = deployed.outputs(), client("backup")

    def start():
        return backup.start_backup_job(
            BackupVaultName=outputs["BackupVaultName"],
            IamRoleArn=outputs["BackupRoleArn"],
            ResourceArn=table_arn(outputs["TableName"]),
        )["BackupJobId"]

    started = [start() for _ in range(120)]
    eventually(lambda: time.sleep(0.1) or ended(backup, started[-1]))
    setting("backup_job_seconds", 2)
    running = start()
    deployed.destroy()
    assert ended(backup, running)["State"] == "COMPLETED"
    assert (deployed.status(), left(client, outputs)) == ("", [])


def test_what_cannot_be_deleted_ends_the_destroy_by_name(client, deployed):
    outputs = take(client, deployed, 2)
    vault = outputs["BackupVaultName"]
    backup = client("backup")
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=1)
    with pytest.raises(DeploymentFailed, match=rf"vault {vault} holds 2 recovery points that cannot"):
        deployed.destroy()
    assert deployed.status() == "DELETE_FAILED"
    assert points(client, outputs) == 2
    backup.delete_backup_vault_lock_configuration(BackupVaultName=vault)
    deployed.destroy()
    assert left(client, outputs) == []


def test_a_vault_that_another_replaces_is_emptied_only_when_the_update_succeeds(client, deployed):
    outputs = take(client, deployed, 2)
    with pytest.raises(DeploymentFailed, match="already exists"):
        deployed.deploy([], change=_and_fail, customer_key=True, **GOING)
    assert points(client, outputs) == 2
    after = deployed.deploy([], change=_hurry, customer_key=True, **GOING)
    assert after["BackupVaultName"] != outputs["BackupVaultName"]
    assert outputs["BackupVaultName"] not in vaults(client)
    take(client, deployed, 1)
    deployed.destroy()
    assert left(client, after) == []


def test_backups_stay_when_the_setting_is_keep_or_its_change_failed(client, stage):
    stage.deploy([], region="us-east-1")
    outputs = take(client, stage, 2)
    with pytest.raises(DeploymentFailed, match="already exists"):
        stage.deploy([], change=_and_fail, **GOING)
    assert points(client, outputs) == 2
    stage.deploy([], change=_hurry, **GOING)
    stage.deploy([], region="us-east-1")
    assert points(client, outputs) == 2
    stage.destroy()
    assert points(client, outputs) == 2
