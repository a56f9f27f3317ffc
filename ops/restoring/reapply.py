"""Give a restored table what a restore loses, as the source table has it.

A restored table has neither stream, TTL, point-in-time recovery, tags nor
deletion protection
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup.Tutorial.html).
"""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from ops.command import Context
from ops.errors import code, explain
from ops.polling import poll
from ops.restoring.restoration import status

_SECONDS = 300  # for one change to be done
_BUSY = frozenset({"ResourceInUseException", "ContinuousBackupsUnavailableException"})

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


def _steps(dynamodb: Any, source: str, target: str) -> Iterator[Step]:
    """Only what the source has; protection comes last, so that a failure can be cleaned up."""
    described = dynamodb.describe_table(TableName=source)["Table"]
    target_arn = dynamodb.describe_table(TableName=target)["Table"]["TableArn"]
    yield from _tags(dynamodb, described["TableArn"], target_arn)
    yield from _expiry(dynamodb, source, target)
    stream = described.get("StreamSpecification")
    if stream and stream.get("StreamEnabled"):
        yield (
            f"stream ({stream['StreamViewType']}; it begins now, under an ARN of its own)",
            lambda: dynamodb.update_table(TableName=target, StreamSpecification=stream),
        )
    yield from _recovery(dynamodb, source, target)
    if described.get("DeletionProtectionEnabled"):
        yield (
            "deletion protection",
            lambda: dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True),
        )


def _tags(dynamodb: Any, source_arn: str, target_arn: str) -> Iterator[Step]:
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=source_arn)
    # Those that begin with aws: belong to AWS and cannot be given.
    tags = [tag for page in pages for tag in page["Tags"] if not tag["Key"].startswith("aws:")]
    if tags:
        names = ", ".join(tag["Key"] for tag in tags)
        yield (
            f"tags ({names})",
            lambda: dynamodb.tag_resource(ResourceArn=target_arn, Tags=tags),
        )


def _expiry(dynamodb: Any, source: str, target: str) -> Iterator[Step]:
    expiry = dynamodb.describe_time_to_live(TableName=source)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        wanted = {"Enabled": True, "AttributeName": expiry["AttributeName"]}
        yield (
            f"time to live ({expiry['AttributeName']})",
            lambda: dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification=wanted),
        )


def _recovery(dynamodb: Any, source: str, target: str) -> Iterator[Step]:
    answer = dynamodb.describe_continuous_backups(TableName=source)["ContinuousBackupsDescription"]
    window = answer.get("PointInTimeRecoveryDescription", {})
    if window.get("PointInTimeRecoveryStatus") == "ENABLED":
        wanted: dict[str, Any] = {"PointInTimeRecoveryEnabled": True}
        days = window.get("RecoveryPeriodInDays")
        wanted |= {"RecoveryPeriodInDays": days} if days else {}
        yield (
            f"point-in-time recovery ({days or 35} days)",
            lambda: dynamodb.update_continuous_backups(
                TableName=target, PointInTimeRecoverySpecification=wanted
            ),
        )
