"""Vaults with locks, policies and legal holds; plans and selections.

Sources: botocore backup model; gruntwork-io/cloud-nuke#730 and go-to-k/delstack#370 (non-empty vault);
aws-sdk-js#2625 (missing vault); terraform-provider-aws#37774 (empty list, still refused) and its plan.go and
selection.go; AWS Backup guide, "AWS Backup Vault Lock", "Vault access policies", "Legal holds"; re:Post,
"backup-recovery-points-hold-vault" (text); aws-cdk, BackupVault.blockRecoveryPointDeletion (the policy).
"""

import contextlib
import datetime
import time

import pytest
from botocore.config import Config

from embedded_aws.tests.support.steps import INVALID, NOT_FOUND, allow, back_up, code_of, eventually, policy, refused

REFUSED, DENIED = "InvalidRequestException", "AccessDeniedException"
NOT_EMPTY = (400, REFUSED, "Backup vault cannot be deleted because it contains recovery points.")
HELD = "The recovery point cannot be deleted because it has active legal hold(s)"


@pytest.fixture
def may(caller):
    """``may(allow("backup:*"))``: AWS Backup for a caller with only these statements."""
    return lambda *statements: caller(*statements)("backup")


def test_a_missing_vault_answers_access_denied_even_to_root(backup, name):
    answer = (403, DENIED, "Insufficient privileges to perform this action.")
    for call in (
        backup.describe_backup_vault,
        backup.delete_backup_vault,
        backup.get_backup_vault_access_policy,
        backup.list_recovery_points_by_backup_vault,
    ):
        assert refused(call, BackupVaultName=name) == answer
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert refused(call, BackupVaultName=name, RecoveryPointArn="arn:aws:backup:x:0:recovery-point:y") == answer


def test_a_vault_describes_itself_and_keeps_its_name_and_tags(backup, name):
    tags = {"project": "messages"}
    arn = backup.create_backup_vault(BackupVaultName=name, BackupVaultTags=tags)["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"] == tags
    shown = backup.describe_backup_vault(BackupVaultName=name)
    expected = {"VaultType": "BACKUP_VAULT", "VaultState": "AVAILABLE", "Locked": False, "NumberOfRecoveryPoints": 0}
    assert shown.items() >= expected.items()
    assert shown["EncryptionKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    listed = backup.get_paginator("list_backup_vaults").paginate().build_full_result()["BackupVaultList"]
    assert name in [entry["BackupVaultName"] for entry in listed]
    taken = (400, "AlreadyExistsException", "Backup vault with the same name already exists")
    assert refused(backup.create_backup_vault, BackupVaultName=name) == taken
    for bad in ("v", "v" * 51, "a.b", "ä-vault"):
        assert refused(backup.create_backup_vault, BackupVaultName=bad)[:2] == (400, INVALID)


def test_a_vault_with_a_point_is_kept_and_can_be_deleted_only_after_a_lag(backup, vault, point, setting):
    def kept(points):
        assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == points
        return refused(backup.delete_backup_vault, BackupVaultName=vault) == NOT_EMPTY

    assert kept(points=1)
    setting("vault_lag_seconds", 4)
    backup.delete_recovery_point(**point)
    assert kept(points=0)

    def deleted():
        with contextlib.suppress(backup.exceptions.InvalidRequestException):
            return backup.delete_backup_vault(BackupVaultName=vault)

    eventually(deleted)


def test_a_governance_lock_can_be_removed_and_a_compliance_lock_is_final_after_its_date(backup, point, vault, setting):
    mine, put = {"BackupVaultName": vault}, backup.put_backup_vault_lock_configuration
    describe, remove = backup.describe_backup_vault, backup.delete_backup_vault_lock_configuration
    put(MinRetentionDays=7, **mine)
    assert "LockDate" not in describe(**mine)
    assert code_of(backup.update_recovery_point_lifecycle, Lifecycle={"DeleteAfterDays": 9}, **point) == REFUSED
    remove(**mine)
    assert describe(**mine)["Locked"] is False

    put(MinRetentionDays=7, ChangeableForDays=3, **mine)
    in_three_days = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3)
    assert abs(describe(**mine)["LockDate"] - in_three_days) < datetime.timedelta(minutes=1)
    remove(**mine)  # still changeable
    setting("vault_lock_day_seconds", 0)
    put(MinRetentionDays=7, ChangeableForDays=3, **mine)
    for call, arguments in ((remove, mine), (put, mine), (backup.delete_recovery_point, point)):
        assert code_of(call, **arguments) == REFUSED
    empty = {"BackupVaultName": f"{vault}-empty"}
    backup.create_backup_vault(**empty)
    put(MinRetentionDays=7, **empty)
    backup.delete_backup_vault(**empty)


def test_a_lock_has_valid_days_and_fails_jobs_outside_of_them(backup, client, table, vault, backup_role):
    lock = backup.put_backup_vault_lock_configuration
    for days in ({"ChangeableForDays": 2}, {"MinRetentionDays": 36501}, {"MinRetentionDays": 9, "MaxRetentionDays": 8}):
        assert code_of(lock, BackupVaultName=vault, **days) == INVALID
    lock(BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=8)
    # Without a number it never expires: longer than any maximum.
    for days, state in ((6, "FAILED"), (7, "COMPLETED"), (9, "FAILED"), (None, "FAILED")):
        lifecycle = {"DeleteAfterDays": days} if days else {}
        assert back_up(client, vault, table, backup_role, Lifecycle=lifecycle)["State"] == state


def test_an_access_policy_denies_its_principal_and_even_root(backup, point, vault, name, may):
    get, put = backup.get_backup_vault_access_policy, backup.put_backup_vault_access_policy
    assert code_of(get, BackupVaultName=vault) == NOT_FOUND
    assert code_of(put, BackupVaultName=vault, Policy="{}") == INVALID
    root, user = backup, may(allow("backup:*"))
    theirs = {"AWS": f"arn:aws:iam::000000000000:role/{name}-caller"}
    for principal, denied in (("*", (root, user)), (theirs, (user,))):
        document = policy(allow("backup:Delete*", Effect="Deny", Principal=principal))
        put(BackupVaultName=vault, Policy=document)
        assert get(BackupVaultName=vault)["Policy"] == document
        for caller in denied:
            status, code, text = refused(caller.delete_recovery_point, **point)
            assert (status, code) == (403, DENIED)
            assert text.endswith("with an explicit deny in a resource-based policy")
            assert caller.describe_recovery_point(**point)["Status"] == "COMPLETED"
    root.delete_recovery_point(**point)


def test_a_legal_hold_holds_what_it_selects_until_it_is_cancelled(backup, point, vault):
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    for other in (
        {"VaultNames": ["other-vault"]},
        {"VaultNames": [vault], "ResourceIdentifiers": ["arn:aws:dynamodb:x:0:table/other"]},
        {"VaultNames": [vault], "DateRange": {"FromDate": now - 2 * day, "ToDate": now - day}},
    ):
        backup.create_legal_hold(Title="t", Description="d", RecoveryPointSelection=other)
    asked = {"Title": "case 7", "Description": "keep", "RecoveryPointSelection": {"VaultNames": [vault]}}
    hold = backup.create_legal_hold(**asked)["LegalHoldId"]
    shown = backup.get_legal_hold(LegalHoldId=hold)
    assert shown.items() >= (asked | {"Status": "ACTIVE"}).items()
    listed = backup.get_paginator("list_legal_holds").paginate().build_full_result()["LegalHolds"]
    assert hold in [entry["LegalHoldId"] for entry in listed]
    (member,) = backup.list_recovery_points_by_legal_hold(LegalHoldId=hold)["RecoveryPoints"]
    assert {key: member[key] for key in point} == point
    assert refused(backup.delete_recovery_point, **point) == (400, REFUSED, HELD)
    backup.cancel_legal_hold(LegalHoldId=hold, CancelDescription="over")
    assert backup.get_legal_hold(LegalHoldId=hold)["Status"] == "CANCELED"
    backup.delete_recovery_point(**point)  # the other holds do not select it


def test_deletions_beyond_a_rate_are_throttled_and_calls_take_time(client, vault, setting):
    """The error is DynamoDB's (ACK): AWS Backup documents none and no rate."""
    setting("deletions_a_second", 1)
    once = client("backup", config=Config(retries={"total_max_attempts": 1}))
    missing = {"BackupVaultName": vault, "RecoveryPointArn": "arn:aws:backup:us-east-1:0:recovery-point:none"}
    assert {code_of(once.delete_recovery_point, **missing) for _ in range(4)} == {NOT_FOUND, "ThrottlingException"}
    eventually(lambda: code_of(once.delete_recovery_point, **missing) == NOT_FOUND)
    setting("latency_milliseconds", 80)
    began = time.monotonic()
    once.describe_backup_vault(BackupVaultName=vault)
    assert time.monotonic() - began >= 0.08


def test_a_plan_needs_its_vault_a_selection_its_role_and_a_caller_the_plan(backup, vault, name, backup_role, role, may):
    def create(**changes):
        rule = {"RuleName": "daily", "TargetBackupVaultName": vault} | changes
        return backup.create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": [rule]})

    plan = create()["BackupPlanId"]
    text = "Backup plan with the same plan document already exists"
    assert refused(create) == (400, "AlreadyExistsException", text)
    assert code_of(create, TargetBackupVaultName=f"{name}-missing") == INVALID
    assert code_of(create, Lifecycle={"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 60}) == INVALID
    rule = {"RuleName": "daily", "TargetBackupVaultName": f"{name}-missing"}
    changed = {"BackupPlanName": name, "Rules": [rule]}
    assert code_of(backup.update_backup_plan, BackupPlanId=plan, BackupPlan=changed) == INVALID

    select, missing, blind = backup.create_backup_selection, f"{backup_role}-missing", role("backup.amazonaws.com")
    for arn, text in (
        (missing, f"IAM Role {missing} cannot be assumed by AWS Backup"),
        (blind, f"IAM Role {blind} is not authorized to call tag:GetResources"),
    ):
        found = refused(select, BackupPlanId=plan, BackupSelection={"SelectionName": "m", "IamRoleArn": arn})
        assert found == (400, INVALID, text)
    made = select(BackupPlanId=plan, BackupSelection={"SelectionName": "m", "IamRoleArn": backup_role})
    text = "Related backup plan selections must be deleted prior to backup plan deletion"
    assert refused(backup.delete_backup_plan, BackupPlanId=plan) == (400, REFUSED, text)
    found = refused(backup.get_backup_selection, BackupPlanId="none", SelectionId="none")
    assert found == (400, INVALID, "Cannot find Backup plan")
    assert code_of(backup.delete_backup_selection, BackupPlanId=plan, SelectionId="none") == INVALID

    other = create(RuleName="other")
    user = may(allow("backup:*", on=other["BackupPlanArn"]))
    assert user.get_backup_plan(BackupPlanId=other["BackupPlanId"])["BackupPlan"]
    assert _denied(user.get_backup_plan, BackupPlanId=plan)
    assert _denied(user.list_backup_selections, BackupPlanId=plan)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=made["SelectionId"])
    backup.delete_backup_plan(BackupPlanId=plan)


def _denied(call, **arguments):
    status, code, text = refused(call, **arguments)
    assert (status, code) == (403, DENIED)
    return "is not authorized to perform" in text


def test_a_user_of_one_vault_has_no_access_to_another(client, backup, name, table, vault, backup_role, may):
    """Service Authorization Reference, "Actions, resources, and condition keys for AWS Backup"."""
    mine, theirs = {"BackupVaultName": vault}, {"BackupVaultName": f"{name}-other"}
    backup.create_backup_vault(**theirs)
    arn = backup.describe_backup_vault(**mine)["BackupVaultArn"]
    point, other_point = (
        back_up(client, each, table, backup_role)["RecoveryPointArn"] for each in (vault, f"{name}-other")
    )
    backup = may(allow("backup:*", on=[arn, point]))
    assert backup.describe_backup_vault(**mine)["NumberOfRecoveryPoints"] == 1
    (listed,) = backup.list_recovery_points_by_backup_vault(**mine)["RecoveryPoints"]
    assert listed["RecoveryPointArn"] == point
    assert backup.describe_recovery_point(RecoveryPointArn=point, **mine)["Status"] == "COMPLETED"
    assert backup.list_tags(ResourceArn=point)["Tags"]
    for call in (backup.describe_backup_vault, backup.delete_backup_vault, backup.list_recovery_points_by_backup_vault):
        assert _denied(call, **theirs)
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert _denied(call, RecoveryPointArn=other_point, **theirs)

    restoring = {"IamRoleArn": backup_role, "Metadata": {"targetTableName": f"{table}-2"}}
    backing = {"IamRoleArn": backup_role, "ResourceArn": listed["ResourceArn"]}
    starting = allow("backup:StartBackupJob", on=arn), allow("backup:StartRestoreJob", on=point)
    backup = may(*starting)
    for call, arguments in (
        (backup.start_restore_job, {"RecoveryPointArn": point} | restoring),
        (backup.start_backup_job, mine | backing),
    ):
        status, code, text = refused(call, **arguments)
        assert (status, code, f"iam:PassRole on resource: {backup_role}" in text) == (403, DENIED, True)
    backup = may(*starting, allow("iam:PassRole", on=backup_role))
    assert backup.start_backup_job(**mine, **backing)["BackupJobId"]
    assert _denied(backup.start_backup_job, **theirs, **backing)
    assert backup.start_restore_job(RecoveryPointArn=point, **restoring)["RestoreJobId"]
    assert _denied(backup.start_restore_job, RecoveryPointArn=other_point, **restoring)

    for tagged in (arn, point):
        client("backup").tag_resource(ResourceArn=tagged, Tags={"team": name})
    found = client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "team", "Values": [name]}], ResourceTypeFilters=["backup"]
    )["ResourceTagMappingList"]
    assert {entry["ResourceARN"] for entry in found} == {arn, point}
    backup = may(allow("backup:*", Condition={"StringEquals": {"aws:ResourceTag/team": name}}))
    assert backup.describe_backup_vault(**mine)["BackupVaultName"] == vault
    assert _denied(backup.describe_backup_vault, **theirs)
    backup.delete_recovery_point(RecoveryPointArn=point, **mine)
    assert _denied(backup.delete_recovery_point, RecoveryPointArn=other_point, **theirs)
