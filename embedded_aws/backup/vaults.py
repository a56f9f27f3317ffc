"""Backup vaults with their locks and access policies.

Sources: model (PutBackupVaultLockConfiguration, PutBackupVaultAccessPolicy, the 3
days of ChangeableForDays); AccessDenied for a missing vault: aws-sdk-js#2625, ansible
amazon.aws#1436, TF vault.go; non-empty vault: NUKE, DEL; empty list but still refused: TF#37774.

Lock (guide, "AWS Backup Vault Lock"): without ChangeableForDays it is in governance mode and can be removed; with
it the lock is in compliance mode and final after LockDate; a job whose retention the lock does not allow fails; an
empty vault can be deleted all the same. The class of the refusals is documented, their texts are this module's own.

Access policy (guide, "Vault access policies"; aws-cdk's BackupVault.blockRecoveryPointDeletion):
what it denies is denied, also to the account's root user. IAM has allowed the call before; of the
policy only an explicit Deny matters within one account (IAM guide, "Policy evaluation logic").
"""

import json
import uuid
from operator import itemgetter
from typing import Any

import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as evaluator
import ministack.services.backup as engine
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import store
from embedded_aws.backup.requests import Request, page
from embedded_aws.replies import ApiError, Json, body_of, invalid
from embedded_aws.settings import CURRENT

REFUSED = "InvalidRequestException"
EXISTS = "Backup vault with the same name already exists"
NOT_EMPTY = "Backup vault cannot be deleted because it contains recovery points."


def create_backup_vault(request: Request) -> Json:
    """CreateBackupVault; raises ApiError for a name that is taken."""
    name = request["BackupVaultName"]
    if name in engine._vaults:
        raise ApiError("AlreadyExistsException", EXISTS)
    key = request.get("EncryptionKeyArn") or _aws_managed_key()
    return body_of(engine._create_vault(name, request.members | {"EncryptionKeyArn": key}))


def exists(name: str) -> bool:
    """Whether there is a vault ``name``."""
    return name in engine._vaults


def existing(name: str) -> Json:
    """The vault ``name``; raises ApiError as AWS does for a missing one, even for an admin."""
    vault: Json | None = engine._vaults.get(name)
    if vault is None:
        raise ApiError("AccessDeniedException", "Insufficient privileges to perform this action.", 403)
    return vault


def describe_backup_vault(request: Request) -> Json:
    """DescribeBackupVault."""
    return _vault_description(existing(request["BackupVaultName"]))


def delete_backup_vault(request: Request) -> None:
    """DeleteBackupVault; raises ApiError for a missing one and for one that holds points."""
    name = existing(request["BackupVaultName"])["BackupVaultName"]
    if any(point.vault == name and point.holds_vault() for point in store.points.values()):
        raise ApiError(REFUSED, NOT_EMPTY)
    engine._vaults.pop(name)


def list_backup_vaults(request: Request) -> Json:
    """ListBackupVaults."""
    shown = [vault for vault in engine._vaults.values() if request.selects(ByVaultType="BACKUP_VAULT")]
    return page(request, "BackupVaultList", shown, itemgetter("CreationDate", "BackupVaultName"), _vault_description)


def _vault_description(vault: Json) -> Json:
    name = vault["BackupVaultName"]
    held = [point for point in store.points.values() if point.vault == name and point.status()]
    return vault | {"VaultType": "BACKUP_VAULT", "VaultState": "AVAILABLE", "NumberOfRecoveryPoints": len(held)}


def _aws_managed_key() -> str:
    """The key behind alias/aws/backup: one for each account and region."""
    prefix = f"arn:aws:kms:{get_region()}:{get_account_id()}:key/"
    return prefix + str(uuid.uuid5(uuid.NAMESPACE_URL, f"{prefix}aws/backup"))


MINIMUM_DAYS, MAXIMUM_DAYS = "MinRetentionDays", "MaxRetentionDays"
GRACE_DAYS = "ChangeableForDays"
SHORTEST_GRACE_DAYS = 3


def put_backup_vault_lock_configuration(request: Request) -> None:
    """PutBackupVaultLockConfiguration; raises ApiError for a lock that AWS refuses."""
    lock = request.members
    check_lock(lock)
    delete_backup_vault_lock_configuration(request)
    vault = existing(request["BackupVaultName"])
    vault |= {days: int(lock[days]) for days in (MINIMUM_DAYS, MAXIMUM_DAYS) if lock.get(days)}
    if lock.get(GRACE_DAYS):
        vault["LockDate"] = store.now() + int(lock[GRACE_DAYS]) * CURRENT.vault_lock_day_seconds
    vault["Locked"] = True


def check_lock(lock: Json) -> None:
    """Raise ApiError unless AWS takes these numbers of days."""
    days = {name: int(lock[name]) for name in (MINIMUM_DAYS, MAXIMUM_DAYS, GRACE_DAYS) if lock.get(name)}
    for name, value in days.items():
        least = SHORTEST_GRACE_DAYS if name == GRACE_DAYS else 1
        if not least <= value <= store.LONGEST_DAYS:
            raise invalid(f"{name} must be between {least} and {store.LONGEST_DAYS}, got {value}")
    if days.get(MINIMUM_DAYS, 0) > days.get(MAXIMUM_DAYS, store.LONGEST_DAYS):
        raise invalid(f"{MINIMUM_DAYS} must not be greater than {MAXIMUM_DAYS}")


def delete_backup_vault_lock_configuration(request: Request) -> None:
    """DeleteBackupVaultLockConfiguration; raises ApiError once a compliance lock is final."""
    vault = existing(request["BackupVaultName"])
    if vault.get("LockDate", float("inf")) <= store.now():
        raise ApiError(REFUSED, f"The lock of backup vault {vault['BackupVaultName']} is final and cannot be changed")
    vault["Locked"] = False
    for name in (MINIMUM_DAYS, MAXIMUM_DAYS, "LockDate"):
        vault.pop(name, None)


def check_unlocked(name: str) -> None:
    """Raise ApiError while the vault is locked, in either mode and for every caller."""
    if existing(name)["Locked"]:
        raise ApiError(REFUSED, f"Backup vault {name} is locked; its recovery points cannot be deleted or changed")


def retention_refusal(name: str, lifecycle: Json) -> str | None:
    """Why a job that keeps its point as ``lifecycle`` says fails, or None when it does not."""
    lock = existing(name)
    days = lifecycle.get(store.DELETE_AFTER, -1)
    kept = float("inf") if days == -1 else days
    low, high = lock.get(MINIMUM_DAYS, 0), lock.get(MAXIMUM_DAYS, float("inf"))
    if low <= kept <= high:
        return None
    return f"The retention of the job is outside {low} to {high} days, as the lock of {name} demands"


POLICY = "AccessPolicy"  # where the engine's record of the vault keeps it


def put_backup_vault_access_policy(request: Request) -> None:
    """PutBackupVaultAccessPolicy; raises ApiError for text that is not a policy document."""
    vault, policy = existing(request["BackupVaultName"]), str(request.get("Policy") or "")
    check_policy(policy)
    vault[POLICY] = policy


def check_policy(policy: str) -> None:
    """Raise ApiError unless the text is a policy document."""
    try:
        document = json.loads(policy)
    except json.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not document.get("Statement"):
        raise invalid("Policy is not a policy document")


def get_backup_vault_access_policy(request: Request) -> Json:
    """GetBackupVaultAccessPolicy; raises ApiError when the vault has none."""
    vault = existing(request["BackupVaultName"])
    if POLICY not in vault:
        name = vault["BackupVaultName"]
        raise ApiError("ResourceNotFoundException", f"Backup vault {name} has no access policy")
    return vault | {"Policy": vault[POLICY]}


def delete_backup_vault_access_policy(request: Request) -> None:
    """DeleteBackupVaultAccessPolicy."""
    existing(request["BackupVaultName"]).pop(POLICY, None)


def check_call(operation: str, members: Json) -> None:
    """Raise ApiError when the policy of the vault that a call names denies it to its caller."""
    name = members.get("BackupVaultName")
    policy = engine._vaults.get(name, {}).get(POLICY) if name else None
    if not policy:
        return
    action = f"backup:{operation}"
    resource = members.get("RecoveryPointArn") or engine._vault_arn(name)
    context: Any = evaluator.EvalContext(
        principal_arn=evaluator.caller_arn(),
        principal_type="User",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    if not evaluator.resource_policy_allows(policy, context, same_account=True):
        message = iam_actions._resource_policy_denial("backup", action, context.principal_arn, resource)
        raise ApiError("AccessDeniedException", message, 403)
