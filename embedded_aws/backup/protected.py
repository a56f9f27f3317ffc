"""The tables that have a recovery point (model: ListProtectedResources and its relatives)."""

import ministack.services.backup as engine

from embedded_aws.backup import source_tables, store, vaults
from embedded_aws.backup.requests import Request, page
from embedded_aws.backup.store import RecoveryPoint
from embedded_aws.replies import ApiError, Json


def list_all(request: Request) -> Json:
    """ListProtectedResources."""
    return page(request, "Results", _latest(), _key, _description)


def list_by_vault(request: Request) -> Json:
    """ListProtectedResourcesByBackupVault."""
    vaults.existing(request.path["vault"])
    return page(request, "Results", _latest(request.path["vault"]), _key, _description)


def describe(request: Request) -> Json:
    """DescribeProtectedResource."""
    for point in _latest():
        if point.table_arn == request.path["resource"]:
            return _description(point)
    raise ApiError("ResourceNotFoundException", f"Cannot find resource {request.path['resource']}")


def _latest(vault: str | None = None) -> list[RecoveryPoint]:
    """The newest point of each table, in ``vault`` if given."""
    latest: dict[str, RecoveryPoint] = {}
    for point in sorted(store.points.values(), key=_key):
        if point.status() not in (None, "CREATING") and vault in (None, point.vault):
            latest[point.table_arn] = point
    return list(latest.values())


def _key(point: RecoveryPoint) -> tuple[float, str]:
    return point.created, point.arn


def _description(point: RecoveryPoint) -> Json:
    return {
        "ResourceArn": point.table_arn,
        "ResourceName": source_tables.name_of(point.table_arn),
        "ResourceType": source_tables.TYPE,
        "LastBackupTime": point.completed,
        "LastBackupVaultArn": engine._vault_arn(point.vault),
        "LastRecoveryPointArn": point.arn,
    }
