"""The settings of a stage: names, defaults and meanings. ``stacks.setting_rules`` says what they may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
        "", "dataset to load too: a `.jsonl` or `.jsonl.gz` file, or `s3://bucket/key` in the stack's region"
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

    @property
    def longest_retention(self) -> int:
        """The longest that a backup or its copy is kept, in days; there must be a rule."""
        return max(*self.retentions, self.copy_retention_days or 0)

    def error(self, name: str, rule: str) -> SettingsError:
        """The error for setting ``name``: its value, the rule, where to fix it."""
        remedy = f"in cdk.json under context.stages.{self.stage}, or for one run with -c {name}=..."
        if name == "stage":
            remedy = "with -c stage=... (make: STAGE=...)"
        return SettingsError(f"setting {name!r} is {shown(getattr(self, name))}; {rule}. Fix it {remedy}")


def shown(value: object) -> str:
    """A value for an error message: as Python spells it, cut to one short line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
