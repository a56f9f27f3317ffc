"""Vault lock: recovery points that nobody can delete, and when the lock itself is final.

Sources: model (PutBackupVaultLockConfiguration, DescribeBackupVault, the 3 days of
ChangeableForDays); guide, "AWS Backup Vault Lock": without ChangeableForDays the lock is in
governance mode and can be removed; with it the lock is in compliance mode and final after LockDate;
a job whose retention the lock does not allow fails; an empty vault can be deleted all the same.
The class of the refusals is documented, their texts are not: those are this module's own.
"""

from embedded_aws.backup import lifecycles, store, vaults
from embedded_aws.backup.requests import Request
from embedded_aws.replies import ApiError, Json
from embedded_aws.settings import CURRENT

MINIMUM, MAXIMUM = "MinRetentionDays", "MaxRetentionDays"
GRACE = "ChangeableForDays"
SHORTEST_GRACE_DAYS = 3


def put(request: Request) -> None:
    """PutBackupVaultLockConfiguration."""
    put_on(request.path["vault"], request.body)


def put_on(name: str, lock: Json) -> None:
    """Lock the vault, or change its lock; raises ApiError for a lock that AWS refuses."""
    check(lock)
    vault = vaults.existing(name)
    _check_changeable(vault)
    _unlock(vault)
    vault |= {days: int(lock[days]) for days in (MINIMUM, MAXIMUM) if lock.get(days)}
    if lock.get(GRACE):
        vault["LockDate"] = store.now() + int(lock[GRACE]) * CURRENT.vault_lock_day_seconds
    vault["Locked"] = True


def check(lock: Json) -> None:
    """Raise ApiError unless AWS takes these numbers of days."""
    days = {name: int(lock[name]) for name in (MINIMUM, MAXIMUM, GRACE) if lock.get(name)}
    shortest = {GRACE: SHORTEST_GRACE_DAYS}
    for name, value in days.items():
        least = shortest.get(name, 1)
        if not least <= value <= lifecycles.LONGEST_DAYS:
            _refuse(f"{name} must be between {least} and {lifecycles.LONGEST_DAYS}, got {value}")
    if days.get(MINIMUM, 0) > days.get(MAXIMUM, lifecycles.LONGEST_DAYS):
        _refuse(f"{MINIMUM} must not be greater than {MAXIMUM}")


def remove(request: Request) -> None:
    """DeleteBackupVaultLockConfiguration."""
    remove_from(request.path["vault"])


def remove_from(name: str) -> None:
    """Take the lock off; raises ApiError once a compliance lock is final."""
    vault = vaults.existing(name)
    _check_changeable(vault)
    _unlock(vault)


def check_unlocked(name: str) -> None:
    """Raise ApiError while the vault is locked, in either mode and for everybody."""
    if vaults.existing(name)["Locked"]:
        raise ApiError(
            "InvalidRequestException",
            f"Backup vault {name} is locked; its recovery points cannot be deleted or changed",
        )


def refusal(name: str, lifecycle: Json) -> str | None:
    """Why a job that keeps its point as ``lifecycle`` says fails, or None when it does not."""
    lock = vaults.existing(name)
    days = lifecycle.get(lifecycles.DELETE, -1)
    kept = float("inf") if days == -1 else days
    low, high = lock.get(MINIMUM, 0), lock.get(MAXIMUM, float("inf"))
    if low <= kept <= high:
        return None
    return f"The retention of the job is outside {low} to {high} days, as the lock of {name} demands"


def _check_changeable(vault: Json) -> None:
    lock_date = vault.get("LockDate")
    if lock_date is not None and lock_date <= store.now():
        raise ApiError(
            "InvalidRequestException",
            f"The lock of backup vault {vault['BackupVaultName']} is final and cannot be changed",
        )


def _unlock(vault: Json) -> None:
    vault["Locked"] = False
    for name in vaults.LOCK:
        vault.pop(name, None)


def _refuse(message: str) -> None:
    raise ApiError("InvalidParameterValueException", message)
