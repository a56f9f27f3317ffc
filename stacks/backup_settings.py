"""What the settings of backups may be: retention, schedule, vault lock."""

import re
import zoneinfo
from functools import cache
from typing import TYPE_CHECKING

from model.names import stack_name

if TYPE_CHECKING:
    from stacks.settings import Settings

KEEP, DELETE = "keep", "delete"
GOVERNANCE, COMPLIANCE = "governance", "compliance"
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
MAX_PITR_DAYS = 35
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
MAX_RETENTION_DAYS = 36500
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html
MIN_GRACE_DAYS = 3
DEFAULT_GRACE_DAYS = 7
# How long `python -m ops backup` keeps a backup unless it is told otherwise.
ON_DEMAND_DAYS = 35

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# In the database of time zones, but not zones that a schedule can be in.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


def check_backups(settings: "Settings") -> None:
    """Raise SettingsError for what is wrong with recovery, retention and schedule."""
    settings.between("pitr_days", 0, MAX_PITR_DAYS)
    settings.between("daily_backup_retention_days", 0, MAX_RETENTION_DAYS)
    settings.between("monthly_backup_retention_days", 0, MAX_RETENTION_DAYS)
    # Where both rules fall on one day, AWS Backup keeps the backup of the
    # longer retention: a shorter monthly rule would never take effect.
    if 0 < settings.monthly_backup_retention_days < settings.daily_backup_retention_days:
        raise settings.error(
            "monthly_backup_retention_days",
            f"must be 0 or at least the daily retention, {settings.daily_backup_retention_days}",
        )
    if settings.backups_on_destroy not in (KEEP, DELETE):
        raise settings.error("backups_on_destroy", f"must be {KEEP} or {DELETE}")
    settings.match("backup_time", _TIME, "HH:MM from 00:00 to 23:59")
    if settings.time_zone not in _time_zones():
        raise settings.error("time_zone", "must be an IANA time zone such as Europe/Berlin")


@cache
def _time_zones() -> set[str]:
    """All that the system knows: it looks through a folder of files."""
    return zoneinfo.available_timezones() - _NO_ZONES


def check_lock(settings: "Settings") -> None:
    """Raise SettingsError for a vault lock that would fail, or that nobody has confirmed."""
    if settings.vault_lock not in ("", GOVERNANCE, COMPLIANCE):
        raise settings.error("vault_lock", f"must be {GOVERNANCE} or {COMPLIANCE}, or empty")
    if settings.vault_lock:
        _check_lockable(settings)
    if settings.vault_lock == COMPLIANCE:
        if settings.vault_lock_grace_days is not None:
            settings.between("vault_lock_grace_days", MIN_GRACE_DAYS, MAX_RETENTION_DAYS)
        _check_confirmed(settings)
        return
    for name in ("vault_lock_confirmed", "vault_lock_grace_days"):
        if getattr(settings, name) not in ("", None):
            raise settings.error(name, f"has no effect unless vault_lock is {COMPLIANCE}")


def _check_lockable(settings: "Settings") -> None:
    if settings.backups_on_destroy == DELETE:
        raise settings.error(
            "vault_lock", f"nobody can delete locked backups, so backups_on_destroy cannot be {DELETE}"
        )
    if not settings.retentions:
        raise settings.error("vault_lock", "needs a daily or a monthly backup, whose retention it enforces")
    low, high = min(settings.retentions), max(settings.retentions)
    # In a locked vault a job outside of the bounds fails.
    if not low <= ON_DEMAND_DAYS <= high:
        raise settings.error(
            "vault_lock",
            f"would take backups kept for {low} to {high} days only, from the shortest to the "
            f"longest retention; `python -m ops backup` keeps its own {ON_DEMAND_DAYS} days, so "
            "set daily_backup_retention_days or monthly_backup_retention_days to let them in",
        )


def _check_confirmed(settings: "Settings") -> None:
    wanted = f"{stack_name(settings.stage)} for {settings.longest_retention} days"
    if settings.vault_lock_confirmed == wanted:
        return
    grace = settings.vault_lock_grace_days or DEFAULT_GRACE_DAYS
    raise settings.error(
        "vault_lock_confirmed",
        f"with vault_lock {COMPLIANCE} it must be {wanted!r}, word for word: {grace} days after "
        "the deployment nobody, not even AWS, can take the lock off any more, or delete a backup "
        f"before its time, which you pay for up to {settings.longest_retention} days",
    )
