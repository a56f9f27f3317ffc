"""What the settings of a stage may be."""

import re
import zoneinfo
from collections.abc import Iterator
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

# How long `python -m ops backup` keeps a backup by default.
_ON_DEMAND_BACKUP_DAYS = 35
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html
_VAULT_NAME_LENGTH = 50
# Settings that may be unset, and those whose empty text means that they are.
_PATTERNS = {
    "stage": (STAGE, STAGE_RULE),
    "table_name": (TABLE_NAME, "3 to 255 of A-Z, a-z, 0-9, _, . and -"),
    "region": (REGION, "an AWS region such as eu-west-1"),
    "copy_region": (REGION, "an AWS region such as eu-central-1"),
    "backup_time": (re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"), "HH:MM from 00:00 to 23:59"),
    "user_pool_id": (USER_POOL, "the id of a user pool such as eu-west-1_Ab1cD2eF3"),
    "alarm_email": (re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+"), "one address such as team@example.org"),
}
_OPTIONAL = ("region", "copy_region", "user_pool_id", "alarm_email")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; no wildcard in the
# key, because it becomes part of a policy.
_S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/?*$\s][^?*$\s]{0,1023}")
_CHOICES = {
    "billing_mode": ((ON_DEMAND, PROVISIONED), "one of on_demand, provisioned"),
    "backups_on_destroy": ((KEEP, DELETE), "keep or delete"),
    "vault_lock": (("", GOVERNANCE, COMPLIANCE), "governance or compliance, or empty"),
}
_CAPACITIES = {
    ON_DEMAND: ("max_read_units", "max_write_units"),
    PROVISIONED: ("read_capacity", "write_capacity", "max_read_capacity", "max_write_capacity"),
}
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
_MAX_DAYS = 36500
_BOUNDS = {
    # Far above what an account may have; it catches a typing error.
    **{name: (1, 1_000_000) for names in _CAPACITIES.values() for name in names},
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
    "pitr_days": (0, 35),
    "daily_backup_retention_days": (0, _MAX_DAYS),
    "monthly_backup_retention_days": (0, _MAX_DAYS),
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html
    "vault_lock_grace_days": (3, _MAX_DAYS),
    "copy_retention_days": (1, _MAX_DAYS),
}
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG_KEY = re.compile(r"(?i:(?!aws:|messages:))[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
_time_zones = cache(zoneinfo.available_timezones)  # which reads a folder of files
# A setting that is wrong, and the rule that it breaks.
Problem = tuple[str, str]


def check(settings: SettingFields) -> None:
    """Raise SettingsError for the first setting that breaks a rule."""
    # Each may rely on those before it, so none runs after a problem.
    for problems in (_values, _billing, _backups, _lock, _others):
        for name, rule in problems(settings):
            raise settings.error(name, rule)


def _values(settings: SettingFields) -> Iterator[Problem]:
    """Settings that are wrong by themselves."""
    for name, (pattern, rule) in _PATTERNS.items():
        value = getattr(settings, name)
        if (value or name not in _OPTIONAL) and not pattern.fullmatch(value):
            yield name, f"must be {rule}"
    for name, (choices, rule) in _CHOICES.items():
        if getattr(settings, name) not in choices:
            yield name, f"must be {rule}"
    for name, (low, high) in _BOUNDS.items():
        value = getattr(settings, name)
        if value is not None and not low <= value <= high:
            yield name, f"must be between {low} and {high}"
    if settings.time_zone not in _time_zones():
        yield "time_zone", "must be an IANA time zone such as Europe/Berlin"
    for name in ("customer_key", "copy_region", "replica_regions"):
        # TableV2 renders the key of each replica under its region's name.
        if getattr(settings, name) and settings.region is None:
            yield name, "needs the setting 'region' as well"


def _billing(settings: SettingFields) -> Iterator[Problem]:
    for name in (name for mode, names in _CAPACITIES.items() if mode != settings.billing_mode for name in names):
        if getattr(settings, name) is not None:
            yield name, f"has no effect with billing_mode {settings.billing_mode}"
    for kind in ("read", "write"):
        least = getattr(settings, f"{kind}_capacity") or DEFAULT_CAPACITY
        most = getattr(settings, f"max_{kind}_capacity")
        if most is not None and most < least:
            yield f"max_{kind}_capacity", f"must be at least the minimum, {least}"


def _backups(settings: SettingFields) -> Iterator[Problem]:
    daily, monthly = settings.daily_backup_retention_days, settings.monthly_backup_retention_days
    # Where both rules fall on one day, AWS Backup keeps the backup of the
    # longer retention: a shorter monthly rule would never take effect.
    if 0 < monthly < daily:
        yield "monthly_backup_retention_days", f"must be 0 or at least the daily retention, {daily}"
    if not settings.copy_region or settings.region is None:
        if settings.copy_retention_days is not None:
            yield "copy_retention_days", "has no effect without copy_region"
        return
    # The bounds of a lock must differ: at least from one day to two.
    if settings.vault_lock and settings.copy_retention_days == 1:
        yield "copy_retention_days", f"must be between 2 and {_MAX_DAYS}"
    if settings.copy_region == settings.region:
        yield "copy_region", "must be another region than the setting 'region'"
    if not settings.retentions:
        yield "copy_region", "needs a daily or a monthly backup to copy"
    if settings.backups_on_destroy == DELETE:
        yield "copy_region", f"copies outlive the stack, so backups_on_destroy cannot be {DELETE}"
    vault = copies_vault_name(settings.stage, settings.region, keyed=settings.customer_key)
    over = len(vault) - _VAULT_NAME_LENGTH
    if over > 0:
        most = len(settings.stage) - over
        rule = f"the name of its vault, {vault}, is too long by {over}: give the stage a name of at most {most}"
        yield "copy_region", rule


def _lock(settings: SettingFields) -> Iterator[Problem]:
    if settings.vault_lock != COMPLIANCE:
        for name in ("vault_lock_confirmed", "vault_lock_grace_days"):
            if getattr(settings, name) not in ("", None):
                yield name, f"has no effect unless vault_lock is {COMPLIANCE}"
    if not settings.vault_lock:
        return
    if settings.backups_on_destroy == DELETE:
        yield "vault_lock", f"locked backups cannot be deleted: backups_on_destroy cannot be {DELETE}"
    if not settings.retentions:
        yield "vault_lock", "needs a daily or a monthly backup, whose retention it enforces"
    low, high, days = min(settings.retentions), max(settings.retentions), _ON_DEMAND_BACKUP_DAYS
    # In a locked vault a job outside of the bounds fails.
    if not low <= days <= high:
        yield (
            "vault_lock",
            f"allows only backups kept for {low} to {high} days, the shortest and the longest retention, but "
            f"`python -m ops backup` keeps {days} days; change daily_backup_retention_days or "
            f"monthly_backup_retention_days so that {days} is within",
        )
    grace, longest = settings.vault_lock_grace_days or DEFAULT_GRACE_DAYS, settings.longest_retention
    wanted = f"{stack_name(settings.stage)} for {longest} days"
    if settings.vault_lock == COMPLIANCE and settings.vault_lock_confirmed != wanted:
        yield (
            "vault_lock_confirmed",
            f"must be exactly {wanted!r} with vault_lock {COMPLIANCE}: {grace} days after the "
            "deployment no one, including AWS, can remove the lock or delete a backup before its retention "
            f"ends, and you pay for each backup for up to {longest} days",
        )


def _others(settings: SettingFields) -> Iterator[Problem]:
    regions = settings.replica_regions
    if not all(map(REGION.fullmatch, regions)):
        yield "replica_regions", "must be AWS regions such as eu-central-1"
    if settings.region in regions:
        yield "replica_regions", "must not contain the stage's own region"
    if len(set(regions)) < len(regions):
        yield "replica_regions", "contains a region twice"
    if regions and settings.customer_key:
        yield "replica_regions", "cannot be used with customer_key: each replica would need its own key"
    address, pool = settings.seed_dataset, settings.user_pool_id
    if address.startswith("s3://"):
        if not _S3_ADDRESS.fullmatch(address):
            yield "seed_dataset", "must be s3://bucket/key of one object"
    elif address and not address.endswith(SUFFIXES):
        yield "seed_dataset", "must be a file named *.jsonl or *.jsonl.gz, or s3://bucket/key"
    elif settings.dataset_file and not settings.dataset_file.is_file():
        yield "seed_dataset", f"there is no such file in {PROJECT}"
    if pool and settings.region not in (None, pool_region(pool)):
        yield "user_pool_id", f"must be a pool in the stage's region, {settings.region}"
    if settings.alarm_email and not settings.alarms:
        yield "alarm_email", "has no effect without the setting 'alarms'"
    # IAM, unlike the other services, takes two spellings of a key for one.
    if len({key.casefold() for key in settings.tags}) < len(settings.tags):
        yield "tags", "has two keys that differ only in case"
    for key, value in settings.tags.items():
        if not _TAG_KEY.fullmatch(key):
            rule = "1 to 128 letters, digits, spaces and _.:/=+@-, not starting with aws: or messages:"
            yield "tags", f"key {shown(key)}: {rule}"
        if not _TAG_VALUE.fullmatch(value):
            yield "tags", f"value {shown(value)}: up to 256 letters, digits, spaces and _.:/=+@-"
