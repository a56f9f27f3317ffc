"""Find a deployment's backup vaults, and what is in them."""

import dataclasses
import sys
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import code, explain, is_denied, message
from model.names import STACK_TAG, TABLE_TAG
from ops.inventory.found import Point, Vault
from ops.jobs import ACTIVE

PAGE = 1000  # the API's most


def find(backup: Any, stack: str) -> Iterator[Vault]:
    """The vaults tagged as ``stack``'s, with their recovery points and running jobs.

    The prefix leaves out Default and aws/efs/automatic-backup-vault, which
    nobody can delete.
    """
    for vault in tagged(backup, stack):
        yield dataclasses.replace(vault, points=points(backup, vault.name), jobs=jobs(backup, vault.name))


def tagged(backup: Any, stack: str) -> Iterator[Vault]:
    """The vaults tagged as ``stack``'s, without what is in them."""
    for listed in every(backup):
        name, arn = listed["BackupVaultName"], listed["BackupVaultArn"]
        if not name.startswith(f"{stack}-"):
            continue
        tags = _tags(backup, arn)
        if tags.get(STACK_TAG) == stack:
            key = listed.get("EncryptionKeyArn", "")
            created = listed.get("CreationDate")
            yield Vault(name=name, arn=arn, table=tags.get(TABLE_TAG, ""), key=key, created=created)


def exists(backup: Any, name: str) -> bool:
    """Whether the vault exists.

    Asked from the list: Describe answers AccessDenied for a missing vault and
    for a forbidden one alike (https://github.com/aws/aws-sdk-js/issues/2625).
    """
    return any(listed["BackupVaultName"] == name for listed in every(backup))


def points(backup: Any, vault: str, *, resource: str = "") -> tuple[Point, ...]:
    """The recovery points in ``vault``, every page; none when the vault is gone.

    All of them, or those of the table whose ARN is ``resource``.
    """
    return tuple(stream(backup, vault, resource=resource))


def stream(backup: Any, vault: str, *, resource: str = "") -> Iterator[Point]:
    """The same as ``points``, one page at a time.

    The vault's own count may be approximate, this list is not
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeBackupVault.html).
    """
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault, PaginationConfig={"PageSize": PAGE}, **({"ByResourceArn": resource} if resource else {})
    )
    try:
        for page in pages:
            for found in page["RecoveryPoints"]:
                yield point(vault, found)
    except ClientError as error:
        may_be_gone = is_denied(error) or code(error) == "ResourceNotFoundException"
        if not may_be_gone or exists(backup, vault):
            raise


def jobs(backup: Any, vault: str) -> tuple[str, ...]:
    """The ids of the backup jobs that are not finished and will put points into ``vault``."""
    pages = backup.get_paginator("list_backup_jobs").paginate(ByBackupVaultName=vault)
    return tuple(job["BackupJobId"] for page in pages for job in page["BackupJobs"] if job["State"] in ACTIVE)


def makers(backup: Any, vault: str) -> set[str]:
    """The names of the roles that made the points in ``vault`` or run its jobs now."""
    pages = backup.get_paginator("list_backup_jobs").paginate(ByBackupVaultName=vault)
    running = (job for page in pages for job in page["BackupJobs"] if job["State"] in ACTIVE)
    return {point.role for point in stream(backup, vault)} | set(map(role_of, running))


def delete(backup: Any, vault: Vault) -> str | None:
    """Empty when ``vault`` is gone, a reason when it cannot go, None to try again.

    AWS Backup goes on saying "contains recovery points" for a while after the
    last one (https://github.com/hashicorp/terraform-provider-aws/issues/37774),
    and answers AccessDenied for a vault that is gone.
    """
    try:
        backup.delete_backup_vault(BackupVaultName=vault.name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return ""
        if is_denied(error):
            return explain(error) if exists(backup, vault.name) else ""
        if "contains recovery points" not in message(error):
            raise
        known = {point.arn for point in vault.points}
        new = [point for point in points(backup, vault.name) if point.arn not in known]
        return f"{len(new)} more recovery points came; run this again" if new else None
    return ""


def every(backup: Any) -> Iterator[dict[str, Any]]:
    """All vaults of the account and region, as AWS lists them."""
    for page in backup.get_paginator("list_backup_vaults").paginate():
        yield from page["BackupVaultList"]


def _tags(backup: Any, arn: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        try:
            answer = backup.list_tags(ResourceArn=arn, **token)
        except ClientError as error:
            if code(error) == "ResourceNotFoundException":  # gone since it was listed
                return {}
            raise
        tags |= answer.get("Tags", {})
        if not answer.get("NextToken"):
            return tags
        token = {"NextToken": answer["NextToken"]}


def point(vault: str, found: dict[str, Any]) -> Point:
    """A recovery point, from AWS's description of it.

    What many points share is kept once: a vault may hold a million of them.
    """
    return Point(
        arn=found["RecoveryPointArn"],
        vault=vault,
        status=sys.intern(found["Status"]),
        resource=sys.intern(found.get("ResourceArn", "")),
        created=found.get("CreationDate"),
        expires=found.get("CalculatedLifecycle", {}).get("DeleteAt"),
        bytes=found.get("BackupSizeInBytes", 0),
        storage=sys.intern(found.get("StorageClass", "WARM")),
        role=sys.intern(role_of(found)),
        key=sys.intern(found.get("EncryptionKeyArn", "")),
    )


def role_of(found: dict[str, Any]) -> str:
    """The name of the IAM role in AWS's description of a point or a job; empty without one."""
    return str(found.get("IamRoleArn", "")).rpartition("/")[2]
