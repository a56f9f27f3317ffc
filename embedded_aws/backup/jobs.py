"""Backup jobs: what StartBackupJob checks, and the states a job goes through.

Sources: model (fields, filters, the 60 minutes of StartWindowMinutes, IdempotencyToken); guide,
"Backup job statuses" (texts of EXPIRED and ABORTED, one job at a time for a resource).
"""

import uuid

from embedded_aws.backup import (
    descriptions,
    lifecycles,
    recovery_points,
    regions,
    source_tables,
    store,
    vault_locks,
    vaults,
)
from embedded_aws.backup.requests import Request, page
from embedded_aws.backup.store import BackupJob
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json
from embedded_aws.settings import CURRENT

SHORTEST_WINDOW_MINUTES = 60
DEFAULT_WINDOW_MINUTES = 8 * 60
RUNNING_ALREADY = "Backup job failed because there was a running job for the same resource."
# In the order in which AWS Backup asks for them: widdix/aws-cf-templates#633.
ADVANCED_ACTIONS = ("dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob")
BASIC_ACTIONS = ("dynamodb:CreateBackup",)
# It looks at the resource (text: ministryofjustice/modernisation-platform#6152), and at a backup
# that DynamoDB keeps until it is done: the other actions that AWSBackupServiceRolePolicyForBackup
# has for DynamoDB. What it asks for first of all is not known.
DESCRIBE_TABLE, DESCRIBE_BACKUP = "dynamodb:DescribeTable", "dynamodb:DescribeBackup"


def start(request: Request) -> Json:
    """StartBackupJob."""
    vault, table_arn, role = request.required("BackupVaultName", "ResourceArn", "IamRoleArn")
    token = request.body.get("IdempotencyToken") or str(uuid.uuid4())
    for job in store.jobs.values():
        if job.token == token:
            return _started(job)
    if not vaults.exists(vault):
        raise ApiError("ResourceNotFoundException", f"Cannot find Backup vault {vault}")
    source_tables.check_exists(table_arn)
    roles.check_role(role, request.headers, request.query)
    window = request.body.get("StartWindowMinutes", DEFAULT_WINDOW_MINUTES)
    if window < SHORTEST_WINDOW_MINUTES:
        raise ApiError(
            "InvalidParameterValueException",
            f"StartWindowMinutes must be at least {SHORTEST_WINDOW_MINUTES}, got {window}",
        )
    now = store.now()
    job = BackupJob(
        id=str(uuid.uuid4()).upper(),
        vault=vault,
        table_arn=table_arn,
        role_arn=role,
        token=token,
        lifecycle=lifecycles.check(request.body.get("Lifecycle") or {}),
        created=now,
        ends=now + CURRENT.backup_job_seconds,
        start_by=now + window * 60,
    )
    _run(job, request.body.get("RecoveryPointTags") or {})
    store.jobs[job.id] = job
    return _started(job)


def _run(job: BackupJob, tags: dict[str, str]) -> None:
    """Decide how the job will end, and take the copy when it will end well."""
    if source_tables.is_being_copied(job.table_arn):
        job.outcome, job.message = "EXPIRED", RUNNING_ALREADY
        return
    denial = _denial(job)
    if denial:
        job.outcome, job.message = "FAILED", denial
        return
    refusal = vault_locks.refusal(job.vault, job.lifecycle)
    if refusal:
        job.outcome, job.message = "FAILED", refusal
        return
    point = recovery_points.create(job, tags)
    job.point_arn, job.size = point.arn, point.size


def _denial(job: BackupJob) -> str | None:
    """What the job's role may not do of what a backup takes, as AWS says it, or None."""
    actions = ADVANCED_ACTIONS if regions.advanced() else BASIC_ACTIONS
    wanted = [(action, job.table_arn) for action in actions]
    if not regions.advanced():
        # Of a backup that is yet to be made, whose id nobody knows.
        wanted.append((DESCRIBE_BACKUP, f"{job.table_arn}/backup/{store.now():.0f}"))
    denials = (roles.denial(job.role_arn, action, arn) for action, arn in wanted)
    found = next(filter(None, denials), None)
    if not found and roles.denial(job.role_arn, DESCRIBE_TABLE, job.table_arn):
        found = (
            "Your backup job failed as AWS Backup does not have permission to describe resource "
            f"{job.table_arn}. Please review your IAM policies to ensure AWS Backup can protect "
            "your resources."
        )
    return found


def _started(job: BackupJob) -> Json:
    answer: Json = {"BackupJobId": job.id, "CreationDate": job.created, "IsParent": False}
    point = store.points.get(job.point_arn)
    # The model: returned for EFS and advanced DynamoDB resources only.
    return answer | ({"RecoveryPointArn": point.arn} if point and point.advanced else {})


def stop(request: Request) -> None:
    """StopBackupJob: nothing remains of what the job had copied."""
    job = _existing(request)
    if job.ended():
        raise ApiError("InvalidRequestException", f"Backup job {job.id} is in state {job.state()}")
    job.stopped, job.message = store.now(), "Backup job was stopped by user."
    recovery_points.discard(job.point_arn)
    job.point_arn = ""


def describe(request: Request) -> Json:
    """DescribeBackupJob."""
    return descriptions.backup_job(_existing(request))


def list_all(request: Request) -> Json:
    """ListBackupJobs."""
    found = [job for job in store.jobs.values() if _selected(request, job)]
    return page(request, "BackupJobs", found, key=lambda job: (job.created, job.id), describe=descriptions.backup_job)


def _existing(request: Request) -> BackupJob:
    job: BackupJob | None = store.jobs.get(request.path["job"])
    if job is None:
        raise ApiError("ResourceNotFoundException", f"Cannot find Backup job {request.path['job']}")
    return job


def _selected(request: Request, job: BackupJob) -> bool:
    shown = descriptions.backup_job(job)
    completed = shown.get("CompletionDate")
    by_completion = request.query.get("completeAfter") or request.query.get("completeBefore")
    return (
        request.selects(
            backupVaultName=job.vault,
            state=shown["State"],
            resourceArn=job.table_arn,
            resourceType=source_tables.TYPE,
            accountId=shown["AccountId"],
            messageCategory=shown.get("MessageCategory"),
            parentJobId=None,
        )
        and request.includes(job.created, after="createdAfter", before="createdBefore")
        and (not by_completion or request.includes(completed or 0, after="completeAfter", before="completeBefore"))
    )
