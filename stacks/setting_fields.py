"""The settings of a stage: names, defaults and meanings, then what they may be."""

import re
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from model.dataset import SUFFIXES
from model.messages import short
from model.names import REGION, STAGE, STAGE_RULE, TABLE_NAME, USER_POOL, copies_vault_name, stack_name
from model.users import pool_region

PROJECT = Path(__file__).resolve().parent.parent
ON_DEMAND, PROVISIONED = "on_demand", "provisioned"
KEEP, DELETE = "keep", "delete"
GOVERNANCE, COMPLIANCE = "governance", "compliance"
# What the seed systems, which this table replaces, had provisioned.
DEFAULT_CAPACITY = 5
DEFAULT_GRACE_DAYS = 7


class SettingsError(Exception):
    """A setting is wrong; the text has the value, the rule and the remedy."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class SettingFields:
    """One stage's settings, not validated. The table in the README is made from the help texts."""

    stage: str = _setting("dev", "the stage; its stack is `Messages-<stage>`")
    region: str | None = _setting(None, "deploy to this region; default: that of the credentials")
    table_name: str = _setting("", "physical name; default `Messages` in dev, else `Messages-<stage>`")
    billing_mode: str = _setting(ON_DEMAND, "`on_demand` or `provisioned`")
    read_capacity: int | None = _setting(None, "provisioned: minimum read capacity units; default 5")
    write_capacity: int | None = _setting(None, "provisioned: minimum write capacity units; default 5")
    max_read_capacity: int | None = _setting(None, "provisioned: maximum read capacity units; default: no scaling")
    max_write_capacity: int | None = _setting(None, "provisioned: maximum write capacity units; default: no scaling")
    max_read_units: int | None = _setting(None, "on demand: maximum read units per second, for table and index each")
    max_write_units: int | None = _setting(None, "on demand: maximum write units per second, for table and index each")
    pitr_days: int = _setting(7, "days of point-in-time recovery, 1 to 35; 0 = off")
    deletion_protection: bool = _setting(False, "DynamoDB refuses to delete the table")
    retain_table: bool = _setting(False, "`cdk destroy` keeps the table")
    customer_key: bool = _setting(False, "encrypt table and backups with a KMS key of the stage; needs `region`")
    daily_backup_retention_days: int = _setting(7, "days to keep daily backups; 0 = none")
    monthly_backup_retention_days: int = _setting(30, "days to keep monthly backups; 0 = none")
    backups_on_destroy: str = _setting(KEEP, "`keep` or `delete` the backups with the stack")
    vault_lock: str = _setting("", "`governance` or `compliance`: backups cannot be deleted early; see docs/stages.md")
    vault_lock_confirmed: str = _setting("", "confirms `compliance`, which cannot be undone: `<stack> for <days> days`")
    vault_lock_grace_days: int | None = _setting(
        None, "`compliance`: days in which the lock can still be removed, at least 3; default 7"
    )
    copy_region: str = _setting("", "copy every backup of the plan to this region; needs `region`")
    copy_retention_days: int | None = _setting(None, "days to keep the copies; default: as long as the backups")
    replica_regions: tuple[str, ...] = _setting(
        (), "table replicas in these regions, separated by commas; needs `region`"
    )
    restore_testing: bool = _setting(False, "restore the newest backup as a test, every Sunday")
    backup_time: str = _setting("05:00", "when backups start, `HH:MM`")
    time_zone: str = _setting("Etc/UTC", "IANA time zone of `backup_time`")
    seed_dataset: str = _setting(
        "",
        "dataset to load too: a `.jsonl` or `.jsonl.gz` file, or in the stack's region `s3://bucket/key` or, of an "
        "export, `s3://bucket/prefix/`",
    )
    user_pool_id: str = _setting("", "identify users by their `sub` in this Cognito user pool; default: plain names")
    alarms: bool = _setting(False, "alarms, a dashboard, and an SNS topic for alarms and failed backups")
    alarm_email: str = _setting("", "email address for alarms; AWS asks it to confirm; needs `alarms`")
    tags: Mapping[str, str] = field(default_factory=dict, metadata={"help": "additional tags for every resource"})

    @property
    def dataset_file(self) -> Path | None:
        """The local dataset; None without one, and for an object in S3."""
        address = self.seed_dataset
        return None if not address or address.startswith("s3://") else PROJECT / address

    @property
    def retentions(self) -> tuple[int, ...]:
        """How many days each rule of the backup plan keeps a backup; empty without a rule."""
        days = (self.daily_backup_retention_days, self.monthly_backup_retention_days)
        return tuple(kept for kept in days if kept)

    @property
    def copy_retentions(self) -> tuple[int, ...]:
        """How many days the copies of each rule's backups are kept."""
        return tuple(self.copy_retention_days or days for days in self.retentions)

    def error(self, name: str, rule: str) -> SettingsError:
        """The error for setting ``name``: its value, the rule, where to fix it."""
        remedy = f"in cdk.json under context.stages.{self.stage}, or for one run with -c {name}=..."
        if name == "stage":
            remedy = "with -c stage=... (make: STAGE=...)"
        return SettingsError(f"setting {name!r} is {shown(getattr(self, name))}; {rule}. Fix it {remedy}")


def shown(value: object) -> str:
    """A value for an error message: as Python spells it, cut to one short line."""
    return short(repr(value), 57)


# How long `python -m ops backup` keeps a backup by default.
_ON_DEMAND_BACKUP_DAYS = 35
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html
_VAULT_NAME_LENGTH = 50
_PATTERNS = {
    "stage": (STAGE, STAGE_RULE),
    "table_name": (TABLE_NAME, "3 to 255 of A-Z, a-z, 0-9, _, . and -"),
    "region": (REGION, "an AWS region such as eu-west-1"),
    "copy_region": (REGION, "an AWS region such as eu-central-1"),
    "backup_time": (re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"), "HH:MM from 00:00 to 23:59"),
    "user_pool_id": (USER_POOL, "the id of a user pool such as eu-west-1_Ab1cD2eF3"),
    "alarm_email": (re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+"), "one address such as team@example.org"),
}
# Those that may be unset.
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
_NO_ZONES = {"Factory", "localtime", "posixrules"}  # in which no schedule can be


@cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones() - _NO_ZONES


def check(settings: SettingFields) -> None:
    """Raise SettingsError for the first setting that breaks a rule.

    Each rule may rely on those before it. The iterators have wrong settings and the rules that they break.
    """
    for problems in (_values, _billing, _backups, _lock, _others):
        for name, rule in problems(settings):
            raise settings.error(name, rule)


def _values(settings: SettingFields) -> Iterator[tuple[str, str]]:
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


def _billing(settings: SettingFields) -> Iterator[tuple[str, str]]:
    for name in (name for mode, names in _CAPACITIES.items() if mode != settings.billing_mode for name in names):
        if getattr(settings, name) is not None:
            yield name, f"has no effect with billing_mode {settings.billing_mode}"
    for kind in ("read", "write"):
        least = getattr(settings, f"{kind}_capacity") or DEFAULT_CAPACITY
        most = getattr(settings, f"max_{kind}_capacity")
        if most is not None and most < least:
            yield f"max_{kind}_capacity", f"must be at least the minimum, {least}"


def _backups(settings: SettingFields) -> Iterator[tuple[str, str]]:
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


def _lock(settings: SettingFields) -> Iterator[tuple[str, str]]:
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
    grace, longest = settings.vault_lock_grace_days or DEFAULT_GRACE_DAYS, max(high, settings.copy_retention_days or 0)
    wanted = f"{stack_name(settings.stage)} for {longest} days"
    if settings.vault_lock == COMPLIANCE and settings.vault_lock_confirmed != wanted:
        yield (
            "vault_lock_confirmed",
            f"must be exactly {wanted!r} with vault_lock {COMPLIANCE}: {grace} days after the "
            "deployment no one, including AWS, can remove the lock or delete a backup before its retention "
            f"ends, and you pay for each backup for up to {longest} days",
        )


def _others(settings: SettingFields) -> Iterator[tuple[str, str]]:
    regions = settings.replica_regions
    if not all(map(REGION.fullmatch, regions)) or len({*regions, settings.region}) <= len(regions):
        yield "replica_regions", "must be AWS regions such as eu-central-1, each once and none the stage's own"
    if regions and settings.customer_key:
        yield "replica_regions", "cannot be used with customer_key: each replica would need its own key"
    address, pool = settings.seed_dataset, settings.user_pool_id
    if address.startswith("s3://"):
        if not _S3_ADDRESS.fullmatch(address):
            yield "seed_dataset", "must be s3://bucket/key of one object, or s3://bucket/prefix/ of an export"
    elif address and not address.endswith(SUFFIXES):
        yield "seed_dataset", "must be a file named *.jsonl or *.jsonl.gz, s3://bucket/key, or s3://bucket/prefix/"
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
