"""DynamoDB's own backups, and what DeleteTable keeps, refuses and takes along.

Source: model (BackupTypeFilter, TimeRangeLowerBound inclusive, TimeRangeUpperBound exclusive) and
ACK (ARN form, the system backup of a deleted table, what DeleteBackup answers, the text of
deletion protection, which CloudFormation shows too).
"""

import time
import uuid

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb import recovery
from embedded_aws.dynamodb.recovery import table_name
from embedded_aws.replies import ApiError, Handler, Json, Reply, body_of, ok

SYSTEM_BACKUP_DAYS = 35
LARGEST_PAGE = 100
PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)
# What each BackupType of ListBackups selects. The default is USER, not ALL.
LISTED = {"USER": {"USER"}, "SYSTEM": {"SYSTEM"}, "AWS_BACKUP": {"AWS_BACKUP"}, "ALL": {"USER", "SYSTEM"}}
# What a backup keeps of an index (model, GlobalSecondaryIndexInfo): neither its state nor its size.
INDEX_INFO = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput")


def backup_arn(table: str, _: str) -> str:
    """A new backup's ARN: 14 digits of epoch milliseconds, a leading 0, and 8 hex digits."""
    place = f"{engine.get_region()}:{engine.get_account_id()}"
    identifier = f"{int(time.time() * 1000):014d}-{uuid.uuid4().hex[:8]}"
    return f"arn:aws:dynamodb:{place}:table/{table}/backup/{identifier}"


def _create_system_backup(table: str) -> str:
    """Keep a table with PITR, about to be deleted, for 35 days; return the backup's ARN.

    Source: ACK DDB-BACKUP-015 and the DynamoDB guide, "Point-in-time recovery".
    """
    arn = str(body_of(engine._create_backup({"TableName": table, "BackupName": table}))["BackupDetails"]["BackupArn"])
    details = engine._backups[arn]["BackupDetails"]
    details["BackupName"] = f"{table}$DeletedTableBackup"  # which no caller may choose
    details["BackupType"] = "SYSTEM"
    details["BackupExpiryDateTime"] = time.time() + SYSTEM_BACKUP_DAYS * 86_400
    return arn


def create_backup(original: Handler, data: Json) -> Reply:
    """CreateBackup."""
    body = body_of(original(data))
    features = engine._backups[body["BackupDetails"]["BackupArn"]]["SourceTableFeatureDetails"]
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        features[kind] = [{key: index[key] for key in INDEX_INFO if key in index} for index in features[kind]]
    body["BackupDetails"]["BackupStatus"] = "CREATING"  # AVAILABLE when asked next (ACK)
    return ok(body)


def delete_backup(original: Handler, data: Json) -> Reply:
    """DeleteBackup."""
    arn = str(data.get("BackupArn"))
    details = engine._backups.get(arn, {}).get("BackupDetails", {})
    if details.get("BackupType") == "SYSTEM":
        expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(details["BackupExpiryDateTime"]))
        text = f"User is not allowed to delete the system backup with arn {arn}. It will automatically expire on"
        raise ApiError("ValidationException", f"{text} {expiry}")
    if details.get("BackupType") == "AWS_BACKUP":
        # Documented for the console only; refused here, so that no caller relies on it.
        raise ApiError("ValidationException", f"AWS Backup manages the backup {arn}")
    body = body_of(original(data))
    body["BackupDescription"]["BackupDetails"]["BackupStatus"] = "DELETED"
    return ok(body)


def list_backups(_: Handler, data: Json) -> Reply:
    """ListBackups."""
    kind = data.get("BackupType", "USER")
    lower = data.get("TimeRangeLowerBound", 0)
    upper = data.get("TimeRangeUpperBound", float("inf"))
    table = table_name(data)
    found = [
        summary
        for summary in map(_summary, engine._backups.values())
        if summary["BackupType"] in LISTED[kind]
        and lower <= summary["BackupCreationDateTime"] < upper
        and table in ("", summary["TableName"])
    ]
    return ok(_page(found, data))


def _summary(backup: Json) -> Json:
    source = backup["SourceTableDetails"]
    table = {key: source[key] for key in ("TableName", "TableId", "TableArn")}
    details: Json = backup["BackupDetails"]
    return table | details


def _page(summaries: list[Json], data: Json) -> Json:
    ordered = sorted(summaries, key=lambda summary: str(summary["BackupArn"]))
    after = data.get("ExclusiveStartBackupArn", "")
    rest = [summary for summary in ordered if summary["BackupArn"] > after]
    limit = int(data.get("Limit", LARGEST_PAGE))
    page: Json = {"BackupSummaries": rest[:limit]}
    if len(rest) > limit:
        page["LastEvaluatedBackupArn"] = rest[limit - 1]["BackupArn"]
    return page


def delete_table(original: Handler, data: Json) -> Reply:
    """DeleteTable, which deletion protection refuses and point-in-time recovery survives."""
    name = table_name(data)
    table = engine._tables.get(name)
    if table is None:
        return original(data)
    if table.get("DeletionProtectionEnabled"):
        raise ApiError("ValidationException", PROTECTED)
    system_backup = _create_system_backup(name) if recovery.enabled(name) else None
    reply = original(data)
    if reply[0] == 200:
        _forget(name, table["TableArn"])
    elif system_backup:
        engine._backups.pop(system_backup, None)
    return reply


def _forget(name: str, arn: str) -> None:
    """Drop what belonged to the table, so that a successor of its name starts clean."""
    engine._resource_policies.pop(arn, None)
    for key in list(engine._contributor_insights):
        if key == name or key.startswith(f"{name}/index/"):
            engine._contributor_insights.pop(key, None)
