"""Take an on-demand backup of the stack's table and wait until it is done."""

import argparse
import json
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from cli.clients import deployed_stack, missing_table
from cli.command_line import Context, between, checked
from cli.errors import OpsError, UsageError, code
from cli.polling import DeadlineError, Progress, poll
from model.names import STACK_TAG
from model.time_span import parse_span
from ops.inventory import stack_tables, vaults

RETAINED_DAYS = 35
_LONGEST_DAYS = 36_500  # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
_MOST_TAGS = 9  # AWS Backup adds ten to those of the table, and one is the stack's
# A job that cannot start tries again for this long, then EXPIRES; the API's minimum.
_START_WINDOW_MINUTES = 60
# How AWS Backup ends a job that found another one of the same table still running.
_ONE_AT_A_TIME = "running job for the same resource"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops backup``."""
    add = parser.add_argument
    retain = f"delete the recovery point after SPAN, for example 30d, 4w or 1y (default: {RETAINED_DAYS}d)"
    add("--retain", type=checked(retention_days), metavar="SPAN", help=retain)
    add("--tag", action="append", default=[], metavar="KEY=VALUE", help="tag the recovery point (repeatable)")
    add("--token", metavar="TEXT", help="idempotency token: the same TEXT starts only one backup")
    no_wait = "--no-wait: start the job, print its id and exit"
    add("--wait", action=argparse.BooleanOptionalAction, default=True, help=no_wait)
    timeout = "stop waiting after MINUTES; the job continues (default: 60)"
    add("--timeout", type=between(0.01, 7 * 24 * 60), default=60, metavar="MINUTES", help=timeout)
    add("--job", metavar="ID", help="do not start a backup; wait for this job")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Take the backup; the last line on standard output is the recovery point's ARN."""
    seconds, request = 60 * arguments.timeout, _request(arguments, context)
    context.say(context.where)
    if arguments.job:
        _check_table(context, arguments.job)
    job_id = arguments.job or _start(arguments, context, request, seconds=seconds)
    again = f"the job is still running; to continue waiting, run this again with --job {job_id}"
    if arguments.wait:
        try:
            job = wait(context, job_id, seconds=seconds)
        except DeadlineError as late:
            raise OpsError(f"{late}; {again}") from None
        except KeyboardInterrupt:
            raise KeyboardInterrupt(again) from None
        if why := failure(job):
            raise OpsError(f"backup job {job_id} into vault {job['BackupVaultName']} ended {why}")
        if arguments.tag and ":backup:" not in job["RecoveryPointArn"]:
            context.say("tags not set: advanced DynamoDB backup is off in this account")
    else:
        context.say(f"to wait for it and print the ARN, run this again with --job {job_id}")
        job = _described(context, job_id)
    # Without the account's advanced DynamoDB features only the finished job has the ARN.
    arn = job.get("RecoveryPointArn", "")
    result = {
        "recovery_point_arn": arn,
        "backup_job_id": job_id,
        "vault": job["BackupVaultName"],
        "stack": context.stack,
        "state": job["State"],
        "size_bytes": job.get("BackupSizeInBytes"),
    }
    print(json.dumps(result) if arguments.json else arn if arguments.wait else job_id)
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
        "Lifecycle": {"DeleteAfterDays": arguments.retain or RETAINED_DAYS},
        "RecoveryPointTags": {STACK_TAG: context.stack} | tags(arguments.tag),
    }


def retention_days(text: str) -> int:
    """The days in a span such as ``30d``. Raises ValueError for anything but 1 to 36500 whole days."""
    span = parse_span(text)
    if span % timedelta(days=1) or not 1 <= span.days <= _LONGEST_DAYS:
        raise ValueError(f"must be whole days, 1d to {_LONGEST_DAYS}d, got {text}")
    return span.days


def tags(given: Iterable[str]) -> dict[str, str]:
    """The tags in ``KEY=VALUE`` texts. Raises UsageError for other texts, and keys that are taken."""
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
    resource, names = _described(context, job_id)["ResourceArn"], stack_tables.names(context)
    if stack_tables.name_of(resource) not in names:
        raise OpsError(
            f"backup job {job_id} is for {resource}, not for table {', '.join(names)}; check "
            "--job, or name the stack of its table with --stage or --stack"
        )


def _start(arguments: argparse.Namespace, context: Context, request: dict[str, Any], *, seconds: float) -> str:
    """Start a job into the stack's own vault, after the table's other jobs: AWS Backup runs one at a time. Its id.

    Refused with --no-wait while another runs, because the new job would wait in AWS Backup and
    expire after an hour; not if a repeated --token may mean the job that runs.
    """
    backup, source = context.clients("backup"), deployed_stack(context.clients, context.stack)
    if missing := missing_table(context.clients, source):
        raise OpsError(missing)
    table, vault, role = (source.output(name) for name in ("TableArn", "BackupVaultName", "BackupRoleArn"))
    jobs = vaults.rows(backup, "list_backup_jobs", "BackupJobs", ByResourceArn=table)
    for other in [job["BackupJobId"] for job in jobs if job["State"] in vaults.ACTIVE]:
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
    if arguments.token and (resource := _described(context, job_id)["ResourceArn"]) != table:
        raise OpsError(
            f"--token {arguments.token} was used for backup job {job_id} of {resource}, so no backup was started; "
            "choose another --token"
        )
    return job_id


def failure(job: dict[str, Any]) -> str:
    """Why a job that ended left no backup to rely on; empty for a good one."""
    # AWS reports "completed with issues" as COMPLETED and another category.
    state, category, point = job["State"], job.get("MessageCategory", "SUCCESS"), job.get("RecoveryPointArn")
    why = job.get("StatusMessage") or "AWS Backup gives no reason"
    if _ONE_AT_A_TIME in why:
        why += " AWS Backup runs one job per table at a time: run this again."
    if state not in ("COMPLETED", "PARTIAL"):
        return f"{state}: {why}"
    if state == "PARTIAL" or category != "SUCCESS":
        ended = state if state == "PARTIAL" else f"{state} with {category}"
        # In the vault these look like any other point.
        return f"{ended}: {why}" + (f"; do not rely on the recovery point it left: {point}" if point else "")
    return "" if point else "COMPLETED without a recovery point"


def wait(context: Context, job_id: str, *, seconds: float) -> dict[str, Any]:
    """AWS's description of the job once it has ended, well or not. Raises DeadlineError after ``seconds``."""
    progress, state = Progress(context.say, context.clock), ""

    def ended() -> dict[str, Any] | None:
        nonlocal state
        job = _described(context, job_id)
        percent = job.get("PercentDone")
        state = f"{job['State']} {float(percent):g}%" if percent else job["State"]
        progress.report(f"backup job {job_id}", state)
        return None if job["State"] in vaults.ACTIVE else job

    try:
        return poll(ended, seconds=seconds, clock=context.clock)
    except DeadlineError as late:
        raise DeadlineError(f"backup job {job_id} is still {state} after {late}") from None


def _described(context: Context, job_id: str) -> dict[str, Any]:
    """AWS's description of the job. Raises OpsError for an unknown id."""
    try:
        job: dict[str, Any] = context.clients("backup").describe_backup_job(BackupJobId=job_id)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        raise OpsError(f"AWS Backup has no job {job_id}; check --job and --region") from None
    return job
