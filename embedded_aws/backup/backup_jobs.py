"""Backup and copy jobs: what they check, their states, the tables that they copy, region settings.

Sources: model (fields, filters, the 60 minutes of StartWindowMinutes, IdempotencyToken); guide,
"Backup job statuses" (texts of EXPIRED and ABORTED, one job at a time for a resource) and
"Advanced DynamoDB backup" (both forms of a recovery point; on by default for every account that
had no vault before 2021-11-21; off means that DynamoDB keeps the backup under an ARN of its own).

Copies: model (StartCopyJob, ListCopyJobs); guide (only points that AWS Backup itself keeps can be copied); the
actions that AWSBackupServiceRolePolicyForBackup has for copies; Service Authorization Reference, AWS Backup
(CopyFromBackupVault is about a recovery point). Its key CopyTargets is not filled: that policy does not ask for it,
and whether AWS Backup gives it for the copies of a plan is not documented. AWS needs minutes, here a copy is
complete immediately. A copy job is listed where it was started, in the region of its source.
"""

import dataclasses
import uuid
from operator import attrgetter, itemgetter

import ministack.services.backup as engine
import ministack.services.dynamodb as dynamodb
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import recovery_points, store, vaults
from embedded_aws.backup.requests import Request, find, page
from embedded_aws.backup.store import BackupJob, RecoveryPoint
from embedded_aws.dynamodb.recovery import table_name
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Handler, Json, Reply, body_of, invalid
from embedded_aws.settings import CURRENT

SHORTEST_WINDOW_MINUTES = 60
DEFAULT_WINDOW_MINUTES = 8 * 60
RUNNING_ALREADY = "Backup job failed because there was a running job for the same resource."
# In the order in which AWS Backup asks for them: widdix/aws-cf-templates#633.
ADVANCED_ACTIONS = ("dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob")
# It looks at the resource (text: ministryofjustice/modernisation-platform#6152), and at a backup
# that DynamoDB keeps until it is done: the other actions that AWSBackupServiceRolePolicyForBackup
# has for DynamoDB. Which of these AWS Backup checks first is not known.
DESCRIBE_TABLE = "dynamodb:DescribeTable"


def start_backup_job(request: Request) -> Json:
    """StartBackupJob."""
    vault, table_arn, role = request["BackupVaultName"], request["ResourceArn"], request["IamRoleArn"]
    if known := store.of_token(store.jobs, request.get("IdempotencyToken")):
        return _started_job(known)
    if not vaults.exists(vault):
        raise ApiError("ResourceNotFoundException", f"Cannot find Backup vault {vault}")
    name = store.table_name_of(table_arn)
    if table_arn != store.arn_of_table(name) or name not in dynamodb._tables:
        raise ApiError("ResourceNotFoundException", f"Cannot find resource {table_arn}")
    roles.check_role(role, request.caller)
    window = request.members.get("StartWindowMinutes", DEFAULT_WINDOW_MINUTES)
    if window < SHORTEST_WINDOW_MINUTES:
        raise invalid(f"StartWindowMinutes must be at least {SHORTEST_WINDOW_MINUTES}, got {window}")
    now = store.now()
    job = BackupJob(
        id=str(uuid.uuid4()).upper(),
        vault=vault,
        table_arn=table_arn,
        role_arn=role,
        token=request.get("IdempotencyToken") or "",
        lifecycle=store.checked_lifecycle(request.get("Lifecycle") or {}),
        created=now,
        ends=now + CURRENT.backup_job_seconds,
        start_by=now + window * 60,
    )
    _run_backup_job(job, request.get("RecoveryPointTags") or {})
    store.jobs[job.id] = job
    return _started_job(job)


def _run_backup_job(job: BackupJob, tags: dict[str, str]) -> None:
    """Decide how the job will end, and take the copy when it will end well."""
    if is_being_copied(job.table_arn):
        job.outcome, job.message = "EXPIRED", RUNNING_ALREADY
    elif refusal := _backup_denial(job) or vaults.retention_refusal(job.vault, job.lifecycle):
        job.outcome, job.message = "FAILED", refusal
    else:
        point = _make_point(job, tags)
        job.point_arn, job.size = point.arn, point.size


def _make_point(job: BackupJob, tags: dict[str, str]) -> RecoveryPoint:
    """The point a job makes, CREATING until the job ends; ``tags`` win over the table's own."""
    advanced = has_advanced_backups()
    copied = _copy_table(job.table_arn, f"AWSBackup_{job.id}", keep_listed=not advanced)
    own_arn = f"arn:aws:backup:{get_region()}:{get_account_id()}:recovery-point:{uuid.uuid4()}"
    point = RecoveryPoint(
        arn=own_arn if advanced else str(copied["BackupDetails"]["BackupArn"]),
        vault=job.vault,
        job_id=job.id,
        table_arn=job.table_arn,
        role_arn=job.role_arn,
        copy=copied,
        lifecycle=job.lifecycle,
        advanced=advanced,
        created=job.created,
        completed=job.ends,
        tags={tag["Key"]: tag["Value"] for tag in dynamodb._tags.get(job.table_arn, [])} | tags if advanced else {},
    )
    store.points[point.arn] = point
    return point


def _backup_denial(job: BackupJob) -> str | None:
    """Why the job's role may not make a backup, in AWS's words, or None."""
    if has_advanced_backups():
        wanted = [(action, job.table_arn) for action in ADVANCED_ACTIONS]
    else:
        # The backup does not exist yet, so its id is not known.
        backup_arn = f"{job.table_arn}/backup/{store.now():.0f}"
        wanted = [("dynamodb:CreateBackup", job.table_arn), ("dynamodb:DescribeBackup", backup_arn)]
    found = roles.first_denial(job.role_arn, wanted)
    if not found and roles.denial(job.role_arn, DESCRIBE_TABLE, job.table_arn):
        found = (
            "Your backup job failed as AWS Backup does not have permission to describe resource "
            f"{job.table_arn}. Please review your IAM policies to ensure AWS Backup can protect "
            "your resources."
        )
    return found


def _started_job(job: BackupJob) -> Json:
    answer: Json = {"BackupJobId": job.id, "CreationDate": job.created, "IsParent": False}
    point = store.points.get(job.point_arn)
    # The model: returned for EFS and advanced DynamoDB resources only.
    return answer | ({"RecoveryPointArn": point.arn} if point and point.advanced else {})


def stop_backup_job(request: Request) -> None:
    """StopBackupJob: the incomplete recovery point is deleted."""
    job = _existing_job(request)
    if job.ended():
        raise ApiError("InvalidRequestException", f"Backup job {job.id} is in state {job.state()}")
    job.stopped, job.message = store.now(), "Backup job was stopped by user."
    store.points.pop(job.point_arn, None)
    dynamodb._backups.pop(job.point_arn, None)
    job.point_arn = ""


def describe_backup_job(request: Request) -> Json:
    """DescribeBackupJob."""
    return store.describe_backup_job(_existing_job(request))


def list_backup_jobs(request: Request) -> Json:
    """ListBackupJobs."""
    found = [job for job in store.jobs.values() if _selected_job(request, job)]
    return page(request, "BackupJobs", found, attrgetter("created", "id"), store.describe_backup_job)


def _existing_job(request: Request) -> BackupJob:
    return find(store.jobs, request["BackupJobId"], "Backup job")


def _selected_job(request: Request, job: BackupJob) -> bool:
    shown = store.describe_backup_job(job)
    return (
        request.selects(
            ByBackupVaultName=job.vault,
            ByState=shown["State"],
            ByResourceArn=job.table_arn,
            ByResourceType=store.TYPE,
            ByAccountId=shown["AccountId"],
            ByMessageCategory=shown["MessageCategory"],
            ByParentJobId=None,
        )
        and request.includes(job.created, "ByCreated")
        and request.includes(shown["CompletionDate"] or 0, "ByComplete")
    )


def is_being_copied(table_arn: str) -> bool:
    """Whether a backup job of the table runs now."""
    return any(
        job.table_arn == table_arn and job.outcome == "COMPLETED" and not job.ended() for job in store.jobs.values()
    )


def _copy_table(table_arn: str, name: str, *, keep_listed: bool) -> Json:
    """The table's items and shape as they are now; ``keep_listed`` shows it in DynamoDB."""
    request = {"TableName": store.table_name_of(table_arn), "BackupName": name}
    copy_arn = body_of(dynamodb._create_backup(request))["BackupDetails"]["BackupArn"]
    made: Json = dynamodb._backups[copy_arn]
    made["BackupDetails"]["BackupType"] = "AWS_BACKUP"
    if not keep_listed:
        dynamodb._backups.pop(copy_arn)
    return made


def delete_table(original: Handler, data: Json) -> Reply:
    """DeleteTable, which is refused while a job copies the table.

    Source: DynamoDB guide, "Using AWS Backup": the source table cannot be deleted meanwhile.
    """
    name = table_name(data)
    if name in dynamodb._tables and is_being_copied(store.arn_of_table(name)):
        text = f"Attempt to change a resource which is still in use: {name} is being backed up"
        raise ApiError("ResourceInUseException", text)
    return original(data)


OPT_IN = "ResourceTypeOptInPreference"
MANAGEMENT = "ResourceTypeManagementPreference"


def describe_region_settings(_: Request) -> Json:
    """DescribeRegionSettings: DynamoDB only, since nothing else can be backed up here."""
    return {name: _preference(name) for name in (OPT_IN, MANAGEMENT)}


def update_region_settings(request: Request) -> None:
    """UpdateRegionSettings."""
    for name in (OPT_IN, MANAGEMENT):
        store.region_settings[name] = _preference(name) | (request.get(name) or {})


def has_advanced_backups() -> bool:
    """Whether AWS Backup itself keeps the backups of DynamoDB tables: both settings are on."""
    return all(_preference(name)["DynamoDB"] for name in (OPT_IN, MANAGEMENT))


def _preference(name: str) -> dict[str, bool]:
    chosen: dict[str, bool] = store.region_settings.get(name, {})
    return {"DynamoDB": True} | chosen


def start_copy_job(request: Request) -> Json:
    """StartCopyJob."""
    arn, destination, role = request["RecoveryPointArn"], request["DestinationBackupVaultArn"], request["IamRoleArn"]
    point = recovery_points.existing_point(arn, request["SourceBackupVaultName"])
    roles.check_role(role, request.caller)
    if not point.advanced:
        raise ApiError("InvalidRequestException", f"Recovery point {arn} cannot be copied")
    needed = (
        ("backup:CopyFromBackupVault", point.arn),
        ("backup:DescribeBackupVault", destination),
        ("backup:CopyIntoBackupVault", destination),
    )
    denial = roles.first_denial(role, needed)
    copied = None if denial else _copy_point(point, destination)
    job = _copy_job(point, copied, destination, role)
    if denial:
        job |= {"State": "FAILED", "StatusMessage": denial, "MessageCategory": "FAILURE"}
    store.copies[job["CopyJobId"]] = job
    return {"CopyJobId": job["CopyJobId"], "CreationDate": job["CreationDate"], "IsParent": False}


def list_copy_jobs(request: Request) -> Json:
    """ListCopyJobs."""
    found = [
        job
        for job in store.copies.values()
        if request.selects(
            ByResourceArn=job["ResourceArn"],
            ByResourceType=store.TYPE,
            ByState=job["State"],
            ByAccountId=job["AccountId"],
            ByDestinationVaultArn=job["DestinationBackupVaultArn"],
            BySourceRecoveryPointArn=job["SourceRecoveryPointArn"],
        )
    ]
    return page(request, "CopyJobs", found, itemgetter("CreationDate", "CopyJobId"), dict)


def describe_copy_job(request: Request) -> Json:
    """DescribeCopyJob."""
    return {"CopyJob": find(store.copies, request["CopyJobId"], "copy job")}


def _copy_point(point: RecoveryPoint, destination: str) -> RecoveryPoint:
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


def _copy_job(point: RecoveryPoint, copied: RecoveryPoint | None, destination: str, role: str) -> Json:
    made = {"DestinationRecoveryPointArn": copied.arn} if copied else {}
    return made | {
        "AccountId": get_account_id(),
        "CopyJobId": str(uuid.uuid4()).upper(),
        "SourceBackupVaultArn": engine._vault_arn(point.vault),
        "SourceRecoveryPointArn": point.arn,
        "DestinationBackupVaultArn": destination,
        "ResourceArn": point.table_arn,
        "ResourceType": store.TYPE,
        "ResourceName": store.table_name_of(point.table_arn),
        "IamRoleArn": role,
        "CreationDate": store.now(),
        "CompletionDate": store.now(),
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "BackupSizeInBytes": point.size,
        "IsParent": False,
    }
