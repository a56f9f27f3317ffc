"""Recovery points: their lists, tags, lifecycle and deletion; the tables they protect; legal holds.

Sources: model (fields, filters, states, the EXPIRED that follows a deletion AWS Backup has no permission for, tags
of points that AWS Backup keeps itself, shapes of legal holds); guide, "Deleting backups"; re:Post,
"backup-recovery-points-hold-vault" (the text of a hold's refusal). AWS needs a while in a hold's CREATING and
CANCELING; here both take no time. Tags of points and vaults also count in conditions on aws:ResourceTag (Service
Authorization Reference, AWS Backup) and in the tagging API's lists.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from operator import attrgetter, itemgetter
from typing import Any

import ministack.services.backup as engine
import ministack.services.dynamodb as dynamodb
import ministack.services.tagging as tagging
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import requests, store, vaults
from embedded_aws.backup.requests import Request, find, page
from embedded_aws.backup.store import RecoveryPoint
from embedded_aws.encryption import key_of_table
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json
from embedded_aws.settings import CURRENT

HELD = "The recovery point cannot be deleted because it has active legal hold(s)"
SELECTION = "RecoveryPointSelection"
_BY_AGE = attrgetter("created", "arn")
_LOGGER = logging.getLogger(__name__)
NO_KEY = "Not Applicable"  # in place of an ARN: the key of DynamoDB that AWS manages (guide)
BUSY = (
    "AWS Backup is already performing an action on this recovery point. It can't perform the "
    "action you requested until the first action finishes. Try again later."  # model
)


def existing_point(arn: str, vault: str | None = None) -> RecoveryPoint:
    """The point ``arn``, in ``vault`` if given; raises ApiError when it does not exist."""
    point: RecoveryPoint | None = store.points.get(arn)
    if point is None or not point.status() or vault not in (None, point.vault):
        raise ApiError("ResourceNotFoundException", f"Cannot find Recovery point {arn}")
    return point


def _requested_point(request: Request) -> RecoveryPoint:
    vaults.existing(request["BackupVaultName"])
    return existing_point(request["RecoveryPointArn"], request["BackupVaultName"])


def describe_recovery_point(request: Request) -> Json:
    """DescribeRecoveryPoint."""
    return store.describe_recovery_point(_requested_point(request))


def get_recovery_point_restore_metadata(request: Request) -> Json:
    """GetRecoveryPointRestoreMetadata (guide, "Restore a DynamoDB table").

    The guide has the names and values that a restore takes. That AWS answers the table's own
    encryption, also for a copy in another region, is not verified.
    """
    point = _requested_point(request)
    metadata = _encryption(point) | {"aws:backup:request-id": point.job_id}
    return store.describe_recovery_point(point) | {"RestoreMetadata": metadata}


def _encryption(point: RecoveryPoint) -> dict[str, str]:
    table = point.copy["SourceTableFeatureDetails"]
    if (table.get("SSEDescription") or {}).get("Status") != "ENABLED":
        return {"encryptionType": "Default"}
    key = key_of_table(table) or NO_KEY
    return {"encryptionType": "KMS", "kmsMasterKeyArn": key}


def update_recovery_point_lifecycle(request: Request) -> Json:
    """UpdateRecoveryPointLifecycle."""
    point = _requested_point(request)
    vaults.check_unlocked(point.vault)
    point.lifecycle = store.checked_lifecycle(request.get("Lifecycle") or {})
    return store.describe_recovery_point(point)


def delete_recovery_point(request: Request) -> None:
    """DeleteRecoveryPoint: an empty 200 first, the deletion ends a while later.

    AWS deletes with the role that made the point or, failing that, with its service-linked role,
    so a deleted role changes nothing, unless the setting ``backup_service_linked_role`` says
    that the account does not have that role; and ``expiring_vault`` makes any deletion fail.
    """
    requests.check_deletion_rate()
    point = _requested_point(request)
    vaults.check_unlocked(point.vault)
    _check_not_held(point)
    if point.status() in ("CREATING", "DELETING"):
        raise ApiError("InvalidResourceStateException", BUSY)
    if point.vault == CURRENT.expiring_vault or _no_role_may_delete(point):
        point.expired = True
        return
    point.gone = store.now() + CURRENT.recovery_point_deleting_seconds
    point.vault_free = point.gone + CURRENT.vault_lag_seconds
    dynamodb._backups.pop(point.arn, None)


def _no_role_may_delete(point: RecoveryPoint) -> bool:
    """Whether DynamoDB keeps the backup and no role of AWS Backup may delete it."""
    if point.advanced or CURRENT.backup_service_linked_role:
        return False
    denial = roles.denial(point.role_arn, "dynamodb:DeleteBackup", point.arn)
    if denial:
        _LOGGER.warning("recovery point %s is EXPIRED: %s", point.arn, denial)
    return bool(denial)


def list_recovery_points_by_backup_vault(request: Request) -> Json:
    """ListRecoveryPointsByBackupVault."""
    vault = request["BackupVaultName"]
    vaults.existing(vault)
    found = [
        point
        for point in store.points.values()
        if point.vault == vault
        and point.status()
        and request.selects(
            ByResourceArn=point.table_arn, ByResourceType=store.TYPE, ByBackupPlanId=None, ByParentRecoveryPointArn=None
        )
        and request.includes(point.created, "ByCreated")
    ]
    return page(request, "RecoveryPoints", found, _BY_AGE, store.describe_recovery_point)


def list_recovery_points_by_resource(request: Request) -> Json:
    """ListRecoveryPointsByResource."""
    found = [p for p in store.points.values() if p.table_arn == request["ResourceArn"] and p.status()]
    return page(request, "RecoveryPoints", found, _BY_AGE, store.describe_recovery_point)


def list_protected_resources(request: Request) -> Json:
    """Also ListProtectedResourcesByBackupVault, which names a vault."""
    if vault := request.get("BackupVaultName"):
        vaults.existing(vault)
    return page(request, "Results", _latest_points(vault), _BY_AGE, _protected_description)


list_protected_resources_by_backup_vault = list_protected_resources


def describe_protected_resource(request: Request) -> Json:
    """DescribeProtectedResource."""
    for point in _latest_points():
        if point.table_arn == request["ResourceArn"]:
            return _protected_description(point)
    raise ApiError("ResourceNotFoundException", f"Cannot find resource {request['ResourceArn']}")


def _latest_points(vault: str | None = None) -> list[RecoveryPoint]:
    """The newest point of each table, in ``vault`` if given."""
    latest: dict[str, RecoveryPoint] = {}
    for point in sorted(store.points.values(), key=_BY_AGE):
        if point.status() not in (None, "CREATING") and vault in (None, point.vault):
            latest[point.table_arn] = point
    return list(latest.values())


def _protected_description(point: RecoveryPoint) -> Json:
    return {
        "ResourceArn": point.table_arn,
        "ResourceName": store.table_name_of(point.table_arn),
        "ResourceType": store.TYPE,
        "LastBackupTime": point.completed,
        "LastBackupVaultArn": engine._vault_arn(point.vault),
        "LastRecoveryPointArn": point.arn,
    }


def resolve_resource(original: Callable[[str], Any], arn: str) -> Any:
    """The tags of an ARN, also of a recovery point or a restore testing plan; None if there is no such resource."""
    for testing in store.testing_plans.values():
        if testing["plan"]["RestoreTestingPlanArn"] == arn:
            return testing["tags"]
    point = store.points.get(arn)
    if point and point.advanced:
        return point.tags if point.status() else None
    return original(arn)


def collect_tags() -> Iterator[tuple[str, Any]]:
    """ARNs and tags of what AWS Backup has, with its recovery points."""
    yield from tagging._collect_backup()
    for point in store.points.values():
        if point.advanced and point.status():
            yield point.arn, tagging._normalise_flat(point.tags)


def create_legal_hold(request: Request) -> Json:
    """CreateLegalHold."""
    hold_id = str(uuid.uuid4())
    hold: Json = {
        "Title": request["Title"],
        "Status": "ACTIVE",
        "Description": request["Description"],
        "LegalHoldId": hold_id,
        "LegalHoldArn": f"arn:aws:backup:{get_region()}:{get_account_id()}:legal-hold:{hold_id}",
        "CreationDate": store.now(),
        SELECTION: request.get(SELECTION) or {},
    }
    store.legal_holds[hold_id] = hold
    return hold


def get_legal_hold(request: Request) -> Json:
    """GetLegalHold."""
    return find(store.legal_holds, request["LegalHoldId"], "legal hold")


def list_legal_holds(request: Request) -> Json:
    """ListLegalHolds."""
    return page(request, "LegalHolds", store.legal_holds.values(), itemgetter("CreationDate", "LegalHoldId"), dict)


def cancel_legal_hold(request: Request) -> None:
    """CancelLegalHold."""
    hold = get_legal_hold(request)
    reason = request["CancelDescription"]
    hold |= {"Status": "CANCELED", "CancellationDate": store.now(), "CancelDescription": reason}


def list_recovery_points_by_legal_hold(request: Request) -> Json:
    """ListRecoveryPointsByLegalHold."""
    hold = get_legal_hold(request)
    found = [p for p in store.points.values() if p.status() and _hold_selects(hold, p)]
    return page(request, "RecoveryPoints", found, _BY_AGE, store.describe_recovery_point)


def _check_not_held(point: RecoveryPoint) -> None:
    """Raise ApiError while an active hold selects the point."""
    for hold in store.legal_holds.values():
        if hold["Status"] == "ACTIVE" and _hold_selects(hold, point):
            raise ApiError("InvalidRequestException", HELD)


def _hold_selects(hold: Json, point: RecoveryPoint) -> bool:
    """Whether every criterion that the hold gives holds for the point; one without selects none."""
    selection = hold[SELECTION]
    vaults, resources = selection.get("VaultNames"), selection.get("ResourceIdentifiers")
    dates = selection.get("DateRange") or {}
    # botocore sends times in a JSON body as epoch seconds.
    first, last = dates.get("FromDate", 0), dates.get("ToDate", float("inf"))
    return (
        bool(selection)
        and (not vaults or point.vault in vaults)
        and (not resources or point.table_arn in resources)
        and first <= point.created <= last
    )
