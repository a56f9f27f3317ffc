"""Copies of recovery points in other vaults and regions of the account.

Sources: model (StartCopyJob, ListCopyJobs, the fields of a copy job); guide, "Advanced DynamoDB
backup" (only points that AWS Backup itself keeps can be copied); the actions that
AWSBackupServiceRolePolicyForBackup has for copies; Service Authorization Reference, AWS Backup
(CopyFromBackupVault is about a recovery point). Its key CopyTargets is not filled: that policy does
not ask for it, and whether AWS Backup gives it for the copies of a plan is not documented.
AWS needs minutes, here a copy is complete at once. A copy job is listed where it was started, in
the region of its source.
"""

import dataclasses
import uuid

import ministack.services.backup as engine
from ministack.core.responses import get_account_id

from embedded_aws.backup import recovery_points, source_tables, store
from embedded_aws.backup.requests import Request, page
from embedded_aws.backup.store import RecoveryPoint
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json


def start(request: Request) -> Json:
    """StartCopyJob."""
    arn, source, destination, role = request.required(
        "RecoveryPointArn", "SourceBackupVaultName", "DestinationBackupVaultArn", "IamRoleArn"
    )
    point = recovery_points.existing(arn, source)
    roles.check_role(role, request.headers, request.query)
    if not point.advanced:
        raise ApiError("InvalidRequestException", f"Recovery point {arn} cannot be copied")
    denial = _denial(point, destination, role)
    copied = None if denial else _copy(point, destination)
    job = _job(point, copied, destination, role)
    if denial:
        job |= {"State": "FAILED", "StatusMessage": denial, "MessageCategory": "FAILURE"}
    store.copies[job["CopyJobId"]] = job
    return {"CopyJobId": job["CopyJobId"], "CreationDate": job["CreationDate"], "IsParent": False}


def list_all(request: Request) -> Json:
    """ListCopyJobs."""
    found = [
        job
        for job in store.copies.values()
        if request.selects(
            resourceArn=job["ResourceArn"],
            resourceType=source_tables.TYPE,
            state=job["State"],
            accountId=job["AccountId"],
            destinationVaultArn=job["DestinationBackupVaultArn"],
            sourceRecoveryPointArn=job["SourceRecoveryPointArn"],
        )
    ]
    return page(request, "CopyJobs", found, _age, dict)


def describe(request: Request) -> Json:
    """DescribeCopyJob."""
    job: Json | None = store.copies.get(request.path["job"])
    if job is None:
        raise ApiError("ResourceNotFoundException", f"Cannot find copy job {request.path['job']}")
    return {"CopyJob": job}


def _denial(point: RecoveryPoint, destination: str, role: str) -> str | None:
    """What the role may not do of what a copy takes, as AWS says it, or None."""
    needed = (
        ("backup:CopyFromBackupVault", point.arn),
        ("backup:DescribeBackupVault", destination),
        ("backup:CopyIntoBackupVault", destination),
    )
    denials = (roles.denial(role, *one) for one in needed)
    return next(filter(None, denials), None)


def _copy(point: RecoveryPoint, destination: str) -> RecoveryPoint:
    """A point of its own in the vault with the ARN ``destination``."""
    region, account, _, vault = (destination.split(":")[3:] + [""] * 4)[:4]
    if not engine._vaults.contains_scoped(account, region, vault):
        raise ApiError("ResourceNotFoundException", f"Cannot find Backup vault {destination}")
    copied = dataclasses.replace(
        point,
        arn=f"arn:aws:backup:{region}:{account}:recovery-point:{uuid.uuid4()}",
        vault=vault,
        created=store.now(),
        completed=store.now(),
        restored=None,
    )
    store.points.set_scoped(account, region, copied.arn, copied)
    return copied


def _job(point: RecoveryPoint, copied: RecoveryPoint | None, destination: str, role: str) -> Json:
    made = {"DestinationRecoveryPointArn": copied.arn} if copied else {}
    return made | {
        "AccountId": get_account_id(),
        "CopyJobId": str(uuid.uuid4()).upper(),
        "SourceBackupVaultArn": engine._vault_arn(point.vault),
        "SourceRecoveryPointArn": point.arn,
        "DestinationBackupVaultArn": destination,
        "ResourceArn": point.table_arn,
        "ResourceType": source_tables.TYPE,
        "ResourceName": source_tables.name_of(point.table_arn),
        "IamRoleArn": role,
        "CreationDate": store.now(),
        "CompletionDate": store.now(),
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "BackupSizeInBytes": point.size,
        "IsParent": False,
    }


def _age(job: Json) -> tuple[float, str]:
    return job["CreationDate"], job["CopyJobId"]
