"""Recovery points: made by a job, listed by vault and by resource, deleted after a while.

Sources: model (fields, filters, states, the EXPIRED that follows a deletion AWS Backup has no
permission for); guide, "Deleting backups"; both ARN forms: guide, "Advanced DynamoDB backup".
"""

import logging
import uuid

import ministack.services.dynamodb as dynamodb
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import (
    descriptions,
    faults,
    legal_holds,
    lifecycles,
    regions,
    source_tables,
    store,
    vault_locks,
    vaults,
)
from embedded_aws.backup.requests import Request, page
from embedded_aws.backup.store import BackupJob, RecoveryPoint
from embedded_aws.dynamodb import customer_keys
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json
from embedded_aws.settings import CURRENT

_LOGGER = logging.getLogger(__name__)
NO_KEY = "Not Applicable"  # in place of an ARN: the key of DynamoDB that AWS manages (guide)
BUSY = (
    "AWS Backup is already performing an action on this recovery point. It can't perform the "
    "action you requested until the first action finishes. Try again later."  # model
)


def create(job: BackupJob, tags: dict[str, str]) -> RecoveryPoint:
    """The point a job makes, CREATING until the job ends; ``tags`` win over the table's own."""
    advanced = regions.advanced()
    copied = source_tables.copy(job.table_arn, f"AWSBackup_{job.id}", keep_listed=not advanced)
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
        tags=source_tables.tags(job.table_arn) | tags if advanced else {},
    )
    store.points[point.arn] = point
    return point


def discard(arn: str) -> None:
    """Drop a point that never came to be."""
    store.points.pop(arn, None)
    dynamodb._backups.pop(arn, None)


def existing(arn: str, vault: str | None = None) -> RecoveryPoint:
    """The point ``arn``, in ``vault`` if given; raises ApiError when it is not there any more."""
    point: RecoveryPoint | None = store.points.get(arn)
    if point is None or not point.status() or vault not in (None, point.vault):
        raise ApiError("ResourceNotFoundException", f"Cannot find Recovery point {arn}")
    return point


def _requested(request: Request) -> RecoveryPoint:
    vaults.existing(request.path["vault"])
    return existing(request.path["point"], request.path["vault"])


def describe(request: Request) -> Json:
    """DescribeRecoveryPoint."""
    return descriptions.recovery_point(_requested(request))


def restore_metadata(request: Request) -> Json:
    """GetRecoveryPointRestoreMetadata (guide, "Restore a DynamoDB table").

    The guide has the names and values that a restore takes. That AWS answers the table's own
    encryption, also for a copy in another region, is not verified.
    """
    point = _requested(request)
    shown = descriptions.recovery_point(point)
    return {name: shown[name] for name in ("BackupVaultArn", "RecoveryPointArn", "ResourceType")} | {
        "RestoreMetadata": _encryption(point) | {"aws:backup:request-id": point.job_id}
    }


def _encryption(point: RecoveryPoint) -> dict[str, str]:
    table = point.copy["SourceTableFeatureDetails"]
    if (table.get("SSEDescription") or {}).get("Status") != "ENABLED":
        return {"encryptionType": "Default"}
    key = customer_keys.customer_key(table) or NO_KEY
    return {"encryptionType": "KMS", "kmsMasterKeyArn": key}


def update_lifecycle(request: Request) -> Json:
    """UpdateRecoveryPointLifecycle."""
    point = _requested(request)
    vault_locks.check_unlocked(point.vault)
    point.lifecycle = lifecycles.check(request.body.get("Lifecycle") or {})
    names = ("BackupVaultArn", "RecoveryPointArn", "Lifecycle", "CalculatedLifecycle")
    shown = descriptions.recovery_point(point)
    return {name: shown[name] for name in names if name in shown}


def delete(request: Request) -> None:
    """DeleteRecoveryPoint: an empty 200 at once, gone a while later.

    AWS deletes with the role that made the point or, failing that, with its service-linked role,
    so a role that is gone changes nothing, unless the setting ``backup_service_linked_role`` says
    that the account has no such role; and ``expiring_vault`` makes any deletion fail.
    """
    faults.check_rate()
    point = _requested(request)
    vault_locks.check_unlocked(point.vault)
    legal_holds.check_free(point)
    if point.status() in ("CREATING", "DELETING"):
        raise ApiError("InvalidResourceStateException", BUSY)
    if point.vault == CURRENT.expiring_vault or _nobody_may_delete(point):
        point.expired = True
        return
    point.gone = store.now() + CURRENT.recovery_point_deleting_seconds
    point.vault_free = point.gone + CURRENT.vault_lag_seconds
    dynamodb._backups.pop(point.arn, None)


def _nobody_may_delete(point: RecoveryPoint) -> bool:
    """Whether a backup that DynamoDB keeps stays: no role of AWS Backup may delete it."""
    if point.advanced or CURRENT.backup_service_linked_role:
        return False
    denial = roles.denial(point.role_arn, "dynamodb:DeleteBackup", point.arn)
    if denial:
        _LOGGER.warning("recovery point %s is EXPIRED: %s", point.arn, denial)
    return bool(denial)


def list_by_vault(request: Request) -> Json:
    """ListRecoveryPointsByBackupVault."""
    vault = request.path["vault"]
    vaults.existing(vault)
    found = [
        point
        for point in store.points.values()
        if point.vault == vault
        and point.status()
        and request.selects(
            resourceArn=point.table_arn, resourceType=source_tables.TYPE, backupPlanId=None, parentRecoveryPointArn=None
        )
        and request.includes(point.created, after="createdAfter", before="createdBefore")
    ]
    return page(request, "RecoveryPoints", found, _age, descriptions.recovery_point)


def list_by_resource(request: Request) -> Json:
    """ListRecoveryPointsByResource."""
    resource = request.path["resource"]
    found = [point for point in store.points.values() if point.table_arn == resource and point.status()]
    return page(request, "RecoveryPoints", found, _age, descriptions.recovery_point_of_resource)


def _age(point: RecoveryPoint) -> tuple[float, str]:
    return point.created, point.arn
