"""The life of a stage whose vault is locked: backed up, destroyed, cleaned up."""

import json

import pytest

from embedded_aws.tests.support.steps import back_up, listed, refused
from ops.__main__ import main

pytestmark = pytest.mark.usefixtures("bootstrapped", "quick_backups")
LOCKED = {"vault_lock": "governance", "daily_backup_retention_days": 7, "monthly_backup_retention_days": 35}
CLEANUP = ("--yes", "--json", "--rate", "1000")


def run(stage, command, *options):
    return main([command, "--stage", stage.stage, *options])


def left(capsys):
    return json.loads(capsys.readouterr().out)["left"]


def test_a_governance_lock_from_deployment_to_clean_up(client, stage, capsys):
    outputs = stage.deploy([], **LOCKED)
    vault, backup = outputs["BackupVaultName"], client("backup")
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    assert (shown["Locked"], shown["MinRetentionDays"], shown["MaxRetentionDays"]) == (True, 7, 35)
    assert run(stage, "backup") == 0
    point = {"BackupVaultName": vault, "RecoveryPointArn": capsys.readouterr().out.strip()}
    assert refused(backup.delete_recovery_point, **point)[1] == "InvalidRequestException"
    # Outside of the bounds a job fails.
    job = back_up(client, vault, outputs["TableName"], outputs["BackupRoleArn"])
    assert job["State"] == "FAILED", "without a retention it would stay for ever"
    assert run(stage, "backup", "--retain", "36d") == 1
    assert "FAILED" in capsys.readouterr().err

    stage.destroy()
    assert run(stage, "cleanup", "--dry-run") == 0
    assert "vault lock in governance mode: --unlock removes it" in capsys.readouterr().out
    assert run(stage, "cleanup", *CLEANUP) == 1
    assert {item["kind"] for item in left(capsys)} == {"recovery point", "backup vault", "role"}
    assert backup.describe_recovery_point(**point)["Status"] == "COMPLETED"

    assert run(stage, "cleanup", "--unlock", *CLEANUP) == 0
    assert left(capsys) == []
    assert vault not in [v["BackupVaultName"] for v in listed(backup, "list_backup_vaults")]


def test_a_governance_lock_goes_with_the_setting_and_a_compliance_lock_is_final_after_its_grace(
    client, stage, capsys, setting
):
    setting("vault_lock_day_seconds", 0)  # the days of grace are over at once
    confirmed = f"{stage.stack} for 35 days"
    vault = stage.deploy([], **LOCKED)["BackupVaultName"]
    assert stage.deploy([], **LOCKED | {"vault_lock": ""})["BackupVaultName"] == vault
    unlocked = client("backup").describe_backup_vault(BackupVaultName=vault)
    assert unlocked["Locked"] is False, "a governance lock goes with the setting"
    stage.deploy([], **LOCKED | {"vault_lock": "compliance"}, vault_lock_confirmed=confirmed)
    assert run(stage, "backup") == 0
    unlock = client("backup").delete_backup_vault_lock_configuration
    assert refused(unlock, BackupVaultName=vault)[1] == "InvalidRequestException"
    stage.destroy()
    capsys.readouterr()
    assert run(stage, "cleanup", "--unlock", *CLEANUP) == 1
    (point,) = [item for item in left(capsys) if item["kind"] == "recovery point"]
    assert "compliance mode, immutable since" in point["reason"]
    assert point["until"], "the day on which it goes by itself"
