"""Backup vaults: refused names and deletions, and what AWS tells of a missing one.

Sources: model (name pattern); AccessDenied for a missing vault: aws-sdk-js#2625, ansible
amazon.aws#1436, TF vault.go; non-empty vault: NUKE, DEL; empty list but still refused: TF#37774.
"""

import re
import uuid

import ministack.services.backup as engine
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import store
from embedded_aws.backup.requests import Request, page
from embedded_aws.replies import ApiError, Json, body_of

NAME = re.compile(r"[a-zA-Z0-9\-\_]{2,50}")
EXISTS = "Backup vault with the same name already exists"
NOT_EMPTY = "Backup vault cannot be deleted because it contains recovery points."
SHOWN = ("BackupVaultName", "BackupVaultArn", "CreationDate", "CreatorRequestId", "Locked")
LOCK = ("MinRetentionDays", "MaxRetentionDays", "LockDate")  # what a locked one shows besides


def create(request: Request) -> Json:
    """CreateBackupVault."""
    return create_named(request.path["vault"], request.body)


def create_named(name: str, body: Json) -> Json:
    """Make a vault; raises ApiError for a name that is malformed or taken."""
    if not NAME.fullmatch(name):
        raise ApiError(
            "InvalidParameterValueException", f"Invalid vault name '{name}'. Must satisfy the pattern ^{NAME.pattern}$"
        )
    if name in engine._vaults:
        raise ApiError("AlreadyExistsException", EXISTS)
    key = body.get("EncryptionKeyArn") or _aws_managed_key()
    return body_of(engine._create_vault(name, body | {"EncryptionKeyArn": key}))


def exists(name: str) -> bool:
    """Whether there is a vault ``name``."""
    return name in engine._vaults


def existing(name: str) -> Json:
    """The vault ``name``; raises ApiError as AWS does for a missing one, even for an admin."""
    vault: Json | None = engine._vaults.get(name)
    if vault is None:
        raise ApiError("AccessDeniedException", "Insufficient privileges to perform this action.", 403)
    return vault


def describe(request: Request) -> Json:
    """DescribeBackupVault."""
    return _description(existing(request.path["vault"]))


def delete(request: Request) -> None:
    """DeleteBackupVault."""
    delete_named(request.path["vault"])


def delete_named(name: str) -> None:
    """Delete an empty vault; raises ApiError for a missing one and for one that holds points."""
    existing(name)
    if any(point.vault == name and point.holds_vault() for point in store.points.values()):
        raise ApiError("InvalidRequestException", NOT_EMPTY)
    engine._vaults.pop(name)


def list_all(request: Request) -> Json:
    """ListBackupVaults."""
    shown = [vault for vault in engine._vaults.values() if request.selects(vaultType="BACKUP_VAULT")]
    return page(request, "BackupVaultList", shown, key=_age, describe=_description)


def notifications(request: Request) -> Json:
    """GetBackupVaultNotifications: none of these vaults has any."""
    existing(request.path["vault"])
    return body_of(engine._get_vault_notifications(request.path["vault"]))


def _age(vault: Json) -> tuple[float, str]:
    return vault["CreationDate"], vault["BackupVaultName"]


def _description(vault: Json) -> Json:
    name = vault["BackupVaultName"]
    held = [point for point in store.points.values() if point.vault == name and point.status()]
    return {key: vault[key] for key in SHOWN} | {
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
        "EncryptionKeyArn": vault["EncryptionKeyArn"],
        "NumberOfRecoveryPoints": len(held),
        **{key: vault[key] for key in LOCK if key in vault},
    }


def _aws_managed_key() -> str:
    """The key behind alias/aws/backup: one for each account and region."""
    prefix = f"arn:aws:kms:{get_region()}:{get_account_id()}:key/"
    return prefix + str(uuid.uuid5(uuid.NAMESPACE_URL, f"{prefix}aws/backup"))
