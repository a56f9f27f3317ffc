"""What the settings of a stage may be. Each rule raises SettingsError for the first setting that breaks it."""

import re
import zoneinfo
from functools import cache

from model.dataset import SUFFIXES
from model.names import REGION, STAGE, STAGE_RULE, TABLE_NAME, USER_POOL, copies_vault_name, stack_name
from model.users import pool_region
from stacks.setting_fields import (
    COMPLIANCE,
    DEFAULT_CAPACITY,
    DEFAULT_GRACE_DAYS,
    DELETE,
    GOVERNANCE,
    KEEP,
    ON_DEMAND,
    PROJECT,
    PROVISIONED,
    SettingFields,
    shown,
)

# Far above what an account may have; it catches a typing error.
_MAX_UNITS = 1_000_000
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
_MAX_PITR_DAYS = 35
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
_MAX_RETENTION_DAYS = 36500
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html
_MIN_GRACE_DAYS = 3
# How long `python -m ops backup` keeps a backup by default.
_ON_DEMAND_BACKUP_DAYS = 35
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html
_VAULT_NAME_LENGTH = 50
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# In the database of time zones, but not zones that a schedule can be in.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; no wildcard in the
# key, because it becomes part of a policy.
_S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/?*$\s][^?*$\s]{0,1023}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
_RESERVED_TAGS = ("aws:", "messages:")


def check(settings: SettingFields) -> None:
    """Apply every rule. Raises SettingsError."""
    _check_names(settings)
    _check_billing(settings)
    _check_backups(settings)
    _check_copies(settings)
    _check_lock(settings)
    _check_replicas(settings)
    _check_dataset(settings)
    _check_user_pool(settings)
    _check_alarms(settings)
    _check_tags(settings)


def _check_names(settings: SettingFields) -> None:
    settings.match("stage", STAGE, STAGE_RULE)
    settings.match("table_name", TABLE_NAME, "3 to 255 of A-Z, a-z, 0-9, _, . and -")
    if settings.region is not None:
        settings.match("region", REGION, "an AWS region such as eu-west-1")
    elif settings.customer_key:
        # TableV2 renders the key of each replica under its region's name.
        raise settings.error("customer_key", "needs the setting 'region' as well")


def _check_billing(settings: SettingFields) -> None:
    provisioned = ("read_capacity", "write_capacity", "max_read_capacity", "max_write_capacity")
    on_demand = ("max_read_units", "max_write_units")
    allowed = {ON_DEMAND: on_demand, PROVISIONED: provisioned}
    if settings.billing_mode not in allowed:
        raise settings.error("billing_mode", f"must be one of {', '.join(allowed)}")
    for name in provisioned + on_demand:
        if getattr(settings, name) is not None:
            settings.between(name, 1, _MAX_UNITS)
            if name not in allowed[settings.billing_mode]:
                raise settings.error(name, f"has no effect with billing_mode {settings.billing_mode}")
    for kind in ("read", "write"):
        least = getattr(settings, f"{kind}_capacity") or DEFAULT_CAPACITY
        most = getattr(settings, f"max_{kind}_capacity")
        if most is not None and most < least:
            raise settings.error(f"max_{kind}_capacity", f"must be at least the minimum, {least}")


def _check_backups(settings: SettingFields) -> None:
    settings.between("pitr_days", 0, _MAX_PITR_DAYS)
    settings.between("daily_backup_retention_days", 0, _MAX_RETENTION_DAYS)
    settings.between("monthly_backup_retention_days", 0, _MAX_RETENTION_DAYS)
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


@cache  # it reads a folder of files
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones() - _NO_ZONES


def _check_copies(settings: SettingFields) -> None:
    days = settings.copy_retention_days
    if days is not None:
        if not settings.copy_region:
            raise settings.error("copy_retention_days", "has no effect without copy_region")
        # The bounds of a lock must differ: at least from one day to two.
        settings.between("copy_retention_days", 2 if settings.vault_lock else 1, _MAX_RETENTION_DAYS)
    if not settings.copy_region:
        return
    settings.match("copy_region", REGION, "an AWS region such as eu-central-1")
    region = _home(settings, "copy_region")
    if settings.copy_region == region:
        raise settings.error("copy_region", "must be another region than the setting 'region'")
    if not settings.retentions:
        raise settings.error("copy_region", "needs a daily or a monthly backup to copy")
    if settings.backups_on_destroy == DELETE:
        raise settings.error("copy_region", f"copies outlive the stack, so backups_on_destroy cannot be {DELETE}")
    vault = copies_vault_name(settings.stage, region, keyed=settings.customer_key)
    over = len(vault) - _VAULT_NAME_LENGTH
    if over > 0:
        most = len(settings.stage) - over
        rule = f"the name of its vault, {vault}, is too long by {over}: give the stage a name of at most {most}"
        raise settings.error("copy_region", rule)


def _check_lock(settings: SettingFields) -> None:
    if settings.vault_lock not in ("", GOVERNANCE, COMPLIANCE):
        raise settings.error("vault_lock", f"must be {GOVERNANCE} or {COMPLIANCE}, or empty")
    if settings.vault_lock:
        _check_lockable(settings)
    if settings.vault_lock == COMPLIANCE:
        _check_compliance(settings)
        return
    for name in ("vault_lock_confirmed", "vault_lock_grace_days"):
        if getattr(settings, name) not in ("", None):
            raise settings.error(name, f"has no effect unless vault_lock is {COMPLIANCE}")


def _check_lockable(settings: SettingFields) -> None:
    if settings.backups_on_destroy == DELETE:
        raise settings.error("vault_lock", f"locked backups cannot be deleted: backups_on_destroy cannot be {DELETE}")
    if not settings.retentions:
        raise settings.error("vault_lock", "needs a daily or a monthly backup, whose retention it enforces")
    low, high = min(settings.retentions), max(settings.retentions)
    # In a locked vault a job outside of the bounds fails.
    if not low <= _ON_DEMAND_BACKUP_DAYS <= high:
        raise settings.error(
            "vault_lock",
            f"allows only backups kept for {low} to {high} days, the shortest and the longest retention, but "
            f"`python -m ops backup` keeps {_ON_DEMAND_BACKUP_DAYS} days; change daily_backup_retention_days or "
            f"monthly_backup_retention_days so that {_ON_DEMAND_BACKUP_DAYS} is within",
        )


def _check_compliance(settings: SettingFields) -> None:
    grace, longest = settings.vault_lock_grace_days, settings.longest_retention
    if grace is not None:
        settings.between("vault_lock_grace_days", _MIN_GRACE_DAYS, _MAX_RETENTION_DAYS)
    wanted = f"{stack_name(settings.stage)} for {longest} days"
    if settings.vault_lock_confirmed != wanted:
        raise settings.error(
            "vault_lock_confirmed",
            f"must be exactly {wanted!r} with vault_lock {COMPLIANCE}: {grace or DEFAULT_GRACE_DAYS} days after the "
            "deployment no one, including AWS, can remove the lock or delete a backup before its retention "
            f"ends, and you pay for each backup for up to {longest} days",
        )


def _check_replicas(settings: SettingFields) -> None:
    regions = settings.replica_regions
    if not regions:
        return
    if not all(map(REGION.fullmatch, regions)):
        raise settings.error("replica_regions", "must be AWS regions such as eu-central-1")
    if _home(settings, "replica_regions") in regions:
        raise settings.error("replica_regions", "must not contain the stage's own region")
    if len(set(regions)) < len(regions):
        raise settings.error("replica_regions", "contains a region twice")
    if settings.customer_key:
        raise settings.error("replica_regions", "cannot be used with customer_key: each replica would need its own key")


def _home(settings: SettingFields, name: str) -> str:
    if settings.region is None:
        raise settings.error(name, "needs the setting 'region' as well")
    return settings.region


def _check_dataset(settings: SettingFields) -> None:
    address = settings.seed_dataset
    if address.startswith("s3://"):
        settings.match("seed_dataset", _S3_ADDRESS, "s3://bucket/key of one object")
    elif address and not address.endswith(SUFFIXES):
        raise settings.error("seed_dataset", "must be a file named *.jsonl or *.jsonl.gz, or s3://bucket/key")
    elif settings.dataset_file and not settings.dataset_file.is_file():
        raise settings.error("seed_dataset", f"there is no such file in {PROJECT}")


def _check_user_pool(settings: SettingFields) -> None:
    if settings.user_pool_id:
        settings.match("user_pool_id", USER_POOL, "the id of a user pool such as eu-west-1_Ab1cD2eF3")
        if settings.region is not None and settings.region != pool_region(settings.user_pool_id):
            raise settings.error("user_pool_id", f"must be a pool in the stage's region, {settings.region}")


def _check_alarms(settings: SettingFields) -> None:
    if settings.alarm_email:
        settings.match("alarm_email", _EMAIL, "one address such as team@example.org")
        if not settings.alarms:
            raise settings.error("alarm_email", "has no effect without the setting 'alarms'")


def _check_tags(settings: SettingFields) -> None:
    # IAM, unlike the other services, takes two spellings of a key for one.
    if len({key.casefold() for key in settings.tags}) < len(settings.tags):
        raise settings.error("tags", "has two keys that differ only in case")
    for key, value in settings.tags.items():
        if not _TAG_KEY.fullmatch(key) or key.casefold().startswith(_RESERVED_TAGS):
            rule = "1 to 128 letters, digits, spaces and _.:/=+@-, not starting with aws: or messages:"
            raise settings.error("tags", f"key {shown(key)}: {rule}")
        if not _TAG_VALUE.fullmatch(value):
            raise settings.error("tags", f"value {shown(value)}: up to 256 letters, digits, spaces and _.:/=+@-")
