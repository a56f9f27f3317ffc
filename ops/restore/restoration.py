"""One restore: with which role and key, started, waited for, marked; or to a temporary table."""

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
from ops.inventory import stack_tables
from ops.inventory.found import Point
from ops.restore.origin import Origin

MANAGED = "AWSBackupServiceRolePolicyForRestores"
_ENDED = frozenset({"COMPLETED", "ABORTED", "FAILED"})
# The metadata that this module decides; the case of their names does not matter
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html).
_OURS = frozenset({"targettablename", "encryptiontype", "kmsmasterkeyarn"})
# DescribeTable may not show a new table at once.
_GRACE_SECONDS = 5.0


def start(context: Context, origin: Origin, name: str, *, role: str | None, key: str | None) -> "Restoration":
    """Start the restore of ``origin`` to the table ``name``.

    ``role`` is for AWS Backup (default: the stack's), ``key`` encrypts the table (default: the key
    of the source table, or what the backup says).

    Raises OpsError without a role, or without a key in this region; UsageError for a name that
    the stack's own role cannot restore to, and for a key in another region.
    """
    if key and _region(key) != context.region:
        raise UsageError(
            f"--kms-key {key} is in region {_region(key)}; a table in {context.region} needs a key in {context.region}"
        )
    role = _role(context, origin, name, role) if origin.point else ""
    if not key and origin.point:
        source = next(stack_tables.existing(context.clients("dynamodb"), [origin.table]), None)
        key = source.key if source else None
    metadata = restore_metadata(context, origin.point, key) if origin.point and role else {}
    when = f" at {origin.moment:%Y-%m-%d %H:%M:%S %Z}"
    context.say(f"restoring {origin.arn or origin.table + when} to table {name}")
    if role:
        job = context.clients("backup").start_restore_job(
            RecoveryPointArn=origin.arn,
            Metadata={**metadata, "targetTableName": name},
            IamRoleArn=role,
            IdempotencyToken=str(uuid.uuid4()),  # the SDK's retries then start one job, not two
            ResourceType="DynamoDB",
        )
        return Restoration(context, name, str(job["RestoreJobId"]))
    dynamodb, request = context.clients("dynamodb"), dict[str, Any](TargetTableName=name)
    if key:
        request["SSESpecificationOverride"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    if origin.arn:
        dynamodb.restore_table_from_backup(BackupArn=origin.arn, **request)
    else:
        moment = {"UseLatestRestorableTime": True} if origin.latest else {"RestoreDateTime": origin.moment}
        dynamodb.restore_table_to_point_in_time(SourceTableName=origin.table, **moment, **request)
    return Restoration(context, name)


def _role(context: Context, origin: Origin, name: str, given: str | None) -> str:
    """``given``, else the stack's role; empty when DynamoDB restores without one."""
    if given:
        return given
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
    if chosen := key or _customer_key(context, point, kept_key, source_is_gone=key is None):
        return rest | {"encryptionType": "KMS", "kmsMasterKeyArn": chosen}
    encryption = {"encryptionType": by_name.get("encryptiontype", "Default")}
    return rest | encryption | ({"kmsMasterKeyArn": kept_key} if kept_key else {})


def _customer_key(context: Context, point: Point, kept: str, *, source_is_gone: bool) -> str:
    """The customer key in this region that the backup suggests; empty for none."""
    region = _region(kept)
    if region == context.region:
        return kept
    if (region or source_is_gone) and point.key and _is_customers(context, point.key):
        return point.key
    if region:
        raise OpsError(
            f"the table was encrypted with {kept}, which no table in {context.region} can use, and "
            f"the vault {point.vault} has no customer key that the caller may describe; name a key "
            f"in {context.region} with --kms-key"
        )
    return ""


def _region(key: str) -> str:
    """The region in a key's ARN; empty for "Not Applicable", which stands for a key of AWS."""
    return key.split(":")[3] if key.startswith("arn:") else ""


def _is_customers(context: Context, key: str) -> bool:
    """Whether a customer owns ``key``: the key aws/backup cannot encrypt a table."""
    try:
        manager = context.clients("kms").describe_key(KeyId=key)["KeyMetadata"].get("KeyManager")
    except ClientError as error:
        if not is_denied(error) and code(error) != "NotFoundException":
            raise
        return False
    return bool(manager == "CUSTOMER")


class Restoration:
    """A restore to the table ``name``, which AWS carries out even if this process ends.

    ``job`` is the id of AWS Backup's job; empty when DynamoDB restores.
    """

    def __init__(self, context: Context, name: str, job: str = "") -> None:
        self.name, self.job = name, job
        self._context, self._progress = context, Progress(context.say, context.clock)

    def wait(self, *, seconds: float) -> float:
        """Return when the table is ACTIVE, with the seconds that it took.

        Raises DeadlineError after ``seconds``, OpsError when AWS Backup's job fails.
        """
        poll(self._is_usable, seconds=seconds, clock=self._context.clock)
        return self._progress.elapsed

    def ended(self) -> bool:
        """Whether AWS Backup's job is over, well or not; always true without one."""
        return not self.job or self._described_job()["Status"] in _ENDED

    def _described_job(self) -> dict[str, Any]:
        job: dict[str, Any] = self._context.clients("backup").describe_restore_job(RestoreJobId=self.job)
        return job

    def _is_usable(self) -> bool | None:
        if self.job:
            job = self._described_job()
            self._progress.report(f"restore job {self.job}", f"{job['Status']} {job.get('PercentDone', '')}".strip())
            if job["Status"] not in _ENDED:
                return None
            if job["Status"] != "COMPLETED":
                why = job.get("StatusMessage") or "AWS Backup gives no reason"
                raise OpsError(f"restore job {self.job} ended {job['Status']}: {why}")
        state = status(self._context.clients("dynamodb"), self.name)
        self._progress.report(f"table {self.name}", state or "not created yet")
        return True if state == "ACTIVE" else None


def mark(context: Context, name: str, *, restored: str, **more: str) -> None:
    """Tag the table ``name``, a copy of the table ``restored``, so that inventory and clean-up find it.

    Says so when the caller may not: the table is good without.
    """
    marks = {STACK_TAG: context.stack, stack_tables.RESTORED_TAG: restored, **more}
    dynamodb = context.clients("dynamodb")
    try:
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in marks.items()])
    except ClientError as error:
        context.say(f"table {name} could not be tagged, so inventory and cleanup will not find it: {explain(error)}")


def status(dynamodb: Any, table: str) -> str:
    """The table's status, for example ACTIVE; empty when there is no such table."""
    return str(stack_tables.described(dynamodb, table).get("TableStatus", ""))


@contextlib.contextmanager
def temporary(context: Context, restoration: Restoration, *, seconds: float) -> Iterator[None]:
    """Remove the restored table at the end of the ``with`` block, also after a failure or an interrupt.

    ``seconds`` limits the wait for the removal.
    """
    name = restoration.name
    try:
        yield
    except KeyboardInterrupt:
        context.say(f"interrupted: deleting table {name}; press Ctrl-C again to keep it")
        _remove(context, restoration, seconds=seconds)
        raise KeyboardInterrupt(f"table {name} was deleted") from None
    except Exception as error:
        context.say(f"failed: {error}; deleting table {name}")
        _remove(context, restoration, seconds=seconds)
        raise
    _remove(context, restoration, seconds=seconds)


def _remove(context: Context, restoration: Restoration, *, seconds: float) -> None:
    """Delete the table and wait until it is gone; a failure names the command that deletes it."""
    dynamodb, name, clock = context.clients("dynamodb"), restoration.name, context.clock
    left = f"table {name} is left; delete it: `aws dynamodb delete-table --table-name {name} --region {context.region}`"
    seen, grace_ends = False, clock.monotonic() + _GRACE_SECONDS

    def gone() -> bool | None:
        nonlocal seen
        if not restoration.ended():  # AWS refuses to delete a table that is being restored
            return None
        state = status(dynamodb, name)
        if state == "ACTIVE":
            dynamodb.delete_table(TableName=name)
        seen = seen or bool(state)
        return True if not state and (seen or clock.monotonic() > grace_ends) else None

    try:
        poll(gone, seconds=seconds, clock=clock)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(left) from None
    except DeadlineError as late:
        raise OpsError(f"{left}: it still existed after {late}") from None
    except (ClientError, BotoCoreError) as failed:
        raise OpsError(f"{left}: {explain(failed)}") from None
    context.say(f"table {name} was deleted" if seen else f"table {name} was never created")
