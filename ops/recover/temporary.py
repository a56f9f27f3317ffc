"""The temporary table of a recovery: the backup restored beside the live table.

Its name says which table is recovered and to what, so that a run finds what an earlier one left: the table is all that
a recovery keeps.
"""

import argparse
import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cli import output
from cli.clients import Clients, find_stack
from cli.command_line import Context
from cli.errors import OpsError
from model.names import STACK_TAG
from model.time_span import parse_span
from ops.inventory import stack_tables, vaults
from ops.inventory.stack_tables import Restored
from ops.restore import origin as origins
from ops.restore import restoration

_TIME, _SHOWN = "%Y%m%dT%H%M%SZ", "%Y-%m-%d %H:%M:%S UTC"
_LONGEST_NAME = 255
# A command that names no fixed moment continues a recovery that began less than this ago.
_STALE = timedelta(hours=12)
# Between the moment when a time span is read and the one when DynamoDB creates the table.
_START = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Temporary:
    """The table ``name``, or the restore that is about to make it, in the region of ``context``."""

    context: Context
    name: str
    origin: Restored
    job: str  # AWS Backup's restore job; empty where DynamoDB restores
    is_new: bool  # this run started the restore

    @property
    def delete(self) -> str:
        """The command that deletes it."""
        return stack_tables.deletion(self.name, self.context.region)


@contextlib.contextmanager
def place(arguments: argparse.Namespace, context: Context) -> Iterator[Context]:
    """The context of the region in which the backup is, and in which alone it can be restored."""
    region = origins.region_of(arguments.arn) if arguments.arn else context.region
    if region == context.region:
        yield context
        return
    with contextlib.closing(Clients(region=region, profile=arguments.profile)) as clients:
        yield dataclasses.replace(context, clients=clients, region=region)


def obtain(arguments: argparse.Namespace, context: Context, there: Context, live: dict[str, Any]) -> Temporary:
    """The temporary table that an earlier run of this command left, or the start of its restore.

    ``there`` is the place of the backup, ``live`` DynamoDB's description of the table to recover. Raises OpsError where
    the backup cannot be restored, or another recovery of the table is not finished.
    """
    table = live["TableName"]
    left = _left(there, live)
    began = left.get("CreationDateTime")
    chosen = _origin(arguments, there, table, left)
    if chosen.source != table:
        raise OpsError(f"backup {chosen.arn} is of table {chosen.source}, not of {table}; choose one of {table}")
    name = _name(chosen)
    if left and (unfinished := left["TableName"]) != name:
        end = unfinished.rpartition("-")[2]
        same = f"--to-time {_time_in(end):%Y-%m-%dT%H:%M:%SZ}" if "T" in end else "the ARN of its backup"
        raise OpsError(
            f"table {unfinished} belongs to another recovery of {table}, which is not finished: finish it with {same}, "
            f"or drop it: {stack_tables.deletion(unfinished, there.region)}"
        )
    if began:
        # Where the option was a time span, it counts back from the first run: say to when.
        state = f"{chosen.moment.astimezone(UTC):{_SHOWN}}" if chosen.moment else "?"
        age = output.age(began, datetime.now(UTC))
        there.say(f"continuing the recovery of {table} to its state of {state}, which began {age} ago")
    job = _running_job(there, name)
    is_new = not began and not job
    if is_new:
        role = arguments.role or _role_there(context, there)
        job = restoration.start(there, chosen, name, role=role, key=arguments.kms_key)
    return Temporary(context=there, name=name, origin=chosen, job=job, is_new=is_new)


def _left(there: Context, live: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB's description of the temporary table that an earlier run left; empty without one.

    Raises OpsError for several, and for a table of such a name that no recovery made.
    """
    table, dynamodb = live["TableName"], there.clients("dynamodb")
    names = vaults.rows(dynamodb, "list_tables", "TableNames")
    matches = filter(None, map(stack_tables.TEMPORARY.fullmatch, names))
    ours = [match[0] for match in matches if match[1] == table and match[2]]
    found = [shown for name in ours if (shown := stack_tables.described(dynamodb, name))]
    if len(found) > 1:
        begun = [f"{one['TableName']} (begun {one['CreationDateTime'].astimezone(UTC):{_SHOWN}})" for one in found]
        raise OpsError(
            f"{len(found)} recoveries of {table} are not finished: tables {', '.join(begun)}; delete all but the one "
            f"to finish: {stack_tables.deletion('NAME', there.region)}"
        )
    shown = found[0] if found else {}
    if shown.get("TableStatus") == "DELETING":
        raise OpsError(f"table {ours[0]} of an earlier recovery is being deleted; run this again in a minute")
    if shown:
        tags = vaults.rows(dynamodb, "list_tags_of_resource", "Tags", ResourceArn=shown["TableArn"])
        has = {tag["Key"]: tag["Value"] for tag in tags}
        is_ours = (has.get(STACK_TAG), has.get(stack_tables.RESTORED_TAG)) == (there.stack, table)
        # A run that was killed before it tagged its table left one with the keys and indexes of the live one.
        if not is_ours and (has or _shape(shown) != _shape(live)):
            raise OpsError(
                f"table {shown['TableName']} exists, but by its tags, keys and indexes no recovery of {table} made it; "
                f"if it is not needed, delete it: {stack_tables.deletion(shown['TableName'], there.region)}"
            )
    return shown


def _shape(shown: dict[str, Any]) -> tuple[Any, ...]:
    """The keys of a table and of its indexes."""
    indexes = {one["IndexName"]: one["KeySchema"] for one in shown.get("GlobalSecondaryIndexes", [])}
    return shown["KeySchema"], indexes


def _origin(arguments: argparse.Namespace, there: Context, table: str, left: dict[str, Any]) -> Restored:
    """What to restore: for a command that names no fixed moment, what the earlier run restored that left a table."""
    now = datetime.now(UTC)
    wanted = argparse.Namespace(arn=arguments.arn, to_time=arguments.to_time, latest=False, table=table)
    end = left["TableName"].rpartition("-")[2] if left else ""
    is_recent = bool(left) and now - left["CreationDateTime"] < _STALE
    if _is_span(arguments.to_time):
        moment = origins.parse_time(arguments.to_time, left["CreationDateTime"] if is_recent else now)
        if is_recent and "T" in end:
            earlier = _time_in(end)
            moment = earlier if abs(moment - earlier) < _START else moment
        wanted.to_time = moment.isoformat()
    elif is_recent and not arguments.arn and not arguments.to_time:
        points, _ = vaults.table_points(there, [table])
        wanted.arn = next((point.arn for point in points if _digest(point.arn) == end), None)
    return origins.choose(wanted, there)


def _time_in(end: str) -> datetime:
    return datetime.strptime(end, _TIME).replace(tzinfo=UTC)


def _is_span(text: str | None) -> bool:
    with contextlib.suppress(ValueError):
        return text is not None and bool(parse_span(text))
    return False


def _name(origin: Restored) -> str:
    assert origin.arn or origin.moment
    end = origin.moment.astimezone(UTC).strftime(_TIME) if origin.moment and not origin.arn else _digest(origin.arn)
    # The stack's restore role allows only names that begin with the table's and a dot.
    name = f"{origin.source}.recover-{end}"
    if len(name) > _LONGEST_NAME:
        raise OpsError(f"the temporary table's name {name} has {len(name)} characters; DynamoDB allows {_LONGEST_NAME}")
    return name


def _digest(arn: str) -> str:
    return hashlib.blake2b(arn.encode(), digest_size=4).hexdigest()


def _running_job(there: Context, name: str) -> str:
    """AWS Backup's job that is making the table; empty without one."""
    found = stack_tables.restore_of(there, name)
    if not found or not found.job:
        return ""
    status = there.clients("backup").describe_restore_job(RestoreJobId=found.job)["Status"]
    return "" if status in restoration.ENDED else found.job


def _role_there(context: Context, there: Context) -> str | None:
    """The role for a restore in another region, which the stack for copies has there; None in the stack's own."""
    if there is context:
        return None
    name = f"{context.stack}-Copies-{context.region}"
    deployed = find_stack(there.clients, name)
    role = deployed.outputs.get("CopiesRestoreRoleArn") if deployed else None
    if not role:
        raise OpsError(
            f"the backup is in {there.region}, and there is no stack {name} whose role could restore it there; pass "
            f"--role with the ARN of a role that has AWS's policy {restoration.MANAGED}"
        )
    return role
