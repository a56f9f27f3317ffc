"""What a restore starts from: a recovery point, a backup in DynamoDB, a time, or an earlier run."""

import argparse
import re
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, UsageError, code, is_denied
from ops.inventory import stack_tables, vaults
from ops.inventory.found import Point
from ops.inventory.stack_tables import Restored

# With the account's advanced DynamoDB features a recovery point has an ARN of AWS Backup, without
# them one of DynamoDB, as the table's own backups have
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html).
_ARN = re.compile(
    r"arn:[\w-]+:(?:backup|dynamodb):([a-z0-9-]+):(\d{12}):(?:recovery-point:\S+|table/[\w.-]{3,255}/backup/[\w-]+)"
)
_NOT_IN_THIS_VAULT = frozenset({"ResourceNotFoundException", "InvalidParameterValueException"})
_NO_TABLE = frozenset({"TableNotFoundException", "ResourceNotFoundException"})


@dataclass(frozen=True, kw_only=True)
class Origin:
    """``table`` as it was at ``moment``, in the backup ``arn``; ``point`` has it if AWS Backup keeps it.

    Without ``arn`` from the table's point-in-time recovery, at the latest possible time if ``latest``.
    """

    table: str
    moment: datetime
    arn: str = ""
    point: Point | None = None
    latest: bool = False

    @property
    def restored(self) -> Restored:
        """What its restore is known by."""
        return Restored(source=self.table, arn=self.arn, moment=self.moment)


def choose(arguments: argparse.Namespace, context: Context) -> Origin:
    """The origin that the command line names. Raises OpsError unless it can be restored."""
    if arguments.arn:
        return _of_arn(context, arguments.arn)
    first, *others = stack_tables.names(context, arguments.table)
    if others:
        names = ", ".join([first, *others])
        raise UsageError(f"stack {context.stack} had tables {names}: name one with --table")
    if arguments.to_time or arguments.latest:
        return _at_time(context, first, parse_time(arguments.to_time) if arguments.to_time else None)
    return _newest(context, first)


def check_arn(text: str, context: Context) -> None:
    """Raise UsageError unless ``text`` is the ARN of a backup in this account and region."""
    match = _ARN.fullmatch(text)
    if not match:
        raise UsageError(f"'{text}' is not the ARN of a recovery point or backup; `python -m ops backups` lists them")
    if match[1] != context.region:
        raise UsageError(f"'{text}' is in region {match[1]}; pass --region {match[1]}")
    if match[2] != context.account:
        raise UsageError(
            f"'{text}' is in account {match[2]}, but the credentials belong to {context.account}; pass --profile"
        )


def parse_time(text: str) -> datetime:
    """The time ``text``, ISO 8601 with a zone. Raises UsageError for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise UsageError(f"--to-time '{text}' is not a time with a zone, for example 2026-01-31T09:00:00Z")
    return moment


def _of_arn(context: Context, arn: str) -> Origin:
    check_arn(arn, context)
    found, denied = _find_point(context, arn)
    if found is None:
        return _of_table_backup(context, arn, denied)
    if found.status not in vaults.RESTORABLE or not found.created:
        raise OpsError(
            f"recovery point {arn} is {found.status}; only a COMPLETED or AVAILABLE one can be "
            "restored: `python -m ops backups` lists them"
        )
    return Origin(table=stack_tables.name_of(found.resource), moment=found.created, arn=arn, point=found)


def _find_point(context: Context, arn: str) -> tuple[Point | None, bool]:
    """The recovery point ``arn``, from whatever vault; and whether a vault refused to be read."""
    backup, denied = context.clients("backup"), False
    for vault in (listed["BackupVaultName"] for listed in vaults.every(backup)):
        try:
            shown = backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
        except ClientError as error:
            if code(error) not in _NOT_IN_THIS_VAULT and not is_denied(error):
                raise
            denied = denied or is_denied(error)
        else:
            return vaults.point(vault, shown), denied
    return None, denied


def _of_table_backup(context: Context, arn: str, denied: bool) -> Origin:
    unread = " (the caller may not read every vault)" if denied else ""
    nowhere = OpsError(f"no recovery point or backup {arn} in {context.where}{unread}")
    if ":dynamodb:" not in arn:
        raise nowhere
    try:
        answer = context.clients("dynamodb").describe_backup(BackupArn=arn)["BackupDescription"]
    except ClientError as error:
        if code(error) != "BackupNotFoundException":
            raise
        raise nowhere from None
    details = answer["BackupDetails"]
    if details["BackupStatus"] != "AVAILABLE":
        raise OpsError(f"backup {arn} is {details['BackupStatus']}; only an AVAILABLE one can be restored")
    name = answer["SourceTableDetails"]["TableName"]
    return Origin(table=name, moment=details["BackupCreationDateTime"], arn=arn)


def _newest(context: Context, table: str) -> Origin:
    """The newest recovery point of ``table``."""
    found = vaults.backups_of(context, [table], own=False)
    newest = found.newest
    if not newest or not newest.created:
        unread = "".join(f"; {unseen.what} could not be read" for unseen in found.unseen)
        raise OpsError(
            f"no recovery point of table {table} can be restored in {context.region}{unread}; "
            "`python -m ops backups` lists its backups, `python -m ops backup` makes one, "
            "--latest restores without one"
        )
    return Origin(table=table, moment=newest.created, arn=newest.arn, point=newest)


def _at_time(context: Context, table: str, moment: datetime | None) -> Origin:
    """``table`` at ``moment``, or at the latest possible time.

    Raises OpsError without point-in-time recovery, and for a time outside its window.
    """
    try:
        answer = context.clients("dynamodb").describe_continuous_backups(TableName=table)
    except ClientError as error:
        if code(error) not in _NO_TABLE:
            raise
        raise OpsError(
            f"table {table} does not exist in {context.region}, so it has no point-in-time recovery; "
            " `python -m ops backups` lists the backups that can be restored"
        ) from None
    window = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if window.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise OpsError(
            f"table {table} has no point-in-time recovery (the setting pitr_days); without a time "
            "this restores a recovery point"
        )
    first, last = window["EarliestRestorableDateTime"], window["LatestRestorableDateTime"]
    # AWS restores to the second.
    if moment and not int(first.timestamp()) <= int(moment.timestamp()) <= int(last.timestamp()):
        raise OpsError(
            f"--to-time {moment.isoformat()} is outside the restorable period of table {table}: "
            f"{first.isoformat()} to {last.isoformat()}"
        )
    return Origin(table=table, moment=moment or last, latest=moment is None)


def resumed(arguments: argparse.Namespace, context: Context) -> Restored:
    """The restore to ``--target`` that an earlier run started.

    Raises OpsError when no such restore is running and nothing shows that the table was restored
    from the source; UsageError when the target is the source.
    """
    target = arguments.target
    by_arn = (_of_arn(context, arguments.arn).table,) if arguments.arn else ()
    sources = by_arn or stack_tables.names(context, arguments.table)
    if target in sources:
        raise UsageError(f"--target {target} is the source table")
    table = next(stack_tables.existing(context.clients("dynamodb"), [target]), None)
    found = stack_tables.restore_of(context, target)
    if not found and table and table.restored:
        found = Restored(source=table.restored)
    if not found and not table:
        raise OpsError(
            f"table {target} does not exist, and no restore to that name is running in {context.region}; "
            "to start one, leave out --resume"
        )
    if not found:
        raise OpsError(
            f"nothing shows that table {target} was restored from {sources[0]}: neither DynamoDB, nor AWS Backup's "
            f"restore jobs, nor the tag {stack_tables.RESTORED_TAG}; check --target, or, if it was, tag it and run "
            f"this again: `aws dynamodb tag-resource --resource-arn {vaults.table_arn(context, target)} --tags "
            f"Key={stack_tables.RESTORED_TAG},Value={sources[0]} --region {context.region}`"
        )
    if found.source not in sources:
        raise OpsError(
            f"table {target} was restored from {found.source}, not from {', '.join(sources)}; "
            f"check --target, or pass --table {found.source}"
        )
    return found
