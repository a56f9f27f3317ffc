"""Backup vaults refuse what AWS refuses.

Sources: botocore backup model; gruntwork-io/cloud-nuke#730 and go-to-k/delstack#370 (non-empty
vault); aws-sdk-js#2625 (missing vault); terraform-provider-aws#37774 (empty list, still refused).
"""

import time

import pytest

from embedded_aws.tests.support.steps import back_up, eventually, refused

NOT_EMPTY = (400, "InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points.")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("describe_backup_vault", {}),
        ("delete_backup_vault", {}),
        ("get_backup_vault_access_policy", {}),
        ("list_recovery_points_by_backup_vault", {}),
        ("describe_recovery_point", {"RecoveryPointArn": "arn:aws:backup:x:0:recovery-point:y"}),
        ("delete_recovery_point", {"RecoveryPointArn": "arn:aws:backup:x:0:recovery-point:y"}),
    ],
)
def test_a_missing_vault_answers_access_denied_even_to_root(client, name, call, arguments):
    answer = refused(getattr(client("backup"), call), BackupVaultName=name, **arguments)
    assert answer == (403, "AccessDeniedException", "Insufficient privileges to perform this action.")


def test_a_taken_name_is_refused(client, vault):
    answer = refused(client("backup").create_backup_vault, BackupVaultName=vault)
    text = "Backup vault with the same name already exists"
    assert answer == (400, "AlreadyExistsException", text)


@pytest.mark.parametrize("bad", ["v", "v" * 51, "a.b", "ä-vault"])
def test_a_name_outside_the_models_pattern_is_refused(client, bad):
    answer = refused(client("backup").create_backup_vault, BackupVaultName=bad)
    assert answer[:2] == (400, "InvalidParameterValueException")


def test_a_vault_describes_itself(client, vault):
    shown = client("backup").describe_backup_vault(BackupVaultName=vault)
    assert shown["VaultType"] == "BACKUP_VAULT"
    assert shown["VaultState"] == "AVAILABLE"
    assert shown["Locked"] is False
    assert shown["NumberOfRecoveryPoints"] == 0
    assert shown["EncryptionKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    listed = {
        entry["BackupVaultName"]: entry
        for page in client("backup").get_paginator("list_backup_vaults").paginate()
        for entry in page["BackupVaultList"]
    }
    assert listed[vault]["NumberOfRecoveryPoints"] == 0


def test_a_vault_keeps_its_tags(client, name):
    arn = client("backup").create_backup_vault(BackupVaultName=name, BackupVaultTags={"project": "messages"})[
        "BackupVaultArn"
    ]
    assert client("backup").list_tags(ResourceArn=arn)["Tags"] == {"project": "messages"}


def test_a_vault_with_a_point_stays_and_is_deletable_only_after_a_lag(client, table, vault, backup_role, setting):
    backup = client("backup")
    point = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 1
    assert refused(backup.delete_backup_vault, BackupVaultName=vault) == NOT_EMPTY

    setting("recovery_point_deleting_seconds", 0)
    setting("vault_lag_seconds", 0.5)
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    deleted = time.monotonic()
    points = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)
    assert points["RecoveryPoints"] == []
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 0
    if time.monotonic() - deleted < 0.4:  # a slow machine may have missed the lag
        assert refused(backup.delete_backup_vault, BackupVaultName=vault) == NOT_EMPTY

    def delete():
        try:
            return backup.delete_backup_vault(BackupVaultName=vault)
        except backup.exceptions.InvalidRequestException:
            return None

    assert eventually(delete)
