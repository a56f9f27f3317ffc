"""The settings of one stage: what they mean and what is allowed. ``stacks.context`` reads them."""

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat.directory import pool_region

ON_DEMAND, PROVISIONED = "on_demand", "provisioned"
KEEP, DELETE = "keep", "delete"
# What the projects that this table carries on had provisioned.
DEFAULT_CAPACITY = 5
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
MAX_PITR_DAYS = 35
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
MAX_RETENTION_DAYS = 36500
# Far above what an account may have; it catches a slip of the keyboard.
MAX_UNITS = 1_000_000

_STAGE = re.compile(r"[a-z][a-z0-9-]{0,30}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# In the database of time zones, but not zones that a schedule can be in.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; no wildcard in the
# key, because it becomes part of a policy.
_S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/?*$\s][^?*$\s]{0,1023}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PROJECT = Path(__file__).resolve().parent.parent
# Stricter than the API, whose pattern knows nothing of regions: every id begins with one
# (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html).
_USER_POOL = re.compile(rf"(?=.{{1,55}}\Z){_REGION.pattern}_[0-9A-Za-z]+")
_RESERVED_TAGS = ("aws:", "messages:")
# A resource may have 50; the stack's own and those of what AWS adds need room.
MAX_TAGS = 40


class SettingsError(Exception):
    """A setting is wrong; the text has the value, the rule and the remedy."""


def shown(value: object) -> str:
    """A value for an error message: as Python spells it, cut to one short line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stage's settings, validated on construction. Raises SettingsError."""

    stage: str = _setting("dev", "the stage; its stack is `Messages-<stage>`")
    region: str | None = _setting(None, "deploy to this region; default: that of the credentials")
    table_name: str = _setting(
        "", "physical name; default `Messages` in dev, else `Messages-<stage>`"
    )
    billing_mode: str = _setting(ON_DEMAND, "`on_demand` or `provisioned`")
    read_capacity: int | None = _setting(None, "provisioned: read units, at least; default 5")
    write_capacity: int | None = _setting(None, "provisioned: write units, at least; default 5")
    max_read_capacity: int | None = _setting(None, "provisioned: scale reads up to; default: fixed")
    max_write_capacity: int | None = _setting(
        None, "provisioned: scale writes up to; default: fixed"
    )
    max_read_units: int | None = _setting(None, "on demand: at most so many read units a second")
    max_write_units: int | None = _setting(None, "on demand: at most so many write units a second")
    pitr_days: int = _setting(7, "point-in-time recovery: days to go back, 1 to 35; 0 = off")
    deletion_protection: bool = _setting(False, "DynamoDB refuses to delete the table")
    retain_table: bool = _setting(False, "`cdk destroy` leaves the table")
    customer_key: bool = _setting(
        False, "encrypt table and backups with a KMS key of the stage; needs `region`"
    )
    daily_backup_retention_days: int = _setting(7, "keep daily backups for; 0 = make none")
    monthly_backup_retention_days: int = _setting(30, "keep monthly backups for; 0 = make none")
    backups_on_destroy: str = _setting(KEEP, "`keep` or `delete` the backups with the stack")
    restore_testing: bool = _setting(False, "restore the newest backup as a test, every Sunday")
    backup_time: str = _setting("05:00", "when backups start, `HH:MM`")
    time_zone: str = _setting("Etc/UTC", "the zone of `backup_time`, an IANA name")
    seed_dataset: str = _setting(
        "", "load these messages too: a `.jsonl` file, or `s3://bucket/key` in the stack's region"
    )
    user_pool_id: str = _setting(
        "", "users are those of this Cognito user pool, under their `sub`; default: plain names"
    )
    alarms: bool = _setting(
        False, "alarms, a dashboard, and a topic that hears of both and of failed backups"
    )
    alarm_email: str = _setting("", "who is told; AWS asks that address first; needs `alarms`")
    tags: Mapping[str, str] = field(
        default_factory=dict, metadata={"help": "tags for every resource, beside the stack's own"}
    )

    def __post_init__(self) -> None:
        if not self.table_name:
            name = "Messages" if self.stage == "dev" else f"Messages-{self.stage}"
            object.__setattr__(self, "table_name", name)
        self._check_names()
        self._check_billing()
        self._check_backups()
        self._check_dataset()
        self._check_user_pool()
        self._check_alarms()
        self._check_tags()

    def _check_names(self) -> None:
        self._match("stage", _STAGE, "a lower-case letter, then up to 30 of a-z, 0-9 and -")
        self._match("table_name", _TABLE_NAME, "3 to 255 of A-Z, a-z, 0-9, _, . and -")
        if self.region is not None:
            self._match("region", _REGION, "an AWS region such as eu-west-1")
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
            self._between(name, 1, MAX_UNITS)
            if name not in allowed[self.billing_mode]:
                raise self.error(name, f"has no effect with billing_mode {self.billing_mode}")
        for kind in ("read", "write"):
            least = getattr(self, f"{kind}_capacity") or DEFAULT_CAPACITY
            most = getattr(self, f"max_{kind}_capacity")
            if most is not None and most < least:
                raise self.error(f"max_{kind}_capacity", f"must be at least the minimum, {least}")

    def _check_backups(self) -> None:
        self._between("pitr_days", 0, MAX_PITR_DAYS)
        self._between("daily_backup_retention_days", 0, MAX_RETENTION_DAYS)
        self._between("monthly_backup_retention_days", 0, MAX_RETENTION_DAYS)
        # Where both rules fall on one day, AWS Backup keeps the backup of the
        # longer retention: a shorter monthly rule would never take effect.
        if 0 < self.monthly_backup_retention_days < self.daily_backup_retention_days:
            raise self.error(
                "monthly_backup_retention_days",
                f"must be 0 or at least the daily retention, {self.daily_backup_retention_days}",
            )
        if self.backups_on_destroy not in (KEEP, DELETE):
            raise self.error("backups_on_destroy", f"must be {KEEP} or {DELETE}")
        self._match("backup_time", _TIME, "HH:MM from 00:00 to 23:59")
        if self.time_zone not in zoneinfo.available_timezones() - _NO_ZONES:
            raise self.error("time_zone", "must be an IANA time zone such as Europe/Berlin")

    def _check_dataset(self) -> None:
        address = self.seed_dataset
        if address.startswith("s3://"):
            self._match("seed_dataset", _S3_ADDRESS, "s3://bucket/key of one object")
        elif address and not address.endswith(".jsonl"):
            raise self.error("seed_dataset", "must be a file named *.jsonl, or s3://bucket/key")
        elif address and not (_PROJECT / address).is_file():
            raise self.error("seed_dataset", f"there is no such file in {_PROJECT}")

    def _check_user_pool(self) -> None:
        if not self.user_pool_id:
            return
        self._match("user_pool_id", _USER_POOL, "a user pool's id such as eu-west-1_Ab1cD2eF3")
        if self.region is not None and self.region != pool_region(self.user_pool_id):
            raise self.error("user_pool_id", f"must be a pool of the stage's region, {self.region}")

    def _check_alarms(self) -> None:
        if self.alarm_email:
            self._match("alarm_email", _EMAIL, "one address such as team@example.org")
            if not self.alarms:
                raise self.error("alarm_email", "has no effect without the setting 'alarms'")

    def _check_tags(self) -> None:
        if len(self.tags) > MAX_TAGS:
            raise self.error("tags", f"has {len(self.tags)} tags; at most {MAX_TAGS}")
        # IAM, unlike the other services, takes two spellings of a key for one.
        if len({key.casefold() for key in self.tags}) < len(self.tags):
            raise self.error("tags", "has a key twice, but for upper and lower case")
        for key, value in self.tags.items():
            if not _TAG_KEY.fullmatch(key) or key.casefold().startswith(_RESERVED_TAGS):
                raise self.error("tags", f"key {shown(key)}: 1 to 128 letters, digits, spaces and "
                                 "_.:/=+@-, not starting with aws: or messages:")  # fmt: skip
            if not _TAG_VALUE.fullmatch(value):
                raise self.error("tags", f"value {shown(value)}: up to 256 letters, digits, "
                                 "spaces and _.:/=+@-")  # fmt: skip

    def _match(self, name: str, pattern: re.Pattern[str], rule: str) -> None:
        if not pattern.fullmatch(getattr(self, name)):
            raise self.error(name, f"must be {rule}")

    def _between(self, name: str, low: int, high: int) -> None:
        if not low <= getattr(self, name) <= high:
            raise self.error(name, f"must be between {low} and {high}")

    def error(self, name: str, rule: str) -> SettingsError:
        """The error for setting ``name``: its value, the rule, where to mend it."""
        remedy = f"in cdk.json under context.stages.{self.stage}, or for one run with -c {name}=..."
        if name == "stage":
            remedy = "with -c stage=... (make: STAGE=...)"
        value = shown(getattr(self, name))
        return SettingsError(f"setting {name!r} is {value}; {rule}. Mend it {remedy}")
