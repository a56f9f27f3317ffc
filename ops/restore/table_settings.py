"""The settings that a restored table lacks, and giving it those of its source.

A restore loses stream, TTL, point-in-time recovery, tags and deletion protection
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup.Tutorial.html).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code, explain
from cli.polling import poll
from ops.inventory import vaults
from ops.restore.restoration import status

_SECONDS = 300  # for one change to be done
_BUSY = frozenset({"ResourceInUseException", "ContinuousBackupsUnavailableException"})
_EVERY_SETTING = ("time to live", "stream", "point-in-time recovery", "deletion protection")


@dataclass(frozen=True, kw_only=True)
class TableSetting:
    """A setting that a table has; the boto3 ``method`` with ``arguments`` gives it to another table."""

    name: str
    detail: str = ""
    method: str
    arguments: dict[str, Any]


def reapply(context: Context, source: str, target: str) -> tuple[list[str], dict[str, str]]:
    """Give ``target`` the settings of ``source`` that it lacks: those given, and those refused with the reason.

    Raises DeadlineError when the table stays busy.
    """
    done, failed = list[str](), dict[str, str]()
    has = {setting.name for setting in _settings(context, target)}
    for setting in [setting for setting in _settings(context, source) if setting.name not in has]:
        label = f"{setting.name} ({setting.detail})" if setting.detail else setting.name
        try:
            poll(lambda one=setting: _give(context, one, target), seconds=_SECONDS, clock=context.clock)  # type: ignore[misc]
        except ClientError as error:
            failed[label] = explain(error)
        else:
            done.append(label)
            context.say(f"re-applied to {target}: {label}")
    return done, failed


def _give(context: Context, setting: TableSetting, target: str) -> bool | None:
    """None while the table is still busy with the change before."""
    dynamodb = context.clients("dynamodb")
    if status(dynamodb, target) != "ACTIVE":
        return None
    table = {"TableName": target}
    if setting.method == "tag_resource":
        table = {"ResourceArn": vaults.table_arn(context, target)}
    try:
        getattr(dynamodb, setting.method)(**table, **setting.arguments)
    except ClientError as error:
        if code(error) in _BUSY:
            return None
        raise
    return True


def advise(context: Context, source: str, target: str) -> None:
    """Say what ``target`` lacks and how to get it; a hint, so no failure where the caller may not look.

    Compares with ``source``, or with every possible setting where that is gone.
    """
    try:
        source_exists = bool(status(context.clients("dynamodb"), source))
        has = {setting.name for setting in _settings(context, target)}
        wanted = [setting.name for setting in _settings(context, source)] if source_exists else _EVERY_SETTING
    except ClientError as error:
        context.say(f"could not look for what table {target} lacks: {explain(error)}")
        return
    names = ", ".join(name for name in wanted if name not in has)
    if names and source_exists:
        context.say(
            f"table {target} lacks what {source} has: {names}; to apply them, run this again with --resume --reapply"
        )
    elif names:
        context.say(
            f"table {target} has no {names}; --reapply cannot set them, because table {source} does "
            f"not exist in {context.region}: use `aws dynamodb update-continuous-backups`, `aws "
            "dynamodb update-time-to-live` and `aws dynamodb update-table`"
        )


def _settings(context: Context, table: str) -> Iterator[TableSetting]:
    """The settings of ``table``; protection comes last, so that a failure can be cleaned up."""
    dynamodb = context.clients("dynamodb")
    described = dynamodb.describe_table(TableName=table)["Table"]
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=described["TableArn"])
    for tag in (tag for page in pages for tag in page["Tags"]):
        if not tag["Key"].startswith("aws:"):  # AWS's own, which cannot be given
            yield TableSetting(name=f"tag {tag['Key']}", method="tag_resource", arguments={"Tags": [tag]})
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        attribute = expiry["AttributeName"]
        wanted: dict[str, Any] = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": attribute}}
        yield TableSetting(name="time to live", detail=attribute, method="update_time_to_live", arguments=wanted)
    stream = described.get("StreamSpecification") or {}
    if stream.get("StreamEnabled"):
        detail, wanted = f"{stream['StreamViewType']}; it starts now, with a new ARN", {"StreamSpecification": stream}
        yield TableSetting(name="stream", detail=detail, method="update_table", arguments=wanted)
    answer = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    window = answer.get("PointInTimeRecoveryDescription", {})
    if window.get("PointInTimeRecoveryStatus") == "ENABLED":
        days = window.get("RecoveryPeriodInDays", 35)
        recovery = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days}
        yield TableSetting(
            name="point-in-time recovery",
            detail=f"{days} days",
            method="update_continuous_backups",
            arguments={"PointInTimeRecoverySpecification": recovery},
        )
    if described.get("DeletionProtectionEnabled"):
        wanted = {"DeletionProtectionEnabled": True}
        yield TableSetting(name="deletion protection", method="update_table", arguments=wanted)
