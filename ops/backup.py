"""Take an on-demand backup of the stack's table and wait until it is done."""

import argparse
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from cli.clients import deployed_stack, missing_table
from cli.command_line import Context, number
from cli.errors import OpsError, UsageError, code
from cli.polling import DeadlineError, Progress, poll
from model.names import STACK_TAG
from model.time_span import parse_span
from ops.inventory import stack_tables, vaults
from ops.inventory.vaults import ACTIVE

RETAINED = "35d"
_LONGEST_DAYS = 36_500  # the API's maximum
# A job that cannot start tries again for this long, then EXPIRES; the API's minimum.
_START_WINDOW_MINUTES = 60
_MOST_TAGS = 9  # AWS Backup adds ten to those of the table, and one is the stack's
# How AWS Backup ends a job that found another one of the same table still running.
_ONE_AT_A_TIME = "running job for the same resource"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops backup``."""
    add = parser.add_argument
    add(
        "--retain",
        metavar="SPAN",
        help="delete the recovery point after SPAN, for example 30d, 4w or 1y (default: 35d)",
    )
    add("--tag", action="append", default=[], metavar="KEY=VALUE", help="tag the recovery point (repeatable)")
    add("--token", metavar="TEXT", help="idempotency token: the same TEXT starts only one backup")
    add(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="--no-wait: start the job, print its id and exit",
    )
    add("--timeout", type=float, default=60, metavar="MINUTES", help="wait this long; the job goes on (default: 60)")
    add("--job", metavar="ID", help="do not start a backup; wait for this job")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Take the backup; the last line on standard output is the recovery point's ARN."""
    seconds = 60 * number(arguments, "--timeout", 0.01, 7 * 24 * 60)
    request = _request(arguments, context)
    context.say(context.where)
    if arguments.job:
        _check_table(context, arguments.job)
    job_id = arguments.job or _start(arguments, context, request, seconds=seconds)
    if not arguments.wait:
        context.say(f"to wait for it and print the ARN, run this again with --job {job_id}")
        print(_json(context, _described(context.clients("backup"), job_id)) if arguments.json else job_id)
        return 0
    again = f"the job goes on; to continue waiting, run this again with --job {job_id}"
    try:
        job = wait(context, job_id, seconds=seconds)
    except DeadlineError as late:
        raise OpsError(f"{late}; {again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(again) from None
    if job.failure:
        raise OpsError(f"backup job {job.id} into vault {job.vault} ended {job.failure}")
    if arguments.tag and ":backup:" not in job.point:
        context.say("tags not set: advanced DynamoDB backup is off in this account")
    print(_json(context, job) if arguments.json else job.point)
    return 0


def _request(arguments: argparse.Namespace, context: Context) -> dict[str, Any]:
    """What the command line asks of AWS Backup. Raises UsageError for options that do not fit."""
    if arguments.job and not arguments.wait:
        raise UsageError("--job waits for a job, --no-wait does not: pass one of them")
    given = {"--tag": arguments.tag, "--retain": arguments.retain, "--token": arguments.token}
    if arguments.job and (names := " and ".join(name for name, value in given.items() if value)):
        raise UsageError(f"--job starts no backup: leave out {names}")
    if arguments.token is not None and not arguments.token.strip():
        raise UsageError("--token must not be empty")
    return {
        # Always one: the SDK's retries then start one job, not two.
        "IdempotencyToken": arguments.token or str(uuid.uuid4()),
        "StartWindowMinutes": _START_WINDOW_MINUTES,
        "Lifecycle": {"DeleteAfterDays": retention_days(RETAINED if arguments.retain is None else arguments.retain)},
        "RecoveryPointTags": {STACK_TAG: context.stack} | tags(arguments.tag),
    }


def retention_days(text: str) -> int:
    """The days that a backup is kept, from a span such as ``30d``.

    Raises UsageError for anything but 1 to 36500 whole days
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html).
    """
    try:
        span = parse_span(text)
    except ValueError as error:
        raise UsageError(f"--retain {error}") from None
    if span % timedelta(days=1) or not 1 <= span.days <= _LONGEST_DAYS:
        raise UsageError(f"--retain must be whole days, 1d to {_LONGEST_DAYS}d, got {text}")
    return span.days


def tags(given: Iterable[str]) -> dict[str, str]:
    """The tags in ``KEY=VALUE`` texts. Raises UsageError for texts that are no tags, and keys that are taken."""
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"--tag '{text}' is not KEY=VALUE")
        if key.lower().startswith("aws:") or key == STACK_TAG or key in found:
            raise UsageError(
                f"--tag '{text}': the key {key} is reserved (aws:, messages:stack) or given twice; choose another"
            )
        found[key] = value
    if len(found) > _MOST_TAGS:
        raise UsageError(f"--tag: at most {_MOST_TAGS} tags, got {len(found)}")
    return found


def _check_table(context: Context, job_id: str) -> None:
    """Raise OpsError for a job of a table that neither is nor was the stack's."""
    job = _described(context.clients("backup"), job_id)
    names = stack_tables.names(context)
    if job.resource not in [vaults.table_arn(context, name) for name in names]:
        raise OpsError(
            f"backup job {job_id} is for {job.resource}, not for table {', '.join(names)}; check "
            "--job, or name the stack of its table with --stage or --stack"
        )


def _start(arguments: argparse.Namespace, context: Context, request: dict[str, Any], *, seconds: float) -> str:
    """Start a job into the stack's own vault; its id.

    AWS Backup runs one job per table at a time, and the plan may have started one. Waits for it first,
    up to ``seconds``; refused with --no-wait: the new job would wait in AWS Backup and expire after an
    hour. A repeated --token may find its own job running.
    """
    backup, source = context.clients("backup"), deployed_stack(context.clients, context.stack)
    if missing := missing_table(context.clients, source):
        raise OpsError(missing)
    table, vault, role = (source.output(name) for name in ("TableArn", "BackupVaultName", "BackupRoleArn"))
    others = list(_running(backup, table))
    for other in others:
        busy = f"backup job {other} of the same table is still running, and AWS Backup runs one at a time"
        if arguments.wait:
            context.say(f"{busy}: waiting for it first")
            try:
                wait(context, other, seconds=seconds)
            except DeadlineError as late:
                raise OpsError(f"{late}; no backup was started: run this again later") from None
        elif not arguments.token:
            raise OpsError(f"{busy}: wait for it with --job {other}, or leave out --no-wait")
    context.say(f"backing up {table} into {vault}")
    answer = backup.start_backup_job(BackupVaultName=vault, ResourceArn=table, IamRoleArn=role, **request)
    job_id = str(answer["BackupJobId"])
    # AWS Backup reports success for a token that it knows, and does nothing
    # (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartBackupJob.html).
    if arguments.token and (resource := _described(backup, job_id).resource) != table:
        raise OpsError(
            f"--token {arguments.token} was used for backup job {job_id} of {resource}, so no backup was started; "
            "choose another --token"
        )
    if job_id in others:
        context.say(f"--token {arguments.token} started this job before, and it is still running")
    elif others and not arguments.wait:
        context.say(f"the job starts when job {others[0]} has ended, or expires after an hour")
    return job_id


def _json(context: Context, job: "Job") -> str:
    return json.dumps(
        {
            "recovery_point_arn": job.point,
            "backup_job_id": job.id,
            "vault": job.vault,
            "stack": context.stack,
            "state": job.state,
            "size_bytes": job.size,
        }
    )


@dataclass(frozen=True, kw_only=True)
class Job:
    """A backup job, as AWS Backup describes it; ``resource`` is the table's ARN."""

    id: str
    vault: str
    state: str
    resource: str = ""
    point: str = ""
    percent: str = ""
    text: str = ""
    category: str = ""
    size: int | None = None

    @property
    def failure(self) -> str:
        """Why a job that ended left no backup to rely on; empty for a good one.

        AWS reports "completed with issues" as COMPLETED and another category.
        """
        why = self.text or "AWS Backup gives no reason"
        if _ONE_AT_A_TIME in why:
            why += " AWS Backup runs one job per table at a time: run this again."
        # In the vault these look like any other point.
        left = f"; do not rely on the recovery point it left: {self.point}" if self.point else ""
        if self.state == "PARTIAL":
            return f"PARTIAL: {why}{left}"
        if self.state != "COMPLETED":
            return f"{self.state}: {why}"
        if self.category not in ("", "SUCCESS"):
            return f"COMPLETED with {self.category}: {why}{left}"
        return "" if self.point else "COMPLETED without a recovery point"


def wait(context: Context, job_id: str, *, seconds: float) -> Job:
    """The job once it has ended, well or not, with progress on the way.

    Raises DeadlineError after ``seconds``, OpsError for an unknown id.
    """
    backup, progress, state = context.clients("backup"), Progress(context.say, context.clock), ""

    def ended() -> Job | None:
        nonlocal state
        job = _described(backup, job_id)
        state = f"{job.state} {job.percent}".strip()
        progress.report(f"backup job {job_id}", state)
        return None if job.state in ACTIVE else job

    try:
        return poll(ended, seconds=seconds, clock=context.clock)
    except DeadlineError as late:
        raise DeadlineError(f"backup job {job_id} is still {state} after {late}") from None


def _running(backup: Any, table_arn: str) -> Iterator[str]:
    """The ids of the table's backup jobs that have not ended."""
    for page in backup.get_paginator("list_backup_jobs").paginate(ByResourceArn=table_arn):
        yield from (job["BackupJobId"] for job in page["BackupJobs"] if job["State"] in ACTIVE)


def _described(backup: Any, job_id: str) -> Job:
    """The job as it is now. Raises OpsError for an unknown id."""
    try:
        answer = backup.describe_backup_job(BackupJobId=job_id)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        raise OpsError(f"AWS Backup has no job {job_id}; check --job and --region") from None
    percent = answer.get("PercentDone", "")
    return Job(
        id=job_id,
        vault=answer.get("BackupVaultName", ""),
        state=answer["State"],
        resource=answer.get("ResourceArn", ""),
        # Without the account's advanced DynamoDB features only the finished job has it.
        point=answer.get("RecoveryPointArn", ""),
        percent=f"{float(percent):g}%" if percent else "",
        text=answer.get("StatusMessage", ""),
        category=answer.get("MessageCategory", ""),
        size=answer.get("BackupSizeInBytes"),
    )
