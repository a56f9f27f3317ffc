"""What a restore starts from: a recovery point, a backup of DynamoDB's own, or a time."""

import argparse
import re
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, UsageError, code, is_denied
from ops.inventory import stack_tables, vaults
from ops.inventory.found import Point

# With the account's advanced DynamoDB features a recovery point has an ARN of AWS
# Backup's, without them one of DynamoDB's, as the table's own backups have
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html).
_ARNS = (
    re.compile(r"arn:[\w-]+:backup:([a-z0-9-]+):(\d{12}):recovery-point:\S+"),
    re.compile(r"arn:[\w-]+:dynamodb:([a-z0-9-]+):(\d{12}):table/[\w.-]{3,255}/backup/[\w-]+"),
)
_NOT_IN_THIS_VAULT = frozenset({"ResourceNotFoundException", "InvalidParameterValueException"})


@dataclass(frozen=True, kw_only=True)
class Origin:
    """``table`` as it was at ``moment``.

    From ``point`` in AWS Backup, or from ``backup`` (an ARN) in DynamoDB; with
    neither, from the table's point-in-time recovery, ``latest`` as late as it goes.
    """

    table: str
    moment: datetime
    point: Point | None = None
    backup: str = ""
    latest: bool = False

    @property
    def arn(self) -> str:
        """Of the recovery point or backup; empty for point-in-time recovery."""
        return self.point.arn if self.point else self.backup

    @property
    def label(self) -> str:
        """For people."""
        return self.arn or f"{self.table} as of {self.moment:%Y-%m-%d %H:%M:%S %Z}"


def choose(arguments: argparse.Namespace, context: Context) -> Origin:
    """What the command line asks for. Raises OpsError unless it can be restored."""
    if arguments.arn:
        check_arn(arguments.arn, context)
        return of_arn(context, arguments.arn)
    first, *others = stack_tables.names(context, arguments.table)
    if others:
        names = ", ".join([first, *others])
        raise UsageError(f"stack {context.stack} had tables {names}: name one with --table")
    if arguments.to_time or arguments.latest:
        at = moment(arguments.to_time) if arguments.to_time else None
        return at_time(context, first, at)
    return newest(context, first)


def check_arn(text: str, context: Context) -> None:
    """Raise UsageError when ``text`` is no backup's ARN, or of another account or region."""
    match = next(filter(None, (form.fullmatch(text) for form in _ARNS)), None)
    if not match:
        raise UsageError(f"'{text}' is not the ARN of a recovery point or backup; `python -m ops backups` lists them")
    if match[1] != context.region:
        raise UsageError(f"'{text}' is in region {match[1]}; pass --region {match[1]}")
    if match[2] != context.account:
        raise UsageError(f"'{text}' is of account {match[2]}, the credentials are of {context.account}; pass --profile")


def moment(text: str) -> datetime:
    """The time ``text``, ISO 8601 with a zone. Raises UsageError for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min
    if at.tzinfo is None:
        raise UsageError(f"--to-time '{text}' is not a time with a zone, for example 2026-01-31T09:00:00Z")
    return at


def of_arn(context: Context, arn: str) -> Origin:
    """The recovery point or backup ``arn``. Raises OpsError unless it can be restored."""
    found, denied = _point(context, arn)
    if found is None:
        return _of_own_backup(context, arn, denied)
    if found.status not in vaults.RESTORABLE or not found.created:
        raise OpsError(
            f"recovery point {arn} is {found.status}; only a COMPLETED or AVAILABLE one can be "
            "restored: `python -m ops backups` lists them"
        )
    return Origin(table=stack_tables.name_of(found.resource), moment=found.created, point=found)


def newest(context: Context, table: str) -> Origin:
    """The newest recovery point of ``table``. Raises OpsError when there is none."""
    found = vaults.backups_of(context, [table], own=False)
    if not found.newest or not found.newest.created:
        unread = "".join(f"; {u.what} could not be read" for u in found.unseen)
        raise OpsError(
            f"no recovery point of table {table} can be restored in {context.region}{unread}; "
            "`python -m ops backups` lists what there is, `python -m ops backup` makes one, "
            "--latest restores without one"
        )
    return Origin(table=table, moment=found.newest.created, point=found.newest)


def at_time(context: Context, table: str, at: datetime | None) -> Origin:
    """``table`` at the time ``at``, or at the latest possible one.

    Raises OpsError without point-in-time recovery and for a time outside of its window.
    """
    try:
        answer = context.clients("dynamodb").describe_continuous_backups(TableName=table)
    except ClientError as error:
        if code(error) not in ("TableNotFoundException", "ResourceNotFoundException"):
            raise
        raise OpsError(
            f"table {table} is not in {context.region}: a table that is gone has no point-in-time "
            "recovery; `python -m ops backups` lists what can be restored"
        ) from None
    window = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if window.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise OpsError(
            f"table {table} has no point-in-time recovery (the setting pitr_days); without a time "
            "this restores a recovery point"
        )
    first, last = window["EarliestRestorableDateTime"], window["LatestRestorableDateTime"]
    # AWS restores to the second.
    if at and not int(first.timestamp()) <= int(at.timestamp()) <= int(last.timestamp()):
        raise OpsError(
            f"--to-time {at.isoformat()} is outside of what table {table} can be restored to: "
            f"{first.isoformat()} to {last.isoformat()}"
        )
    return Origin(table=table, moment=at or last, latest=at is None)


def _point(context: Context, arn: str) -> tuple[Point | None, bool]:
    """The recovery point ``arn``, looked for in every vault; and whether one was closed."""
    backup, denied = context.clients("backup"), False
    names = [vault["BackupVaultName"] for vault in vaults.every(backup)]
    for vault in sorted(names, key=lambda name: not name.startswith(f"{context.stack}-")):
        try:
            shown = backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
        except ClientError as error:
            if code(error) not in _NOT_IN_THIS_VAULT and not is_denied(error):
                raise
            denied = denied or is_denied(error)
        else:
            return vaults.point(vault, shown), denied
    return None, denied


def _of_own_backup(context: Context, arn: str, denied: bool) -> Origin:
    unread = " (the caller may not read every vault)" if denied else ""
    nowhere = f"no recovery point or backup {arn} in {context.where}{unread}"
    if ":dynamodb:" not in arn:
        raise OpsError(nowhere)
    try:
        answer = context.clients("dynamodb").describe_backup(BackupArn=arn)
    except ClientError as error:
        if code(error) != "BackupNotFoundException":
            raise
        raise OpsError(nowhere) from None
    details = answer["BackupDescription"]["BackupDetails"]
    if details["BackupStatus"] != "AVAILABLE":
        raise OpsError(f"backup {arn} is {details['BackupStatus']}; only an AVAILABLE one restores")
    name = answer["BackupDescription"]["SourceTableDetails"]["TableName"]
    return Origin(table=name, moment=details["BackupCreationDateTime"], backup=arn)
