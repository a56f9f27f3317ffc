"""One restore: with which role and key, started, waited for, tagged; or to a temporary table."""

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import find_stack
from cli.command_line import Context
from cli.errors import OpsError, UsageError, code, explain, is_denied
from cli.polling import DeadlineError, Progress, poll
from model.names import STACK_TAG
from ops.inventory import stack_tables, vaults
from ops.inventory.found import Point
from ops.inventory.stack_tables import Restored

MANAGED = "AWSBackupServiceRolePolicyForRestores"
_ENDED = frozenset({"COMPLETED", "ABORTED", "FAILED"})
# The metadata that this module decides; the case of their names does not matter
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html).
_OURS = frozenset({"targettablename", "encryptiontype", "kmsmasterkeyarn"})


def start(context: Context, origin: Restored, name: str, *, role: str | None, key: str | None) -> str:
    """Start the restore of ``origin`` to the table ``name``; AWS Backup's job, or empty when DynamoDB restores.

    ``role`` is for AWS Backup (default: the stack's), ``key`` encrypts the table (default: the key
    of the source table, or what the backup says).

    Raises OpsError without a role, or without a key in this region; UsageError for a name that
    the stack's own role cannot restore to.
    """
    role = (role or _stack_role(context, origin, name)) if origin.point else ""
    if not key and origin.point:
        source = next(stack_tables.existing(context.clients("dynamodb"), [origin.source]), None)
        key = source.key if source else None
    metadata = restore_metadata(context, origin.point, key) if origin.point and role else {}
    context.say(f"restoring {origin.arn or f'{origin.source} at {origin.moment:%Y-%m-%d %H:%M:%S %Z}'} to table {name}")
    if role:
        job = context.clients("backup").start_restore_job(
            RecoveryPointArn=origin.arn,
            Metadata={**metadata, "targetTableName": name},
            IamRoleArn=role,
            IdempotencyToken=str(uuid.uuid4()),  # the SDK's retries then start one job, not two
            ResourceType="DynamoDB",
        )
        return str(job["RestoreJobId"])
    dynamodb, request = context.clients("dynamodb"), dict[str, Any](TargetTableName=name)
    if key:
        request["SSESpecificationOverride"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    if origin.arn:
        dynamodb.restore_table_from_backup(BackupArn=origin.arn, **request)
    else:
        moment = {"UseLatestRestorableTime": True} if origin.latest else {"RestoreDateTime": origin.moment}
        dynamodb.restore_table_to_point_in_time(SourceTableName=origin.source, **moment, **request)
    return ""


def _stack_role(context: Context, origin: Restored, name: str) -> str:
    """The role of the stack for AWS Backup; empty when DynamoDB restores without one."""
    deployed = find_stack(context.clients, context.stack)
    role = deployed.outputs.get("RestoreRoleArn", "") if deployed else ""
    # No stage's own table has a dot in its name.
    prefix = f"{deployed.output('TableName')}." if deployed and role else ""
    if role and name.startswith(prefix):
        return role
    if ":dynamodb:" in origin.arn:
        context.say("no restore role found; restoring through DynamoDB with your permissions")
        return ""
    if role:
        raise UsageError(
            f"--target must start with '{prefix}' (the stack's restore role allows no other name), "
            f"got '{name}'; change it, or pass --role"
        )
    state = "has no output RestoreRoleArn" if deployed else "does not exist"
    raise OpsError(
        f"AWS Backup needs a role to restore with, and stack {context.stack} {state}; deploy it, "
        f"or pass --role with the ARN of a role that has AWS's policy {MANAGED}"
    )


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
    region = _region(kept_key)
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


def _region(key: str) -> str:
    """The region in a key's ARN; empty for "Not Applicable", which stands for a key of AWS."""
    return key.split(":")[3] if key.startswith("arn:") else ""


def _is_customers(context: Context, key: str) -> bool:
    """Whether a customer owns ``key``: the key aws/backup cannot encrypt a table."""
    try:
        return bool(key) and context.clients("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyManager"] == "CUSTOMER"
    except ClientError as error:
        if not is_denied(error) and code(error) != "NotFoundException":
            raise
        return False


def wait(context: Context, name: str, job: str, *, seconds: float) -> float:
    """Return when the table ``name`` is ACTIVE, with the seconds that it took.

    Raises DeadlineError after ``seconds``, OpsError when AWS Backup's ``job`` fails.
    """
    backup, progress = context.clients("backup"), Progress(context.say, context.clock)

    def usable() -> bool | None:
        if job:
            shown = backup.describe_restore_job(RestoreJobId=job)
            progress.report(f"restore job {job}", f"{shown['Status']} {shown.get('PercentDone', '')}".strip())
            if shown["Status"] not in _ENDED:
                return None
            if shown["Status"] != "COMPLETED":
                why = shown.get("StatusMessage") or "AWS Backup gives no reason"
                raise OpsError(f"restore job {job} ended {shown['Status']}: {why}")
        state = status(context, name)
        progress.report(f"table {name}", state or "not created yet")
        return True if state == "ACTIVE" else None

    poll(usable, seconds=seconds, clock=context.clock)
    return progress.elapsed


def mark(context: Context, name: str, *, restored: str, **more: str) -> None:
    """Tag the table ``name``, a copy of the table ``restored``, so that inventory and clean-up find it.

    Says so when the caller may not: the table is good without.
    """
    tags = {STACK_TAG: context.stack, stack_tables.RESTORED_TAG: restored, **more}
    try:
        context.clients("dynamodb").tag_resource(
            ResourceArn=vaults.table_arn(context, name), Tags=[{"Key": key, "Value": tags[key]} for key in tags]
        )
    except ClientError as error:
        context.say(f"table {name} could not be tagged, so inventory and cleanup will not find it: {explain(error)}")


def status(context: Context, table: str) -> str:
    """The table's status, for example ACTIVE; empty when there is no such table."""
    return str(stack_tables.described(context.clients("dynamodb"), table).get("TableStatus", ""))


@contextlib.contextmanager
def temporary(context: Context, name: str, job: str, *, seconds: float) -> Iterator[None]:
    """Remove the restored table at the end of the ``with`` block, also after a failure or an interrupt.

    ``seconds`` limits the wait for the removal.
    """
    try:
        yield
    except BaseException as error:
        what = "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error}"
        context.say(f"{what}; deleting table {name}; press Ctrl-C to keep it")
        raise
    finally:
        _remove(context, name, job, seconds=seconds)


def _remove(context: Context, name: str, job: str, *, seconds: float) -> None:
    """Delete the table and wait until it is gone; a failure names the command that deletes it."""
    left = f"table {name} is left; delete it: `aws dynamodb delete-table --table-name {name} --region {context.region}`"

    def gone() -> bool | None:
        # AWS refuses to delete a table that is being restored.
        if job and context.clients("backup").describe_restore_job(RestoreJobId=job)["Status"] not in _ENDED:
            return None
        state = status(context, name)
        if state == "ACTIVE":
            context.clients("dynamodb").delete_table(TableName=name)
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
