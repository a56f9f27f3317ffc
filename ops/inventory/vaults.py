"""Find vaults, recovery points and the backups that DynamoDB keeps. Reads only."""

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients
from cli.command_line import Context
from cli.errors import code, is_denied, message
from model.names import STACK_TAG, TABLE_TAG
from ops.inventory.found import Copy, NativeBackup, Point, Unseen, Vault
from ops.inventory.shared import SharedClient

T = TypeVar("T")
# The states of a backup job that has not ended.
ACTIVE = frozenset({"CREATED", "PENDING", "RUNNING", "ABORTING"})
PAGE = 1000  # the API's maximum
# Both mean that a point can be restored; which of them DynamoDB points show has changed.
RESTORABLE = frozenset({"COMPLETED", "AVAILABLE"})
_FEW = 10  # tables
_NOT_FOUND = "ResourceNotFoundException"


def rows(client: Any, operation: str, field: str, **arguments: Any) -> Iterator[Any]:
    """The rows in ``field`` of every page of a boto3 client's ``operation``."""
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(field, [])


def rows_of(
    client: Any, operation: str, field: str, own: Callable[[Any], bool], only: dict[str, str], **arguments: Any
) -> Iterator[Any]:
    """The rows that are a stack's ``own``: AWS selects them by ``only``, or they are in one listing for all stacks."""
    arguments |= {} if isinstance(client, SharedClient) else only
    return filter(own, rows(client, operation, field, **arguments))


def allowed(found: Iterable[T]) -> Iterator[T]:
    """``found``; nothing where the caller has no permission to look, or there is nothing."""
    try:
        yield from found
    except ClientError as error:
        if not is_denied(error) and code(error) not in (_NOT_FOUND, "NotFoundException"):
            raise


def table_arn(context: Context, table: str) -> str:
    """The ARN that ``table`` has, or had."""
    return f"arn:{context.clients.partition}:dynamodb:{context.region}:{context.account}:table/{table}"


def table_points(
    context: Context, tables: Iterable[str], *, listed: Iterable[Vault] = ()
) -> tuple[list[Point], list[Unseen]]:
    """The recovery points of ``tables``, which may be deleted since, oldest first; and the vaults that are unreadable.

    Asks every vault but those already ``listed``: the list by resource does not name the vault
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByResource.html).
    """
    backup, arns = context.clients("backup"), {table_arn(context, name) for name in tables}
    known, found, unseen = {vault.name: vault.points for vault in listed}, list[Point](), list[Unseen]()
    choices = [{"ByResourceArn": arn} for arn in sorted(arns)]
    if len(arns) > _FEW:  # one list of them all takes fewer requests
        choices = [{"ByResourceType": "DynamoDB"}]
    for vault in every(backup) if arns else ():
        name = vault["BackupVaultName"]
        try:
            listings = [known[name]] if name in known else [points(backup, name, **only) for only in choices]
            found += (point for listing in listings for point in listing if point.resource in arns)
        except ClientError as error:
            if not is_denied(error):
                raise
            unseen.append(Unseen(what=f"vault {name}", reason=message(error)))
    return sorted(found, key=lambda point: point.created.timestamp() if point.created else 0.0), unseen


def table_backups(dynamodb: Any, tables: Iterable[str]) -> Iterator[NativeBackup]:
    """The USER and SYSTEM backups of ``tables``, not those of AWS Backup, which only their vault can delete."""
    # ListBackups returns USER only, unless asked for another type.
    for table, kind in product(tables, ("USER", "SYSTEM")):
        for found in _summaries(dynamodb, table, kind):
            if found.get("BackupType", kind) == kind and found["BackupStatus"] != "DELETED":
                yield NativeBackup(
                    arn=found["BackupArn"],
                    name=found["BackupName"],
                    table=table,
                    system=kind == "SYSTEM",
                    expires=found.get("BackupExpiryDateTime"),
                    status=found["BackupStatus"],
                    created=found.get("BackupCreationDateTime"),
                    bytes=found.get("BackupSizeBytes", 0),
                )


def _summaries(dynamodb: Any, table: str, kind: str) -> Iterator[Any]:
    """DynamoDB's descriptions of the backups of ``table``."""
    operation, field, only = "list_backups", "BackupSummaries", {"TableName": table}
    return rows_of(dynamodb, operation, field, lambda found: found["TableName"] == table, only, BackupType=kind)


def every(backup: Any) -> Iterator[dict[str, Any]]:
    """All vaults of the account and region, as AWS lists them."""
    return rows(backup, "list_backup_vaults", "BackupVaultList")


def exists(backup: Any, name: str) -> bool:
    """Whether the vault exists."""
    # Describe returns AccessDenied for a missing vault too (https://github.com/aws/aws-sdk-js/issues/2625).
    return any(listed["BackupVaultName"] == name for listed in every(backup))


def find(backup: Any, stack: str) -> Iterator[Vault]:
    """The vaults tagged with ``stack``, with their recovery points and running jobs."""
    for vault in tagged(backup, stack):
        running = tuple(job["BackupJobId"] for job in _jobs(backup, vault.name) if job["State"] in ACTIVE)
        yield dataclasses.replace(vault, points=tuple(points(backup, vault.name)), jobs=running)


def _jobs(backup: Any, vault: str) -> Iterator[Any]:
    """The backup jobs that write to ``vault``."""
    only = {"ByBackupVaultName": vault}
    return rows_of(backup, "list_backup_jobs", "BackupJobs", lambda job: job["BackupVaultName"] == vault, only)


def tagged(backup: Any, stack: str) -> Iterator[Vault]:
    """The vaults tagged with ``stack``, without their content."""
    for listed in every(backup):
        name, arn = listed["BackupVaultName"], listed["BackupVaultArn"]
        if not name.startswith(f"{stack}-"):  # as Default and aws/efs/automatic-backup-vault, which stay
            continue
        try:
            tags = backup.list_tags(ResourceArn=arn, MaxResults=1000).get("Tags", {})
        except ClientError as error:
            if code(error) != _NOT_FOUND:  # gone since it was listed
                raise
            continue
        if tags.get(STACK_TAG) == stack:
            key, created = listed.get("EncryptionKeyArn", ""), listed.get("CreationDate")
            yield Vault(name=name, arn=arn, table=tags.get(TABLE_TAG, ""), key=key, created=created)


def points(backup: Any, vault: str, **only: str) -> Iterator[Point]:
    """The recovery points in ``vault``, or those that AWS selects by ``only``; none when the vault is gone.

    The vault's own count may be approximate, this list is not
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeBackupVault.html).
    """
    operation = "list_recovery_points_by_backup_vault"
    pages = {"PaginationConfig": {"PageSize": PAGE}}
    try:
        for found in rows(backup, operation, "RecoveryPoints", BackupVaultName=vault, **pages, **only):
            yield point(vault, found)
    except ClientError as error:
        may_be_gone = is_denied(error) or code(error) == _NOT_FOUND
        if not may_be_gone or exists(backup, vault):
            raise


def point(vault: str, found: dict[str, Any]) -> Point:
    """A recovery point, as AWS lists or describes it. Texts that many points share are interned.

    Only DescribeRecoveryPoint answers the StorageClass; lists have the time of the move
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByBackupVault.html).
    """
    lifecycle = found.get("CalculatedLifecycle", {})
    moves = lifecycle.get("MoveToColdStorageAt")
    return Point(
        arn=found["RecoveryPointArn"],
        vault=vault,
        status=sys.intern(found["Status"]),
        resource=sys.intern(found.get("ResourceArn", "")),
        created=found.get("CreationDate"),
        expires=lifecycle.get("DeleteAt"),
        bytes=found.get("BackupSizeInBytes", 0),
        storage="COLD" if moves and moves <= datetime.now(UTC) else "WARM",
        role=sys.intern(_role(found)),
        key=sys.intern(found.get("EncryptionKeyArn", "")),
    )


def _role(found: dict[str, Any]) -> str:
    """The name of the IAM role in AWS's description of a point or a job; empty without one."""
    return str(found.get("IamRoleArn", "")).rpartition("/")[2]


def copies(context: Context, own: Iterable[Vault], tables: Iterable[str], *, profile: str | None) -> tuple[Copy, ...]:
    """Recovery points outside the vaults ``own``, of their tables and of those named ``tables``.

    Asks other regions too. AWS forgets copy jobs after a while, so an empty result proves nothing.
    """
    own, backup = tuple(own), context.clients("backup")
    held = {point.arn for vault in own for point in vault.points}
    arns = {point.resource for vault in own for point in vault.points if point.resource}
    arns |= {table_arn(context, name) for name in {*tables, *(vault.table for vault in own)} if name}
    found: dict[str, Copy] = {}
    with ExitStack() as opened:
        there = cache(lambda region: opened.enter_context(closing(Clients(region=region, profile=profile)))("backup"))
        for arn in sorted(arns):
            for job in allowed(rows(backup, "list_copy_jobs", "CopyJobs", ByResourceArn=arn)):
                copied = _copied(context, job, there) if job.get("State") == "COMPLETED" else None
                if copied and copied.vault not in {vault.arn for vault in own}:
                    found[copied.arn] = copied
            for listed in allowed(rows(backup, "list_recovery_points_by_resource", "RecoveryPoints", ResourceArn=arn)):
                if listed["RecoveryPointArn"] not in held:
                    found.setdefault(listed["RecoveryPointArn"], Copy(arn=listed["RecoveryPointArn"]))
    return tuple(found.values())


def _copied(context: Context, job: dict[str, Any], there: Callable[[str], Any]) -> Copy | None:
    """The copy that a job made; None when it is gone. ``there``: a client of AWS Backup in a region."""
    arn, vault = job["DestinationRecoveryPointArn"], job["DestinationBackupVaultArn"]
    _, _, _, region, account, _, name = vault.split(":", 6)
    if account != context.account:
        doubt = "in another account; whether it still exists is unknown"
        return Copy(arn=arn, vault=vault, doubt=doubt, role=_role(job))
    doubt = ""
    try:
        there(region).describe_recovery_point(BackupVaultName=name, RecoveryPointArn=arn)
    except (ClientError, BotoCoreError) as error:
        reason = code(error) if isinstance(error, ClientError) else type(error).__name__
        with contextlib.suppress(ClientError, BotoCoreError):
            if reason == _NOT_FOUND or (reason == "AccessDeniedException" and not exists(there(region), name)):
                return None
        doubt = f"could not check whether it still exists ({reason})"
    # The setting copy_region makes a second stack, with a vault for copies.
    stack = name.rpartition("-")[0] if name.startswith(f"{context.stack}-Copies-") else ""
    return Copy(arn=arn, vault=vault, doubt=doubt, stack=stack, role=_role(job))
