"""Give a restored table what a restore loses, as the source table has it.

A restored table has neither stream, TTL, point-in-time recovery, tags nor
deletion protection
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup.Tutorial.html).
"""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code, explain
from cli.polling import poll
from ops.restore.restoration import status

_SECONDS = 300  # for one change to be done
_BUSY = frozenset({"ResourceInUseException", "ContinuousBackupsUnavailableException"})
# What a table has or has not, beside its tags.
_NAMES = ("time to live", "stream", "point-in-time recovery", "deletion protection")

Step = tuple[str, Callable[[], Any]]


def reapply(context: Context, source: str, target: str) -> tuple[list[str], dict[str, str]]:
    """What of ``source``'s settings ``target`` has now, and what failed with its reason.

    One that fails stops no other. Raises DeadlineError when the table stays busy.
    """
    dynamodb, clock = context.clients("dynamodb"), context.clock
    done, failed = list[str](), dict[str, str]()

    def attempt(call: Callable[[], Any]) -> bool | None:
        """None while the table is still busy with the change before."""
        if status(dynamodb, target) != "ACTIVE":
            return None
        try:
            call()
        except ClientError as error:
            if code(error) in _BUSY:
                return None
            raise
        return True

    for name, call in _steps(dynamodb, source, target):
        try:
            poll(lambda call=call: attempt(call), seconds=_SECONDS, clock=clock)  # type: ignore[misc]
            done.append(name)
            context.say(f"re-applied to {target}: {name}")
        except ClientError as error:
            failed[name] = explain(error)
    return done, failed


def lacking(context: Context, source: str, target: str) -> str:
    """One line that says what ``target`` lacks of ``source``, and the remedy; empty for nothing.

    Where ``source`` is gone, what every restored table lacks.
    """
    dynamodb = context.clients("dynamodb")
    has = set(_set(dynamodb, target))
    if not status(dynamodb, source):
        lost = ", ".join(name for name in _NAMES if name not in has)
        return lost and (
            f"table {target} has no {lost}; --reapply cannot set them, because table {source} does "
            f"not exist in {context.region}: use `aws dynamodb update-continuous-backups`, `aws "
            "dynamodb update-time-to-live` and `aws dynamodb update-table`"
        )
    lost = ", ".join(name for name in _set(dynamodb, source) if name not in has)
    return lost and (
        f"table {target} lacks what {source} has: {lost}; to apply them, run this again with --resume --reapply"
    )


def _set(dynamodb: Any, table: str) -> Iterator[str]:
    """The names of the settings that ``table`` has, in the order in which they are applied."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    yield from (f"tag {tag['Key']}" for tag in _own_tags(dynamodb, described["TableArn"]))
    enabled = (
        _expires(dynamodb, table),
        _streams(described),
        _recovers(dynamodb, table),
        described.get("DeletionProtectionEnabled"),
    )
    yield from (name for name, on in zip(_NAMES, enabled, strict=True) if on)


def _steps(dynamodb: Any, source: str, target: str) -> Iterator[Step]:
    """Only what the source has; protection comes last, so that a failure can be cleaned up."""
    described = dynamodb.describe_table(TableName=source)["Table"]
    target_arn = dynamodb.describe_table(TableName=target)["Table"]["TableArn"]
    yield from _tags(dynamodb, described["TableArn"], target_arn)
    yield from _expiry(dynamodb, source, target)
    if stream := _streams(described):
        yield (
            f"stream ({stream['StreamViewType']}; it begins now, under an ARN of its own)",
            lambda: dynamodb.update_table(TableName=target, StreamSpecification=stream),
        )
    yield from _recovery(dynamodb, source, target)
    if described.get("DeletionProtectionEnabled"):
        yield ("deletion protection", lambda: dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True))


def _tags(dynamodb: Any, source_arn: str, target_arn: str) -> Iterator[Step]:
    if tags := _own_tags(dynamodb, source_arn):
        names = ", ".join(tag["Key"] for tag in tags)
        yield (f"tags ({names})", lambda: dynamodb.tag_resource(ResourceArn=target_arn, Tags=tags))


def _own_tags(dynamodb: Any, arn: str) -> list[dict[str, str]]:
    """Less those that begin with aws: they belong to AWS and cannot be given."""
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return [tag for page in pages for tag in page["Tags"] if not tag["Key"].startswith("aws:")]


def _streams(described: dict[str, Any]) -> dict[str, Any]:
    stream: dict[str, Any] = described.get("StreamSpecification") or {}
    return stream if stream.get("StreamEnabled") else {}


def _expires(dynamodb: Any, table: str) -> dict[str, Any]:
    expiry: dict[str, Any] = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return expiry if expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else {}


def _recovers(dynamodb: Any, table: str) -> dict[str, Any]:
    answer = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    window: dict[str, Any] = answer.get("PointInTimeRecoveryDescription", {})
    return window if window.get("PointInTimeRecoveryStatus") == "ENABLED" else {}


def _expiry(dynamodb: Any, source: str, target: str) -> Iterator[Step]:
    if expiry := _expires(dynamodb, source):
        wanted = {"Enabled": True, "AttributeName": expiry["AttributeName"]}
        yield (
            f"time to live ({expiry['AttributeName']})",
            lambda: dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification=wanted),
        )


def _recovery(dynamodb: Any, source: str, target: str) -> Iterator[Step]:
    if window := _recovers(dynamodb, source):
        wanted: dict[str, Any] = {"PointInTimeRecoveryEnabled": True}
        days = window.get("RecoveryPeriodInDays")
        wanted |= {"RecoveryPeriodInDays": days} if days else {}
        yield (
            f"point-in-time recovery ({days or 35} days)",
            lambda: dynamodb.update_continuous_backups(TableName=target, PointInTimeRecoverySpecification=wanted),
        )
