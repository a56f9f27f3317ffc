"""Read what would stand in the way of a clean-up, before it begins. Reads only.

None of these calls is needed to delete: what the caller may not read is said,
and then AWS's own answers tell.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code, is_denied, message
from ops.cleanup.guards import Guard, Guards, Hold, Lock, denied
from ops.inventory.found import Unseen, Vault

T = TypeVar("T")


def read(context: Context, vaults: Iterable[Vault]) -> Guards:
    """What guards ``vaults``: locks, access policies and legal holds.

    Looks only at vaults with recovery points: nothing of this holds an empty one,
    except for a policy, and then the deletion itself says so.
    """
    backup, unread = context.clients("backup"), list[Unseen]()
    full = {vault.name: frozenset(p.arn for p in vault.points) for vault in vaults if vault.points}
    guards: dict[str, Guard] = {}
    for name in full:
        lock = _allowed(f"the lock of {name}", partial(_lock, backup, name), unread)
        look = partial(_denied, backup, name, context.account)
        denials = _allowed(f"the access policy of {name}", look, unread)
        guards[name] = Guard(lock=lock, denied=denials or {})
    holds = _allowed("legal holds", lambda: tuple(_holds(backup, full)), unread) if full else None
    return Guards(vaults=guards, holds=holds or (), unread=tuple(unread))


def _allowed(what: str, look: Callable[[], T | None], unread: list[Unseen]) -> T | None:
    """What ``look`` finds; None when there is none, or when it may not be asked for."""
    try:
        return look()
    except ClientError as error:
        if is_denied(error):
            unread.append(Unseen(what=what, reason=f"{error.operation_name}: {message(error)}"))
        elif code(error) != "ResourceNotFoundException":
            raise
        return None


def _lock(backup: Any, vault: str) -> Lock | None:
    """The lock of a vault; with a LockDate it is in compliance mode.

    Source: https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeBackupVault.html
    """
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    return Lock(final=shown.get("LockDate")) if shown.get("Locked") else None


def _denied(backup: Any, vault: str, account: str) -> dict[str, str]:
    policy = backup.get_backup_vault_access_policy(BackupVaultName=vault)["Policy"]
    return denied(policy, account)


def _holds(backup: Any, vaults: dict[str, frozenset[str]]) -> Iterator[Hold]:
    """The active holds on points in ``vaults``.

    A hold may be on a million points of other vaults, so it is asked first
    which vaults it selects.
    """
    for page in backup.get_paginator("list_legal_holds").paginate():
        for listed in page["LegalHolds"]:
            if listed["Status"] in ("CANCELED", "CANCELING"):
                continue
            shown = backup.get_legal_hold(LegalHoldId=listed["LegalHoldId"])
            names = shown.get("RecoveryPointSelection", {}).get("VaultNames")
            if names and not vaults.keys() & set(names):
                continue
            held = frozenset(_held(backup, listed["LegalHoldId"], vaults))
            if held:
                yield Hold(id=listed["LegalHoldId"], title=listed["Title"], points=held)


def _held(backup: Any, hold: str, vaults: dict[str, frozenset[str]]) -> Iterator[str]:
    pages = backup.get_paginator("list_recovery_points_by_legal_hold").paginate(LegalHoldId=hold)
    for page in pages:
        for point in page["RecoveryPoints"]:
            if point["RecoveryPointArn"] in vaults.get(point["BackupVaultName"], ()):
                yield point["RecoveryPointArn"]
