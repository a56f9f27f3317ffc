"""Restore jobs: a recovery point becomes a new table.

Sources: model; guide, "Restore a DynamoDB database" (metadata, keys in any case). What the new
table lacks (stream, TTL, PITR, tags, protection) is ACK's table-restore list. That a taken name
ends in FAILED, and with this text, is not verified.
"""

import uuid
from operator import attrgetter

import ministack.services.dynamodb as dynamodb

from embedded_aws.backup import recovery_points, store
from embedded_aws.backup.requests import MISSING, Request, find, page
from embedded_aws.backup.store import RecoveryPoint, RestoreJob
from embedded_aws.dynamodb import customer_keys, recovery
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json, body_of, invalid
from embedded_aws.settings import CURRENT

# Actions that a restore needs on the new table: DynamoDB guide, "Using IAM with DynamoDB
# backup and restore"; AWSBackupServiceRolePolicyForRestores has DescribeTable too.
DEPENDENT_ACTIONS = [
    f"dynamodb:{action}"
    for action in "BatchWriteItem DeleteItem DescribeTable GetItem PutItem Query Scan UpdateItem".split()
]


def start_restore_job(request: Request) -> Json:
    """StartRestoreJob."""
    given, role = request["Metadata"], request.get("IamRoleArn")
    if not role:  # which the model does not require
        raise ApiError(MISSING, "IamRoleArn is required")
    if known := store.of_token(store.restores, request.get("IdempotencyToken")):
        return {"RestoreJobId": known.id}
    point = recovery_points.existing_point(request["RecoveryPointArn"])
    if point.status() != "COMPLETED":
        raise ApiError("InvalidResourceStateException", recovery_points.BUSY)
    roles.check_role(role, request.caller)
    metadata = {name.lower(): value for name, value in given.items()}
    if not metadata.get("targettablename"):
        raise invalid("targetTableName is required")
    now = store.now()
    job = RestoreJob(
        id=str(uuid.uuid4()).upper(),
        point=point,
        role_arn=role,
        token=request.get("IdempotencyToken") or "",
        metadata=given,
        created=now,
        ends=now + CURRENT.restore_job_seconds,
    )
    try:
        _restore(job, metadata["targettablename"], metadata)
    except ApiError as error:
        job.outcome, job.message = "FAILED", error.message
    store.restores[job.id] = job
    return {"RestoreJobId": job.id}


def _restore(job: RestoreJob, target: str, metadata: dict[str, str]) -> None:
    """Make the table; raises ApiError for what ends the job in FAILED."""
    point = job.point
    target_arn = store.arn_of_table(target)
    restoring = ("dynamodb:RestoreTableFromBackup", point.arn)
    if point.advanced:
        restoring = ("dynamodb:RestoreTableFromAwsBackup", target_arn)
    needed = [restoring, *((action, target_arn) for action in DEPENDENT_ACTIONS)]
    if denial := roles.first_denial(job.role_arn, needed):
        raise ApiError("AccessDeniedException", denial)
    encryption = _encryption(metadata)
    customer_keys.check_region(encryption.get("KMSMasterKeyId"))
    _restore_copy(point, target)
    # What SourceBackupArn says of AWS Backup's own points is not verified.
    summary = {"SourceBackupArn": point.arn, "SourceTableArn": point.table_arn}
    recovery.begin_restore(target, summary | {"RestoreDateTime": point.created}, ends=job.ends)
    customer_keys.encrypt(dynamodb._tables[target], encryption)
    job.table_arn = target_arn
    point.restored = job.ends


def _encryption(metadata: dict[str, str]) -> Json:
    """The SSESpecification in the metadata; empty for an AWS owned key, the default (guide)."""
    if metadata.get("encryptiontype", "").upper() != "KMS":
        return {}
    key = metadata.get("kmsmasterkeyarn")
    named = {} if key in (None, recovery_points.NO_KEY) else {"KMSMasterKeyId": key}
    return {"Enabled": True, "SSEType": "KMS", **named}


def _restore_copy(point: RecoveryPoint, target: str) -> None:
    """Let the engine restore the copy, which it finds among its own backups meanwhile."""
    copy_arn = point.copy["BackupDetails"]["BackupArn"]
    dynamodb._backups[copy_arn] = point.copy
    try:
        body_of(dynamodb._restore_table_from_backup({"BackupArn": copy_arn, "TargetTableName": target}))
    finally:
        if point.advanced:
            dynamodb._backups.pop(copy_arn, None)


def describe_restore_job(request: Request) -> Json:
    """DescribeRestoreJob."""
    return store.describe_restore_job(_existing(request))


def get_restore_job_metadata(request: Request) -> Json:
    """GetRestoreJobMetadata."""
    job = _existing(request)
    return {"RestoreJobId": job.id, "Metadata": job.metadata}


def put_restore_validation_result(request: Request) -> None:
    """PutRestoreValidationResult."""
    job = _existing(request)
    job.validation = request["ValidationStatus"]
    job.validation_message = str(request.get("ValidationStatusMessage") or "")


def list_restore_jobs(request: Request) -> Json:
    """Also ListRestoreJobsByProtectedResource, which names a resource."""
    resource = request.get("ResourceArn")
    found = [
        job
        for job in store.restores.values()
        if resource in (None, job.point.table_arn)
        and request.selects(ByStatus=job.state(), ByResourceType=store.TYPE)
        and request.includes(job.created, "ByCreated")
    ]
    return page(request, "RestoreJobs", found, attrgetter("created", "id"), store.describe_restore_job)


list_restore_jobs_by_protected_resource = list_restore_jobs


def _existing(request: Request) -> RestoreJob:
    return find(store.restores, request["RestoreJobId"], "Restore job")
