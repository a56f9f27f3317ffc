"""The settings of one stage: what they mean and what is allowed. ``stacks.context`` reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.dataset import SUFFIXES
from model.names import REGION, STAGE, STAGE_RULE, TABLE_NAME, USER_POOL, table_name
from model.users import pool_region
from stacks.backup_settings import DELETE as DELETE
from stacks.backup_settings import KEEP as KEEP
from stacks.backup_settings import check_backups, check_lock
from stacks.region_settings import check_copies, check_replicas
from stacks.tag_settings import check_tags
from stacks.tag_settings import shown as shown

ON_DEMAND, PROVISIONED = "on_demand", "provisioned"
# What the projects that this table carries on had provisioned.
DEFAULT_CAPACITY = 5
# Far above what an account may have; it catches a slip of the keyboard.
MAX_UNITS = 1_000_000

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; no wildcard in the
# key, because it becomes part of a policy.
_S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/?*$\s][^?*$\s]{0,1023}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PROJECT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting is wrong; the text has the value, the rule and the remedy."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stage's settings, validated on construction. Raises SettingsError."""

    stage: str = _setting("dev", "the stage; its stack is `Messages-<stage>`")
    region: str | None = _setting(None, "deploy to this region; default: that of the credentials")
    table_name: str = _setting("", "physical name; default `Messages` in dev, else `Messages-<stage>`")
    billing_mode: str = _setting(ON_DEMAND, "`on_demand` or `provisioned`")
    read_capacity: int | None = _setting(None, "provisioned: read units, at least; default 5")
    write_capacity: int | None = _setting(None, "provisioned: write units, at least; default 5")
    max_read_capacity: int | None = _setting(None, "provisioned: scale reads up to; default: fixed")
    max_write_capacity: int | None = _setting(None, "provisioned: scale writes up to; default: fixed")
    max_read_units: int | None = _setting(
        None, "on demand: limit of read units per second, for the table and for its index"
    )
    max_write_units: int | None = _setting(
        None, "on demand: limit of write units per second, for the table and for its index"
    )
    pitr_days: int = _setting(7, "point-in-time recovery: days to go back, 1 to 35; 0 = off")
    deletion_protection: bool = _setting(False, "DynamoDB refuses to delete the table")
    retain_table: bool = _setting(False, "`cdk destroy` leaves the table")
    customer_key: bool = _setting(False, "encrypt table and backups with a KMS key of the stage; needs `region`")
    daily_backup_retention_days: int = _setting(7, "keep daily backups for; 0 = make none")
    monthly_backup_retention_days: int = _setting(30, "keep monthly backups for; 0 = make none")
    backups_on_destroy: str = _setting(KEEP, "`keep` or `delete` the backups with the stack")
    vault_lock: str = _setting(
        "", "`governance` or `compliance`: backups stay until their time; read docs/stages.md first"
    )
    vault_lock_confirmed: str = _setting("", "`compliance`, which is for ever: must say `<stack> for <days> days`")
    vault_lock_grace_days: int | None = _setting(
        None, "`compliance`: how long the lock can still be taken off, at least 3; default 7"
    )
    copy_region: str = _setting("", "copy every backup of the plan to this region; needs `region`")
    copy_retention_days: int | None = _setting(None, "keep the copies for; default: as long as the backups")
    replica_regions: tuple[str, ...] = _setting((), "replicas of the table in these regions, by commas; needs `region`")
    restore_testing: bool = _setting(False, "restore the newest backup as a test, every Sunday")
    backup_time: str = _setting("05:00", "when backups start, `HH:MM`")
    time_zone: str = _setting("Etc/UTC", "the zone of `backup_time`, an IANA name")
    seed_dataset: str = _setting(
        "", "load these messages too: a `.jsonl` or `.jsonl.gz` file, or `s3://bucket/key` in the stack's region"
    )
    user_pool_id: str = _setting(
        "", "users are those of this Cognito user pool, under their `sub`; default: plain names"
    )
    alarms: bool = _setting(False, "alarms, a dashboard, and a topic that hears of alarms and of failed backups")
    alarm_email: str = _setting("", "who is told; AWS asks that address first; needs `alarms`")
    tags: Mapping[str, str] = field(
        default_factory=dict, metadata={"help": "tags for every resource, beside the stack's own"}
    )

    def __post_init__(self) -> None:
        if not self.table_name:
            object.__setattr__(self, "table_name", table_name(self.stage))
        self._check_names()
        self._check_billing()
        check_backups(self)
        check_copies(self)
        check_lock(self)
        check_replicas(self)
        self._check_dataset()
        self._check_user_pool()
        self._check_alarms()
        check_tags(self)

    def _check_names(self) -> None:
        self.match("stage", STAGE, STAGE_RULE)
        self.match("table_name", TABLE_NAME, "3 to 255 of A-Z, a-z, 0-9, _, . and -")
        if self.region is not None:
            self.match("region", REGION, "an AWS region such as eu-west-1")
        elif self.customer_key:
            # TableV2 renders the key of each replica under its region's name.
            raise self.error("customer_key", "needs the setting 'region' as well")

    def _check_billing(self) -> None:
        provisioned = ("read_capacity", "write_capacity", "max_read_capacity", "max_write_capacity")
        on_demand = ("max_read_units", "max_write_units")
        allowed = {ON_DEMAND: on_demand, PROVISIONED: provisioned}
        if self.billing_mode not in allowed:
            raise self.error("billing_mode", f"must be one of {', '.join(allowed)}")
        for name in provisioned + on_demand:
            if getattr(self, name) is None:
                continue
            self.between(name, 1, MAX_UNITS)
            if name not in allowed[self.billing_mode]:
                raise self.error(name, f"has no effect with billing_mode {self.billing_mode}")
        for kind in ("read", "write"):
            least = getattr(self, f"{kind}_capacity") or DEFAULT_CAPACITY
            most = getattr(self, f"max_{kind}_capacity")
            if most is not None and most < least:
                raise self.error(f"max_{kind}_capacity", f"must be at least the minimum, {least}")

    def _check_dataset(self) -> None:
        address = self.seed_dataset
        if address.startswith("s3://"):
            self.match("seed_dataset", _S3_ADDRESS, "s3://bucket/key of one object")
        elif address and not address.endswith(SUFFIXES):
            raise self.error("seed_dataset", "must be a file named *.jsonl or *.jsonl.gz, or s3://bucket/key")
        elif self.dataset_file and not self.dataset_file.is_file():
            raise self.error("seed_dataset", f"there is no such file in {_PROJECT}")

    def _check_user_pool(self) -> None:
        if not self.user_pool_id:
            return
        self.match("user_pool_id", USER_POOL, "a user pool's id such as eu-west-1_Ab1cD2eF3")
        if self.region is not None and self.region != pool_region(self.user_pool_id):
            raise self.error("user_pool_id", f"must be a pool of the stage's region, {self.region}")

    def _check_alarms(self) -> None:
        if self.alarm_email:
            self.match("alarm_email", _EMAIL, "one address such as team@example.org")
            if not self.alarms:
                raise self.error("alarm_email", "has no effect without the setting 'alarms'")

    @property
    def dataset_file(self) -> Path | None:
        """The local dataset; None without one, and for an object in S3."""
        address = self.seed_dataset
        return None if not address or address.startswith("s3://") else _PROJECT / address

    @property
    def retentions(self) -> tuple[int, ...]:
        """How many days each rule of the backup plan keeps a backup; empty without a rule."""
        days = (self.daily_backup_retention_days, self.monthly_backup_retention_days)
        return tuple(kept for kept in days if kept)

    @property
    def longest_retention(self) -> int:
        """The longest that a backup or its copy is kept, in days; there must be a rule."""
        return max(*self.retentions, self.copy_retention_days or 0)

    def match(self, name: str, pattern: re.Pattern[str], rule: str) -> None:
        """Raise SettingsError unless all of setting ``name`` is as ``pattern`` says."""
        if not pattern.fullmatch(getattr(self, name)):
            raise self.error(name, f"must be {rule}")

    def between(self, name: str, low: int, high: int) -> None:
        """Raise SettingsError unless ``low`` <= setting ``name`` <= ``high``."""
        if not low <= getattr(self, name) <= high:
            raise self.error(name, f"must be between {low} and {high}")

    def error(self, name: str, rule: str) -> SettingsError:
        """The error for setting ``name``: its value, the rule, where to mend it."""
        remedy = f"in cdk.json under context.stages.{self.stage}, or for one run with -c {name}=..."
        if name == "stage":
            remedy = "with -c stage=... (make: STAGE=...)"
        value = shown(getattr(self, name))
        return SettingsError(f"setting {name!r} is {value}; {rule}. Mend it {remedy}")
