"""Take an on-demand backup of the stack's table and wait until it is done."""

import argparse
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cli.clients import StackDescription, deployed_stack, missing_table
from cli.command_line import Context, number
from cli.errors import OpsError, UsageError
from cli.polling import DeadlineError
from model.names import STACK_TAG
from ops import jobs, retention
from ops.inventory import stack_tables, vaults

# The clean-up waits for jobs too, and knows them from here.
from ops.jobs import ACTIVE as ACTIVE
from ops.jobs import Job as Job
from ops.jobs import wait as wait

# A job that cannot start keeps trying this long, then EXPIRES; the API's least.
_START_WINDOW_MINUTES = 60
_MOST_TAGS = 9  # AWS Backup adds ten to those of the table, and one is the stack's
RETAINED = "35d"
_LONGEST_KEY, _LONGEST_VALUE = 128, 256


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The backup that is asked for; the same ``token`` asks for the same backup."""

    days: int
    tags: dict[str, str]
    token: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops backup``."""
    parser.add_argument(
        "--retain",
        metavar="SPAN",
        help="delete the recovery point after SPAN: days 30d, weeks 4w, years 1y (default: 35d)",
    )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="tag the recovery point (repeatable)"
    )
    parser.add_argument(
        "--token", metavar="TEXT", help="the same TEXT starts one backup only, however often it is asked for"
    )
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="--no-wait: start the job, print its id and leave it",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=60,
        metavar="MINUTES",
        help="stop waiting after this; the job goes on (default: 60)",
    )
    parser.add_argument("--job", metavar="ID", help="start nothing: wait for this job, after an interruption")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Take the backup; the last line on standard output is the recovery point's ARN."""
    seconds = 60 * number(arguments, "--timeout", 0.01, 7 * 24 * 60)
    wish = _wish(arguments)
    if arguments.job:
        _check_options(arguments)
    context.say(context.where)
    if not arguments.wait:
        return _leave(context, wish, as_json=arguments.json)
    if arguments.job:
        _check_table(context, arguments.job)
    job_id = arguments.job or start(context, wish, seconds=seconds)
    again = f"the job goes on; running this again with --job {job_id} continues to wait for it"
    try:
        job = jobs.wait(context, job_id, seconds=seconds)
    except DeadlineError as late:
        raise OpsError(f"{late}; {again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(again) from None
    if job.failure:
        raise OpsError(f"backup job {job.id} into vault {job.vault} ended {job.failure}")
    if wish.tags and ":backup:" not in job.point:
        context.say("its tags are not kept: the account's advanced DynamoDB backup is off")
    _print(context, job, as_json=arguments.json)
    return 0


def _check_options(arguments: argparse.Namespace) -> None:
    """Raise UsageError for options that a job which was started before cannot heed."""
    if not arguments.wait:
        raise UsageError("--job waits for a job, --no-wait does not: pass one of them")
    given = {"--tag": arguments.tag, "--retain": arguments.retain, "--token": arguments.token}
    if names := " and ".join(name for name, value in given.items() if value):
        raise UsageError(f"--job starts no backup: leave out {names}")


def _check_table(context: Context, job_id: str) -> None:
    """Raise OpsError for a job of a table that is not the stack's, nor was."""
    job = jobs.describe(context.clients("backup"), job_id)
    names = stack_tables.names(context)
    if job.resource not in [vaults.table_arn(context, name) for name in names]:
        raise OpsError(
            f"backup job {job_id} is of {job.resource}, not of table {', '.join(names)}; check "
            "--job, or name the stack of its table with --stage or --stack"
        )


def start(context: Context, wish: Wish, *, seconds: float) -> str:
    """Start an on-demand job into the stack's own vault; its id.

    AWS Backup runs one job per table at a time, so one that runs already, for
    example the plan's, is waited for first (up to ``seconds``).
    """
    source = _source(context)
    for other in jobs.running(context.clients("backup"), source.output("TableArn")):
        context.say(
            f"backup job {other} of the same table runs already, and AWS Backup runs one at a "
            "time: waiting for it first"
        )
        try:
            jobs.wait(context, other, seconds=seconds)
        except DeadlineError as late:
            raise OpsError(f"{late}; no backup was started: run this again later") from None
    return str(_start(context, source, wish)["BackupJobId"])


def _leave(context: Context, wish: Wish, *, as_json: bool) -> int:
    """Start the job and print its id, without waiting for anything.

    A repeated --token may well find its own job running; any other job would
    make this one wait in AWS Backup and, after an hour, expire.
    """
    source = _source(context)
    backup, table = context.clients("backup"), source.output("TableArn")
    others = list(jobs.running(backup, table))
    if others and not wish.token:
        raise OpsError(
            f"backup job {others[0]} of the same table runs already, and AWS Backup runs one at a "
            f"time: wait for it with --job {others[0]}, or leave out --no-wait"
        )
    answer = _start(context, source, wish)
    job = jobs.describe(backup, answer["BackupJobId"])
    if job.id in others:
        context.say(f"--token {wish.token} started this job before, and it still runs")
    elif others:
        context.say(f"it can begin when job {others[0]} has ended, and gives up after an hour")
    context.say(f"running this again with --job {job.id} waits for it and prints the ARN")
    if as_json:
        _print(context, job, as_json=True)
    else:
        print(job.id)
    return 0


def _source(context: Context) -> StackDescription:
    """The deployed stack. Raises OpsError where there is none, or its table is gone."""
    found = deployed_stack(context.clients, context.stack)
    if missing := missing_table(context.clients, found):
        raise OpsError(missing)
    return found


def _start(context: Context, source: StackDescription, wish: Wish) -> dict[str, Any]:
    table, vault = source.output("TableArn"), source.output("BackupVaultName")
    role = source.output("BackupRoleArn")
    context.say(f"backing up {table} into {vault}")
    answer: dict[str, Any] = context.clients("backup").start_backup_job(
        BackupVaultName=vault,
        ResourceArn=table,
        IamRoleArn=role,
        # Without one of the caller's: the SDK's retries then start one job, not two.
        IdempotencyToken=wish.token or str(uuid.uuid4()),
        StartWindowMinutes=_START_WINDOW_MINUTES,
        Lifecycle={"DeleteAfterDays": wish.days},
        RecoveryPointTags={STACK_TAG: context.stack} | wish.tags,
    )
    if wish.token:
        _check_token(context, answer["BackupJobId"], table, wish.token)
    return answer


def _check_token(context: Context, job_id: str, table: str, token: str) -> None:
    """Raise OpsError where the token is that of another table's backup.

    AWS Backup answers a token that it knows with success, and does nothing
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartBackupJob.html).
    """
    job = jobs.describe(context.clients("backup"), job_id)
    if job.resource != table:
        raise OpsError(
            f"--token {token} started backup job {job.id} of {job.resource} before, and none now; "
            "choose another --token"
        )


def _print(context: Context, job: Job, *, as_json: bool) -> None:
    if as_json:
        result = {"recovery_point_arn": job.point, "backup_job_id": job.id, "vault": job.vault}
        more = {"stack": context.stack, "state": job.state, "size_bytes": job.size}
        print(json.dumps(result | more))
    else:
        print(job.point)


def _wish(arguments: argparse.Namespace) -> Wish:
    if arguments.token is not None and not arguments.token.strip():
        raise UsageError("--token must not be empty")
    return Wish(
        days=retention.days(RETAINED if arguments.retain is None else arguments.retain),
        tags=tags(arguments.tag),
        token=arguments.token or "",
    )


def tags(given: Iterable[str]) -> dict[str, str]:
    """The tags in ``KEY=VALUE`` texts.

    Raises UsageError for what AWS Backup refuses
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartBackupJob.html).
    """
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not 1 <= len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise UsageError(
                f"--tag '{text}' is not KEY=VALUE, of at most {_LONGEST_KEY} and {_LONGEST_VALUE} characters"
            )
        if key.lower().startswith("aws:") or key == STACK_TAG or key in found:
            raise UsageError(f"--tag '{text}': the key {key} is AWS's, this project's, or twice")
        found[key] = value
    if len(found) > _MOST_TAGS:
        raise UsageError(f"--tag: at most {_MOST_TAGS}, got {len(found)}")
    return found
