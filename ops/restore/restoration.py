"""One restore: started, waited for, tagged, given the settings of its source; or to a temporary table."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import find_stack
from cli.command_line import Context
from cli.errors import OpsError, UsageError, code, explain
from cli.polling import DeadlineError, Progress, poll
from model.names import STACK_TAG
from ops.inventory import stack_tables, vaults
from ops.inventory.found import Point
from ops.inventory.stack_tables import Restored

MANAGED = "AWSBackupServiceRolePolicyForRestores"
ENDED = frozenset({"COMPLETED", "ABORTED", "FAILED"})
# The metadata that this module decides; the case of their names does not matter
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html).
_OURS = frozenset({"targettablename", "encryptiontype", "kmsmasterkeyarn"})
_SECONDS = 300  # for one change to be done
_BUSY = frozenset({"ResourceInUseException", "ContinuousBackupsUnavailableException"})
_EVERY_SETTING = ("time to live", "stream", "point-in-time recovery", "deletion protection")
# A setting that a table has: its name, its detail, and the request that gives it to another table.
TableSetting = tuple[str, str, str, dict[str, Any]]


def start(context: Context, origin: Restored, name: str, *, role: str | None, key: str | None) -> str:
    """Start the restore of ``origin`` to the table ``name``; AWS Backup's job, or empty when DynamoDB restores.

    ``role`` is for AWS Backup (default: the stack's), ``key`` encrypts the table (default: the key
    of the source table, or what the backup says).
    """
    if origin.point:
        role = role or _stack_role(context, name)
        if not key:
            source = next(stack_tables.existing(context.clients("dynamodb"), [origin.source]), None)
            key = source.key if source else None
        metadata = restore_metadata(context, origin.point, key)
        context.say(f"restoring {origin.arn} to table {name}")
        job = context.clients("backup").start_restore_job(
            RecoveryPointArn=origin.arn,
            Metadata={**metadata, "targetTableName": name},
            IamRoleArn=role,
            IdempotencyToken=str(uuid.uuid4()),  # the SDK's retries then start one job, not two
            ResourceType="DynamoDB",
        )
        return str(job["RestoreJobId"])
    context.say(f"restoring {origin.arn or f'{origin.source} at {origin.moment:%Y-%m-%d %H:%M:%S %Z}'} to table {name}")
    dynamodb, request = context.clients("dynamodb"), dict[str, Any](TargetTableName=name)
    if key:
        request["SSESpecificationOverride"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    if origin.arn:
        dynamodb.restore_table_from_backup(BackupArn=origin.arn, **request)
    else:
        moment = {"UseLatestRestorableTime": True} if origin.latest else {"RestoreDateTime": origin.moment}
        dynamodb.restore_table_to_point_in_time(SourceTableName=origin.source, **moment, **request)
    return ""


def _stack_role(context: Context, name: str) -> str:
    """The stack's role for AWS Backup. Raises OpsError without one, and if it may not restore to ``name``."""
    deployed = find_stack(context.clients, context.stack)
    role = deployed.outputs.get("RestoreRoleArn", "") if deployed else ""
    if not deployed or not role:
        state = "has no output RestoreRoleArn" if deployed else "does not exist"
        raise OpsError(
            f"AWS Backup needs a role to restore with, and stack {context.stack} {state}; deploy it, "
            f"or pass --role with the ARN of a role that has AWS's policy {MANAGED}"
        )
    # No stage's own table has a dot in its name.
    prefix = f"{deployed.output('TableName')}."
    if not name.startswith(prefix):
        raise UsageError(
            f"--target must start with '{prefix}' (the stack's restore role allows no other name), "
            f"got '{name}'; change it, or pass --role"
        )
    return role


def restore_metadata(context: Context, point: Point, key: str | None) -> dict[str, str]:
    """AWS Backup's metadata for a restore of ``point``, without the table's name.

    The new table gets ``key``; AWS's own for an empty one; for None the key kept with the point,
    else the customer key of its vault. A copy keeps the key of its table at home, and KMS keys
    belong to one region: raises OpsError when there is no customer key in this one.
    """
    kept = context.clients("backup").get_recovery_point_restore_metadata(
        BackupVaultName=point.vault, RecoveryPointArn=point.arn
    )["RestoreMetadata"]
    by_name = {name.lower(): value for name, value in kept.items()}
    rest = {name: value for name, value in kept.items() if name.lower() not in _OURS}
    kept_key = by_name.get("kmsmasterkeyarn", "")
    # No ARN is "Not Applicable", which stands for a key of AWS.
    region = kept_key.split(":")[3] if kept_key.startswith("arn:") else ""
    if not key and region == context.region:
        key = kept_key
    elif not key and (region or key is None) and _is_customers(context, point.key):
        key = point.key
    elif not key and region:
        raise OpsError(
            f"the table was encrypted with {kept_key}, which no table in {context.region} can use, and "
            f"the vault {point.vault} has no customer key that the caller may describe; name a key "
            f"in {context.region} with --kms-key"
        )
    if key:
        return rest | {"encryptionType": "KMS", "kmsMasterKeyArn": key}
    encryption = {"encryptionType": by_name.get("encryptiontype", "Default")}
    return rest | encryption | ({"kmsMasterKeyArn": kept_key} if kept_key else {})


def _is_customers(context: Context, key: str) -> bool:
    """Whether a customer owns ``key``, as far as the caller may see: the key aws/backup cannot encrypt a table."""
    found = vaults.allowed(context.clients("kms").describe_key(KeyId=one) for one in [key] if one)
    return any(shown["KeyMetadata"]["KeyManager"] == "CUSTOMER" for shown in found)


def wait(context: Context, name: str, job: str, *, seconds: float) -> float:
    """The seconds until the table ``name`` is ACTIVE. Raises DeadlineError, and OpsError when the ``job`` fails."""
    backup, progress = context.clients("backup"), Progress(context.say, context.clock)
    exists = False

    def usable() -> bool | None:
        nonlocal exists
        if job:
            shown = backup.describe_restore_job(RestoreJobId=job)
            progress.report(f"restore job {job}", f"{shown['Status']} {shown.get('PercentDone', '')}".strip())
            if shown["Status"] not in ENDED:
                return None
            if shown["Status"] != "COMPLETED":
                why = shown.get("StatusMessage") or "AWS Backup gives no reason"
                raise OpsError(f"restore job {job} ended {shown['Status']}: {why}")
        state = status(context, name)
        if exists and not state:
            raise OpsError(f"table {name} was deleted while it was restored")
        exists = bool(state)
        progress.report(f"table {name}", state or "not created yet")
        return True if state == "ACTIVE" else None

    poll(usable, seconds=seconds, clock=context.clock)
    return progress.elapsed


def mark(context: Context, name: str, *, restored: str) -> None:
    """Tag the table ``name``, a copy of ``restored``, so that inventory and clean-up find it; try, at least."""
    tags = [{"Key": STACK_TAG, "Value": context.stack}, {"Key": stack_tables.RESTORED_TAG, "Value": restored}]
    try:
        context.clients("dynamodb").tag_resource(ResourceArn=vaults.table_arn(context, name), Tags=tags)
    except ClientError as error:
        context.say(f"table {name} could not be tagged, so inventory and cleanup will not find it: {explain(error)}")


def status(context: Context, table: str) -> str:
    """The table's status, for example ACTIVE; empty when there is no such table."""
    return str(stack_tables.described(context.clients("dynamodb"), table).get("TableStatus", ""))


@contextlib.contextmanager
def temporary(
    context: Context, name: str, job: str, *, seconds: float, is_new: bool = True
) -> Iterator[Callable[[], None]]:
    """Remove the restored table at the end of the ``with`` block, also after a failure or an interrupt.

    The block gets a function that keeps the table. One that is not new is kept: another run may use it.
    """
    kept = list[bool]()
    try:
        yield lambda: kept.append(True)
    except BaseException as error:
        if not kept and is_new:
            what = "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error}"
            context.say(f"{what}; deleting table {name}; press Ctrl-C to keep it")
        raise
    finally:
        if not kept and is_new:
            remove(context, name, job, seconds=seconds)
        elif not kept:
            delete = stack_tables.deletion(name, context.region)
            context.say(f"table {name} of an earlier run is left; to drop it: {delete}")


def remove(context: Context, name: str, job: str, *, seconds: float) -> None:
    """Delete the table and wait until it is gone; a failure names the command that deletes it."""
    left = f"table {name} is left; delete it: {stack_tables.deletion(name, context.region)}"
    dynamodb = context.clients("dynamodb")

    def gone() -> bool | None:
        ended = context.clients("backup").describe_restore_job(RestoreJobId=job)["Status"] if job else "COMPLETED"
        # AWS refuses to delete a table that is being restored; a table of this name that the job did not make is
        # another run's.
        if ended != "COMPLETED":
            return True if ended in ENDED else None
        state = status(context, name)
        if state == "ACTIVE":
            with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):  # its answer was lost
                dynamodb.delete_table(TableName=name)
        return None if state else True

    try:
        poll(gone, seconds=seconds, clock=context.clock)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(left) from None
    except DeadlineError as late:
        raise OpsError(f"{left}: it still existed after {late}") from None
    except (ClientError, BotoCoreError) as failed:
        raise OpsError(f"{left}: {explain(failed)}") from None
    context.say(f"table {name} no longer exists")


def reapply(context: Context, source: str, target: str) -> tuple[list[str], dict[str, str]]:
    """Give ``target`` the settings of ``source`` that it lacks: those given, and those refused with the reason.

    A restore loses stream, TTL, point-in-time recovery, tags and deletion protection
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup.Tutorial.html).
    """
    done, failed = list[str](), dict[str, str]()
    has = {name for name, *_ in _settings(context, target)}
    for name, detail, method, arguments in [one for one in _settings(context, source) if one[0] not in has]:
        label = f"{name} ({detail})" if detail else name
        table = {"ResourceArn": vaults.table_arn(context, target)} if name.startswith("tag ") else {"TableName": target}
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
    try:
        if status(context, table) != "ACTIVE":
            return None
        change()
        return True
    except ClientError as error:
        if code(error) not in _BUSY:
            raise
        return None


def advise(context: Context, source: str, target: str) -> None:
    """Say what ``target`` lacks and how to get it: a hint, so no failure where the caller may not look."""
    try:
        source_exists = bool(status(context, source))
        has = {name for name, *_ in _settings(context, target)}
        wanted = [name for name, *_ in _settings(context, source)] if source_exists else _EVERY_SETTING
    except ClientError as error:
        context.say(f"could not check which settings table {target} lacks: {explain(error)}")
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
