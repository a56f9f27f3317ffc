"""What keeps a recovery point from being deleted: vault lock, access policy, legal hold.

Sources: botocore backup model; AWS Backup guide, "AWS Backup Vault Lock", "Vault access policies",
"Legal holds"; re:Post, "backup-recovery-points-hold-vault" (text); aws-cdk,
BackupVault.blockRecoveryPointDeletion (the policy).
"""

import datetime
import json
import time

import pytest
from botocore.config import Config

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import back_up, eventually, refused

HELD = "The recovery point cannot be deleted because it has active legal hold(s)"


@pytest.fixture
def backup(client):
    return client("backup")


@pytest.fixture(autouse=True)
def quick(setting):
    setting("backup_job_seconds", 0)
    setting("recovery_point_deleting_seconds", 0)
    setting("vault_lag_seconds", 0)


@pytest.fixture
def point(client, table, vault, backup_role):
    """Arguments that name a recovery point of the test's own table."""
    made = back_up(client, vault, table, backup_role, Lifecycle={"DeleteAfterDays": 30})
    return {"BackupVaultName": vault, "RecoveryPointArn": made["RecoveryPointArn"]}


def _code(call, **arguments):
    return refused(call, **arguments)[1]


def test_a_governance_lock_holds_until_it_is_removed(backup, point, vault):
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=365)
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    assert (shown["Locked"], shown["MinRetentionDays"], shown["MaxRetentionDays"]) == (True, 7, 365)
    assert "LockDate" not in shown
    assert _code(backup.delete_recovery_point, **point) == "InvalidRequestException"
    call = backup.update_recovery_point_lifecycle
    assert _code(call, Lifecycle={"DeleteAfterDays": 9}, **point) == "InvalidRequestException"
    backup.delete_backup_vault_lock_configuration(BackupVaultName=vault)
    assert backup.describe_backup_vault(BackupVaultName=vault)["Locked"] is False
    backup.delete_recovery_point(**point)


def test_a_compliance_lock_is_final_after_its_date(backup, point, vault, setting):
    lock = {"BackupVaultName": vault, "MinRetentionDays": 7, "ChangeableForDays": 3}
    backup.put_backup_vault_lock_configuration(**lock)
    date = backup.describe_backup_vault(BackupVaultName=vault)["LockDate"]
    in_three_days = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3)
    assert abs(date - in_three_days) < datetime.timedelta(minutes=1)
    backup.delete_backup_vault_lock_configuration(BackupVaultName=vault)  # still changeable

    setting("vault_lock_day_seconds", 0)
    backup.put_backup_vault_lock_configuration(**lock)
    for call, arguments in (
        (backup.delete_backup_vault_lock_configuration, {"BackupVaultName": vault}),
        (backup.put_backup_vault_lock_configuration, {"BackupVaultName": vault}),
        (backup.delete_recovery_point, point),
    ):
        assert _code(call, **arguments) == "InvalidRequestException"


@pytest.mark.parametrize(
    "days", [{"ChangeableForDays": 2}, {"MinRetentionDays": 36501}, {"MinRetentionDays": 9, "MaxRetentionDays": 8}]
)
def test_a_lock_that_AWS_refuses(backup, vault, days):
    call = backup.put_backup_vault_lock_configuration
    assert _code(call, BackupVaultName=vault, **days) == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("lifecycle", "state"),
    [
        ({"DeleteAfterDays": 6}, "FAILED"),
        ({"DeleteAfterDays": 7}, "COMPLETED"),
        ({"DeleteAfterDays": 9}, "FAILED"),
        ({}, "FAILED"),  # for ever is longer than any maximum
    ],
)
def test_a_job_outside_the_locks_retention_fails(backup, client, table, vault, backup_role, lifecycle, state):
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=8)
    assert back_up(client, vault, table, backup_role, Lifecycle=lifecycle)["State"] == state


def test_an_empty_locked_vault_can_be_deleted(backup, vault):
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7)
    backup.delete_backup_vault(BackupVaultName=vault)


def _deny(action, principal="*"):
    statement = {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_access_policy_denies_also_root(backup, point, vault):
    assert _code(backup.get_backup_vault_access_policy, BackupVaultName=vault) == ("ResourceNotFoundException")
    policy = _deny(["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"])
    backup.put_backup_vault_access_policy(BackupVaultName=vault, Policy=policy)
    assert backup.get_backup_vault_access_policy(BackupVaultName=vault)["Policy"] == policy
    status, code, text = refused(backup.delete_recovery_point, **point)
    assert (status, code) == (403, "AccessDeniedException")
    assert text.endswith("with an explicit deny in a resource-based policy")
    assert backup.describe_recovery_point(**point)["Status"] == "COMPLETED"
    backup.delete_backup_vault_access_policy(BackupVaultName=vault)
    backup.delete_recovery_point(**point)


def test_an_access_policy_denies_whom_it_names(backup, client, point, vault, name):
    iam = client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    allow = {"Effect": "Allow", "Action": "backup:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    theirs = client("backup", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    policy = _deny("backup:Delete*", {"AWS": arn})
    backup.put_backup_vault_access_policy(BackupVaultName=vault, Policy=policy)
    assert _code(theirs.delete_recovery_point, **point) == "AccessDeniedException"
    assert theirs.describe_recovery_point(**point)["Status"] == "COMPLETED"
    backup.delete_recovery_point(**point)


def test_text_that_is_no_policy_is_refused(backup, vault):
    call = backup.put_backup_vault_access_policy
    assert _code(call, BackupVaultName=vault, Policy="{}") == "InvalidParameterValueException"


def test_a_legal_hold_holds_what_it_selects_until_it_is_cancelled(backup, point, vault):
    hold = backup.create_legal_hold(Title="case 7", Description="keep", RecoveryPointSelection={"VaultNames": [vault]})[
        "LegalHoldId"
    ]
    shown = backup.get_legal_hold(LegalHoldId=hold)
    assert (shown["Title"], shown["Status"]) == ("case 7", "ACTIVE")
    assert shown["RecoveryPointSelection"]["VaultNames"] == [vault]
    listed = backup.get_paginator("list_legal_holds").paginate().build_full_result()["LegalHolds"]
    assert hold in [entry["LegalHoldId"] for entry in listed]
    (member,) = backup.list_recovery_points_by_legal_hold(LegalHoldId=hold)["RecoveryPoints"]
    assert {key: member[key] for key in point} == point
    assert refused(backup.delete_recovery_point, **point) == (400, "InvalidRequestException", HELD)

    backup.cancel_legal_hold(LegalHoldId=hold, CancelDescription="over")
    assert backup.get_legal_hold(LegalHoldId=hold)["Status"] == "CANCELED"
    backup.delete_recovery_point(**point)


def test_a_legal_hold_holds_nothing_else(backup, point, vault):
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    selections = (
        {"VaultNames": ["other-vault"]},
        {"VaultNames": [vault], "ResourceIdentifiers": ["arn:aws:dynamodb:x:0:table/other"]},
        {"VaultNames": [vault], "DateRange": {"FromDate": now - 2 * day, "ToDate": now - day}},
    )
    for selection in selections:
        backup.create_legal_hold(Title="t", Description="d", RecoveryPointSelection=selection)
    backup.delete_recovery_point(**point)


def test_deletions_beyond_a_rate_are_throttled_and_counted(aws, point, client, setting):
    """The error is DynamoDB's (ACK): AWS Backup documents none and no rate."""
    setting("deletions_a_second", 1)
    setting("deletions_seen", 0)
    once = client("backup", config=Config(retries={"total_max_attempts": 1}))
    missing = point | {"RecoveryPointArn": "arn:aws:backup:us-east-1:0:recovery-point:none"}
    codes = {_code(once.delete_recovery_point, **missing) for _ in range(4)}
    assert codes == {"ResourceNotFoundException", "ThrottlingException"}
    eventually(lambda: _code(once.delete_recovery_point, **missing) == "ResourceNotFoundException")
    assert configure(aws, deletions_seen=0)["deletions_seen"] >= 5
    assert configure(aws, deletions_seen_in_a_second=0)["deletions_seen_in_a_second"] >= 4


def test_a_call_takes_as_long_as_the_setting_says(backup, vault, setting):
    setting("latency_milliseconds", 80)
    began = time.monotonic()
    backup.describe_backup_vault(BackupVaultName=vault)
    assert time.monotonic() - began >= 0.08
