"""Vaults with locks, policies and legal holds; plans and selections.

Sources: botocore backup model; gruntwork-io/cloud-nuke#730 and go-to-k/delstack#370 (non-empty vault);
aws-sdk-js#2625 (missing vault); terraform-provider-aws#37774 (empty list, still refused) and its plan.go and
selection.go; AWS Backup guide, "AWS Backup Vault Lock", "Vault access policies", "Legal holds"; re:Post,
"backup-recovery-points-hold-vault" (text); aws-cdk, BackupVault.blockRecoveryPointDeletion (the policy).
"""

import datetime
import time

import pytest
from botocore.config import Config

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import allow, back_up, code_of, create_plan, eventually, policy, refused, user_of

NOT_EMPTY = (400, "InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points.")
HELD = "The recovery point cannot be deleted because it has active legal hold(s)"
INVALID = "InvalidParameterValueException"


@pytest.fixture(autouse=True)
def quick(setting):
    for name in ("backup_job_seconds", "recovery_point_deleting_seconds", "vault_lag_seconds"):
        setting(name, 0)


def test_a_missing_vault_answers_access_denied_even_to_root(backup, name):
    arn = {"RecoveryPointArn": "arn:aws:backup:x:0:recovery-point:y"}
    for call, arguments in (
        (backup.describe_backup_vault, {}),
        (backup.delete_backup_vault, {}),
        (backup.get_backup_vault_access_policy, {}),
        (backup.list_recovery_points_by_backup_vault, {}),
        (backup.describe_recovery_point, arn),
        (backup.delete_recovery_point, arn),
    ):
        found = refused(call, BackupVaultName=name, **arguments)
        assert found == (403, "AccessDeniedException", "Insufficient privileges to perform this action.")


def test_a_vault_describes_itself_and_keeps_its_name_and_tags(backup, name):
    tags = {"project": "messages"}
    arn = backup.create_backup_vault(BackupVaultName=name, BackupVaultTags=tags)["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"] == tags
    shown = backup.describe_backup_vault(BackupVaultName=name)
    expected = {"VaultType": "BACKUP_VAULT", "VaultState": "AVAILABLE", "Locked": False, "NumberOfRecoveryPoints": 0}
    assert shown.items() >= expected.items()
    assert shown["EncryptionKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    pages = backup.get_paginator("list_backup_vaults").paginate()
    listed = {entry["BackupVaultName"]: entry for page in pages for entry in page["BackupVaultList"]}
    assert listed[name]["NumberOfRecoveryPoints"] == 0
    taken = refused(backup.create_backup_vault, BackupVaultName=name)
    assert taken == (400, "AlreadyExistsException", "Backup vault with the same name already exists")
    for bad in ("v", "v" * 51, "a.b", "ä-vault"):
        assert refused(backup.create_backup_vault, BackupVaultName=bad)[:2] == (400, INVALID)


def test_a_vault_with_a_point_is_kept_and_can_be_deleted_only_after_a_lag(backup, vault, point, setting):
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 1
    assert refused(backup.delete_backup_vault, BackupVaultName=vault) == NOT_EMPTY
    setting("vault_lag_seconds", 0.5)
    backup.delete_recovery_point(**point)
    deleted = time.monotonic()
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"] == []
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 0
    if time.monotonic() - deleted < 0.4:  # a slow machine may have missed the lag
        assert refused(backup.delete_backup_vault, BackupVaultName=vault) == NOT_EMPTY

    def delete():
        try:
            return backup.delete_backup_vault(BackupVaultName=vault)
        except backup.exceptions.InvalidRequestException:
            return None

    assert eventually(delete)


def test_a_governance_lock_holds_until_it_is_removed(backup, point, vault):
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=365)
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    assert (shown["Locked"], shown["MinRetentionDays"], shown["MaxRetentionDays"]) == (True, 7, 365)
    assert "LockDate" not in shown
    assert code_of(backup.delete_recovery_point, **point) == "InvalidRequestException"
    call = backup.update_recovery_point_lifecycle
    assert code_of(call, Lifecycle={"DeleteAfterDays": 9}, **point) == "InvalidRequestException"
    backup.delete_backup_vault_lock_configuration(BackupVaultName=vault)
    assert backup.describe_backup_vault(BackupVaultName=vault)["Locked"] is False
    backup.delete_recovery_point(**point)
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7)
    backup.delete_backup_vault(BackupVaultName=vault)  # it is empty


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
        assert code_of(call, **arguments) == "InvalidRequestException"


def test_a_lock_has_valid_days_and_fails_jobs_outside_of_them(backup, client, table, vault, backup_role):
    lock = backup.put_backup_vault_lock_configuration
    for days in ({"ChangeableForDays": 2}, {"MinRetentionDays": 36501}, {"MinRetentionDays": 9, "MaxRetentionDays": 8}):
        assert code_of(lock, BackupVaultName=vault, **days) == INVALID
    lock(BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=8)
    # Without a number it is kept for ever, longer than any maximum.
    for days, state in ((6, "FAILED"), (7, "COMPLETED"), (9, "FAILED"), (None, "FAILED")):
        lifecycle = {"DeleteAfterDays": days} if days else {}
        assert back_up(client, vault, table, backup_role, Lifecycle=lifecycle)["State"] == state


def test_an_access_policy_denies_even_root(backup, point, vault):
    get, put = backup.get_backup_vault_access_policy, backup.put_backup_vault_access_policy
    assert code_of(get, BackupVaultName=vault) == "ResourceNotFoundException"
    assert code_of(put, BackupVaultName=vault, Policy="{}") == INVALID
    denied = allow("backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle", Effect="Deny", Principal="*")
    put(BackupVaultName=vault, Policy=policy(denied))
    assert get(BackupVaultName=vault)["Policy"] == policy(denied)
    status, code, text = refused(backup.delete_recovery_point, **point)
    assert (status, code) == (403, "AccessDeniedException")
    assert text.endswith("with an explicit deny in a resource-based policy")
    assert backup.describe_recovery_point(**point)["Status"] == "COMPLETED"
    backup.delete_backup_vault_access_policy(BackupVaultName=vault)
    backup.delete_recovery_point(**point)


def test_an_access_policy_denies_only_its_principal(backup, client, point, vault, name):
    theirs = user_of(client, name, "backup")(allow("backup:*"))
    arn = client("iam").get_user(UserName=name)["User"]["Arn"]
    denied = allow("backup:Delete*", Effect="Deny", Principal={"AWS": arn})
    backup.put_backup_vault_access_policy(BackupVaultName=vault, Policy=policy(denied))
    assert code_of(theirs.delete_recovery_point, **point) == "AccessDeniedException"
    assert theirs.describe_recovery_point(**point)["Status"] == "COMPLETED"
    backup.delete_recovery_point(**point)


def test_a_legal_hold_holds_what_it_selects_until_it_is_cancelled(backup, point, vault):
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    for other in (
        {"VaultNames": ["other-vault"]},
        {"VaultNames": [vault], "ResourceIdentifiers": ["arn:aws:dynamodb:x:0:table/other"]},
        {"VaultNames": [vault], "DateRange": {"FromDate": now - 2 * day, "ToDate": now - day}},
    ):
        backup.create_legal_hold(Title="t", Description="d", RecoveryPointSelection=other)
    selection = {"VaultNames": [vault]}
    made = backup.create_legal_hold(Title="case 7", Description="keep", RecoveryPointSelection=selection)
    hold = made["LegalHoldId"]
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
    backup.delete_recovery_point(**point)  # the other holds do not select it


def test_deletions_beyond_a_rate_are_throttled_and_counted_and_calls_take_time(aws, backup, point, client, setting):
    """The error is DynamoDB's (ACK): AWS Backup documents none and no rate."""
    setting("deletions_a_second", 1)
    setting("deletions_seen", 0)
    once = client("backup", config=Config(retries={"total_max_attempts": 1}))
    missing = point | {"RecoveryPointArn": "arn:aws:backup:us-east-1:0:recovery-point:none"}
    codes = {code_of(once.delete_recovery_point, **missing) for _ in range(4)}
    assert codes == {"ResourceNotFoundException", "ThrottlingException"}
    eventually(lambda: code_of(once.delete_recovery_point, **missing) == "ResourceNotFoundException")
    assert configure(aws, deletions_seen=0)["deletions_seen"] >= 5
    assert configure(aws, deletions_seen_in_a_second=0)["deletions_seen_in_a_second"] >= 4
    setting("latency_milliseconds", 80)
    began = time.monotonic()
    backup.describe_backup_vault(BackupVaultName=point["BackupVaultName"])
    assert time.monotonic() - began >= 0.08


def test_a_plan_is_refused_twice_without_its_vault_and_with_a_bad_lifecycle(backup, vault, name):
    rule = {"RuleName": "daily", "TargetBackupVaultName": vault}
    document, create = {"BackupPlanName": name, "Rules": [rule]}, backup.create_backup_plan
    plan = create(BackupPlan=document)["BackupPlanId"]
    text = "Backup plan with the same plan document already exists"
    assert refused(create, BackupPlan=document) == (400, "AlreadyExistsException", text)
    other = create(BackupPlan=document | {"Rules": [rule | {"RuleName": "other"}]})
    assert other["BackupPlanId"] != plan
    for wrong in (
        {"TargetBackupVaultName": f"{name}-missing"},
        {"Lifecycle": {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 60}},
    ):
        assert refused(create, BackupPlan=document | {"Rules": [rule | wrong]})[:2] == (400, INVALID)


def test_a_selection_needs_a_role_and_is_deleted_before_its_plan(client, backup, vault, name, backup_role):
    plan = create_plan(client, name, vault)["BackupPlanId"]
    create, missing = backup.create_backup_selection, "arn:aws:iam::000000000000:role/messages/missing"
    found = refused(create, BackupPlanId=plan, BackupSelection={"SelectionName": "m", "IamRoleArn": missing})
    assert found == (400, INVALID, f"IAM Role {missing} cannot be assumed by AWS Backup")
    made = create(BackupPlanId=plan, BackupSelection={"SelectionName": "m", "IamRoleArn": backup_role})
    text = "Related backup plan selections must be deleted prior to backup plan deletion"
    assert refused(backup.delete_backup_plan, BackupPlanId=plan) == (400, "InvalidRequestException", text)
    found = refused(backup.get_backup_selection, BackupPlanId="none", SelectionId="none")
    assert found == (400, INVALID, "Cannot find Backup plan")
    assert code_of(backup.delete_backup_selection, BackupPlanId=plan, SelectionId="none") == INVALID
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=made["SelectionId"])
    backup.delete_backup_plan(BackupPlanId=plan)


@pytest.fixture
def two_vaults(client, table, backup_role, name):
    """Two vaults with a recovery point each: names and ARNs of the vault and of the point."""
    found = []
    for vault in (f"{name}-mine", f"{name}-other"):
        arn = client("backup").create_backup_vault(BackupVaultName=vault)["BackupVaultArn"]
        found.append((vault, arn, back_up(client, vault, table, backup_role)["RecoveryPointArn"]))
    return found


def _denied(call, **arguments):
    status, code, text = refused(call, **arguments)
    assert (status, code) == (403, "AccessDeniedException")
    return "is not authorized to perform" in text


def test_a_user_of_one_vault_has_no_access_to_another(client, name, two_vaults, table, backup_role):
    """Service Authorization Reference, "Actions, resources, and condition keys for AWS Backup"."""
    (vault, arn, point), (other, _, other_point) = two_vaults
    may = user_of(client, name, "backup")
    mine, theirs = ({"BackupVaultName": each} for each in (vault, other))
    backup = may(allow("backup:*", on=[arn, point]))
    assert backup.describe_backup_vault(**mine)["NumberOfRecoveryPoints"] == 1
    listed = backup.list_recovery_points_by_backup_vault(**mine)["RecoveryPoints"]
    assert [entry["RecoveryPointArn"] for entry in listed] == [point]
    assert backup.describe_recovery_point(RecoveryPointArn=point, **mine)["Status"] == "COMPLETED"
    assert backup.list_tags(ResourceArn=point)["Tags"]
    for call in (backup.describe_backup_vault, backup.delete_backup_vault, backup.list_recovery_points_by_backup_vault):
        assert _denied(call, **theirs)
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert _denied(call, RecoveryPointArn=other_point, **theirs)

    restoring = {"IamRoleArn": backup_role, "Metadata": {"targetTableName": f"{table}-2"}}
    backup = may(allow("backup:StartBackupJob", on=arn), allow("backup:StartRestoreJob", on=point))
    _, code, text = refused(backup.start_restore_job, RecoveryPointArn=point, **restoring)
    assert (code, "iam:PassRole" in text) == ("AccessDeniedException", True)
    passing = allow("iam:PassRole", on=backup_role)
    backup = may(allow("backup:StartBackupJob", on=arn), allow("backup:StartRestoreJob", on=point), passing)
    backing = {"ResourceArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}", "IamRoleArn": backup_role}
    assert backup.start_backup_job(**mine, **backing)["BackupJobId"]
    assert _denied(backup.start_backup_job, **theirs, **backing)
    assert backup.start_restore_job(RecoveryPointArn=point, **restoring)["RestoreJobId"]
    assert _denied(backup.start_restore_job, RecoveryPointArn=other_point, **restoring)
    may(allow("backup:*", on=[arn, point])).delete_recovery_point(RecoveryPointArn=point, **mine)


def test_a_condition_on_tags_counts_for_vaults_and_points(client, name, two_vaults):
    (vault, arn, point), (other, _, other_point) = two_vaults
    for tagged in (arn, point):
        client("backup").tag_resource(ResourceArn=tagged, Tags={"team": "mine"})
    condition = {"StringEquals": {"aws:ResourceTag/team": "mine"}}
    backup = user_of(client, name, "backup")(allow("backup:*", Condition=condition))
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault
    assert _denied(backup.describe_backup_vault, BackupVaultName=other)
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    assert _denied(backup.delete_recovery_point, BackupVaultName=other, RecoveryPointArn=other_point)
    found = client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "team", "Values": ["mine"]}], ResourceTypeFilters=["backup"]
    )["ResourceTagMappingList"]
    assert {entry["ResourceARN"] for entry in found} >= {arn}


def test_a_plan_is_a_resource_of_its_own(client, name, vault):
    mine, other = (create_plan(client, name, vault, rule) for rule in ("mine", "other"))
    backup = user_of(client, name, "backup")(allow("backup:*", on=mine["BackupPlanArn"]))
    assert backup.get_backup_plan(BackupPlanId=mine["BackupPlanId"])["BackupPlan"]
    assert _denied(backup.get_backup_plan, BackupPlanId=other["BackupPlanId"])
    assert _denied(backup.list_backup_selections, BackupPlanId=other["BackupPlanId"])
