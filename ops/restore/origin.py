"""What a restore starts from: a recovery point, a backup in DynamoDB, a time, or an earlier run."""

import argparse
import contextlib
import re
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, UsageError, code, is_denied
from model.time_span import parse_span
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


def choose(arguments: argparse.Namespace, context: Context) -> Restored:
    """The restore that the command line asks for. Raises OpsError unless it is possible."""
    if arguments.arn:
        return _of_arn(context, arguments.arn)
    first, *others = stack_tables.names(context, arguments.table)
    if others:
        names = ", ".join([first, *others])
        raise UsageError(f"stack {context.stack} had tables {names}: name one with --table")
    if arguments.to_time or arguments.latest:
        return _at_time(context, first, parse_time(arguments.to_time) if arguments.to_time else None)
    points, unseen = vaults.table_points(context, [first])
    usable = [point for point in points if point.status in vaults.RESTORABLE]
    if not usable:
        unread = "".join(f"; {one.what} could not be read" for one in unseen)
        raise OpsError(
            f"no recovery point of table {first} can be restored in {context.region}{unread}; `python -m ops backups` "
            "lists its backups, `python -m ops backup` makes one, --to-time restores without one"
        )
    return _of_point(usable[-1])


def check_options(arguments: argparse.Namespace, region: str) -> None:
    """Raise UsageError for a time, a role, or a key for a table in ``region``, that no restore takes."""
    if arguments.role is not None and ":role/" not in arguments.role:
        raise UsageError(f"--role '{arguments.role}' is not the ARN of an IAM role")
    if arguments.kms_key is not None and f":kms:{region}:" not in arguments.kms_key:
        raise UsageError(f"--kms-key '{arguments.kms_key}' is not the ARN of a KMS key in {region}")
    if arguments.to_time is not None:
        parse_time(arguments.to_time)


def region_of(arn: str) -> str:
    """The region of a backup. Raises UsageError for a text that is no backup's ARN."""
    return _parsed(arn)[1]


def _parsed(text: str) -> re.Match[str]:
    match = _ARN.fullmatch(text)
    if not match:
        raise UsageError(f"'{text}' is not the ARN of a recovery point or backup; `python -m ops backups` lists them")
    return match


def check_arn(text: str, context: Context) -> None:
    """Raise UsageError unless ``text`` is the ARN of a backup in this account and region."""
    match = _parsed(text)
    if match[1] != context.region:
        raise UsageError(f"'{text}' is in region {match[1]}; pass --region {match[1]}")
    if match[2] != context.account:
        raise UsageError(
            f"'{text}' is in account {match[2]}, but the credentials belong to {context.account}; pass --profile"
        )


def parse_time(text: str, now: datetime | None = None, *, option: str = "--to-time") -> datetime:
    """The time ``text``: ISO 8601 with a zone, or a span before ``now``. Raises UsageError for any other text."""
    with contextlib.suppress(ValueError):
        return (now or datetime.now(UTC)) - parse_span(text)
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and moment.astimezone(UTC):  # which also proves that UTC can spell it
            return moment
    raise UsageError(
        f"{option} '{text}' is not a time with a zone or a time span, for example 2026-01-31T09:00:00Z or 90m"
    )


def _of_point(point: Point) -> Restored:
    return Restored(source=stack_tables.name_of(point.resource), moment=point.created, arn=point.arn, point=point)


def _of_arn(context: Context, arn: str) -> Restored:
    check_arn(arn, context)
    if point := _find_point(context, arn):
        found, state = _of_point(point), point.status
    else:
        nowhere = f"no recovery point or backup {arn} in {context.where}, or the caller may not read its vault"
        if ":dynamodb:" not in arn:
            raise OpsError(nowhere)
        try:
            shown = context.clients("dynamodb").describe_backup(BackupArn=arn)["BackupDescription"]
        except ClientError as error:
            raise (OpsError(nowhere) if code(error) == "BackupNotFoundException" else error) from None
        source, details = shown["SourceTableDetails"]["TableName"], shown["BackupDetails"]
        found, state = (
            Restored(source=source, moment=details["BackupCreationDateTime"], arn=arn),
            details["BackupStatus"],
        )
    if state not in vaults.RESTORABLE:
        raise OpsError(
            f"backup {arn} is {state}; only a COMPLETED or AVAILABLE one can be restored: "
            "`python -m ops backups` lists them"
        )
    return found


def _find_point(context: Context, arn: str) -> Point | None:
    """The recovery point ``arn``, from any vault that the caller may read."""
    backup = context.clients("backup")
    for vault in (listed["BackupVaultName"] for listed in vaults.every(backup)):
        try:
            return vaults.point(vault, backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn))
        except ClientError as error:
            if code(error) not in _NOT_IN_THIS_VAULT and not is_denied(error):
                raise
    return None


def _at_time(context: Context, table: str, moment: datetime | None) -> Restored:
    """``table`` at ``moment``, or at the latest possible time. Raises OpsError where that cannot be restored."""
    try:
        answer = context.clients("dynamodb").describe_continuous_backups(TableName=table)
    except ClientError as error:
        if code(error) != "TableNotFoundException":
            raise
        raise OpsError(
            f"table {table} does not exist in {context.region}, so it has no point-in-time recovery; "
            "`python -m ops backups` lists the backups that can be restored"
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
    return Restored(source=table, moment=moment or last, latest=moment is None)


def resumed(arguments: argparse.Namespace, context: Context) -> Restored:
    """The restore to ``--target`` that an earlier run started. Raises OpsError where nothing shows one."""
    target, tag = arguments.target, stack_tables.RESTORED_TAG
    by_arn = (_of_arn(context, arguments.arn).source,) if arguments.arn else ()
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
            f"restore jobs, nor the tag {tag}; check --target, or, if it was, tag it and run this again: `aws dynamodb "
            f"tag-resource --resource-arn {vaults.table_arn(context, target)} --tags Key={tag},Value={sources[0]} "
            f"--region {context.region}`"
        )
    if found.source not in sources:
        raise OpsError(
            f"table {target} was restored from {found.source}, not from {', '.join(sources)}; "
            f"check --target, or pass --table {found.source}"
        )
    return found
