"""The settings that a restored table lacks, and giving it those of its source.

A restore loses stream, TTL, point-in-time recovery, tags and deletion protection
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup.Tutorial.html).
"""

from collections.abc import Callable, Iterator
from functools import partial
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
# A setting that a table has: its name, its detail, and the request that gives it to another table.
TableSetting = tuple[str, str, str, dict[str, Any]]


def reapply(context: Context, source: str, target: str) -> tuple[list[str], dict[str, str]]:
    """Give ``target`` the settings of ``source`` that it lacks: those given, and those refused with the reason.

    Raises DeadlineError when the table stays busy.
    """
    done, failed = list[str](), dict[str, str]()
    has = {name for name, *_ in _settings(context, target)}
    for name, detail, method, arguments in list(_settings(context, source)):
        if name in has:
            continue
        label = f"{name} ({detail})" if detail else name
        table = {"TableName": target}
        if method == "tag_resource":
            table = {"ResourceArn": vaults.table_arn(context, target)}
        change = partial(getattr(context.clients("dynamodb"), method), **table, **arguments)
        try:
            poll(partial(_change, context, target, change), seconds=_SECONDS, clock=context.clock)
        except ClientError as error:
            failed[label] = explain(error)
        else:
            done.append(label)
            context.say(f"re-applied to {target}: {label}")
    return done, failed


def _change(context: Context, table: str, change: Callable[[], object]) -> bool | None:
    """None while the table is still busy with the change before."""
    if status(context, table) != "ACTIVE":
        return None
    try:
        change()
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
        source_exists = bool(status(context, source))
        has = {name for name, *_ in _settings(context, target)}
        wanted = [name for name, *_ in _settings(context, source)] if source_exists else _EVERY_SETTING
    except ClientError as error:
        context.say(f"could not look for what table {target} lacks: {explain(error)}")
        return
    remedy = "to copy them from its source, run this again with --resume --reapply"
    if not source_exists:
        remedy = f"its source {source} no longer exists: use `aws dynamodb update-continuous-backups`, "
        remedy += "`aws dynamodb update-time-to-live` and `aws dynamodb update-table`"
    if names := ", ".join(name for name in wanted if name not in has):
        context.say(f"table {target} lacks: {names}; {remedy}")


def _settings(context: Context, table: str) -> Iterator[TableSetting]:
    """The settings of ``table``; protection comes last, so that a failure can be cleaned up."""
    dynamodb, arn = context.clients("dynamodb"), vaults.table_arn(context, table)
    for tag in vaults.rows(dynamodb, "list_tags_of_resource", "Tags", ResourceArn=arn):
        if not tag["Key"].startswith("aws:"):  # AWS's own, which cannot be given
            yield f"tag {tag['Key']}", "", "tag_resource", {"Tags": [tag]}
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        attribute = expiry["AttributeName"]
        wanted: dict[str, Any] = {"Enabled": True, "AttributeName": attribute}
        yield "time to live", attribute, "update_time_to_live", {"TimeToLiveSpecification": wanted}
    described = dynamodb.describe_table(TableName=table)["Table"]
    stream = described.get("StreamSpecification") or {}
    if stream.get("StreamEnabled"):
        detail = f"{stream['StreamViewType']}; it starts now, with a new ARN"
        yield "stream", detail, "update_table", {"StreamSpecification": stream}
    answer = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    window = answer.get("PointInTimeRecoveryDescription", {})
    if window.get("PointInTimeRecoveryStatus") == "ENABLED":
        days = window.get("RecoveryPeriodInDays", 35)
        wanted = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days}
        request = {"PointInTimeRecoverySpecification": wanted}
        yield "point-in-time recovery", f"{days} days", "update_continuous_backups", request
    if described.get("DeletionProtectionEnabled"):
        yield "deletion protection", "", "update_table", {"DeletionProtectionEnabled": True}
