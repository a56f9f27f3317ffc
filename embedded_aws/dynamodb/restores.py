"""RestoreTableFromBackup and RestoreTableToPointInTime: refusals, and the items of the time.

Source: ACK table-restore quirks; DynamoDB guide, "Point-in-time recovery". DescribeTable shows
RestoreSummary (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html)
only until the table is ACTIVE (ACK).
"""

import time

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb import continuous_backups, customer_keys, history
from embedded_aws.dynamodb.handlers import Handler, replace, table_name
from embedded_aws.replies import ApiError, Json, Reply, body_of, ok
from embedded_aws.settings import CURRENT

_RESTORE = "RestoringUntil"  # on the engine's table record: epoch seconds, and the summary


def install() -> None:
    """Replace both restores, and show what is being restored as CREATING."""
    engine_description = engine._table_description

    def description(name: str) -> Json:
        shown: Json = engine_description(name)
        ends, summary = engine._tables[name].get(_RESTORE, (0.0, {}))
        if time.time() < ends:
            shown |= {"TableStatus": "CREATING", "RestoreSummary": summary}
        return shown

    engine._table_description = description
    replace("_restore_table_from_backup", _from_backup)
    replace("_restore_table_to_point_in_time", _to_point_in_time)


def _from_backup(original: Handler) -> Handler:
    def handler(data: Json) -> Reply:
        backup = engine._backups.get(data.get("BackupArn"))
        if backup:
            _refuse_existing(data)
            _check_key(data)
        body = body_of(original(data))
        _encrypt(data, backup["SourceTableFeatureDetails"])
        source = backup["SourceTableDetails"]["TableArn"]
        made = backup["BackupDetails"]["BackupCreationDateTime"]
        summary = {"SourceBackupArn": data["BackupArn"], "SourceTableArn": source}
        return _answer(body, summary | {"RestoreDateTime": made})

    return handler


def _to_point_in_time(original: Handler) -> Handler:
    def handler(data: Json) -> Reply:
        name = table_name(data, "SourceTableName") or table_name(data, "SourceTableArn")
        table = engine._tables.get(name)
        if table is None:
            raise ApiError("TableNotFoundException", f"Table not found: {name}")
        if not continuous_backups.enabled(name):
            raise ApiError(
                "PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{name}'"
            )
        earliest, latest = continuous_backups.window(name)
        wanted = latest if data.get("UseLatestRestorableTime") else data.get("RestoreDateTime")
        if wanted is None:
            raise ApiError("ValidationException", "Either RestoreDateTime or UseLatestRestorableTime must be specified")
        # Times are rounded on their way: the window's own ends must pass.
        if not int(earliest) <= int(wanted) <= int(latest):
            raise ApiError("InvalidRestoreTimeException", "Invalid restore time")
        _refuse_existing(data)
        _check_key(data)
        body = body_of(original(data))
        _encrypt(data, table)
        made = engine._tables[data["TargetTableName"]]
        # Whole seconds on the wire: the second in which it was enabled means that moment.
        made["items"] = history.items_at(table, max(wanted, earliest))
        engine._items_replaced(made)
        return _answer(body, {"SourceTableArn": table["TableArn"], "RestoreDateTime": wanted})

    return handler


def _refuse_existing(data: Json) -> None:
    target = data.get("TargetTableName")
    if target in engine._tables:
        raise ApiError("TableAlreadyExistsException", f"Table already exists: {target}")


def _check_key(data: Json) -> None:
    override = data.get("SSESpecificationOverride") or {}
    customer_keys.check_region(override.get("KMSMasterKeyId"))


def _encrypt(data: Json, source: Json) -> None:
    """As the request says, otherwise as the source was (ACK)."""
    made, override = engine._tables[data["TargetTableName"]], data.get("SSESpecificationOverride")
    if override:
        customer_keys.encrypt(made, override)
    else:
        made["SSEDescription"] = source.get("SSEDescription")


def begin(name: str, summary: Json, *, ends: float) -> None:
    """Show the table as CREATING, with ``summary``, until ``ends`` (epoch seconds)."""
    table = engine._tables[name]
    table.pop("RestoreSummary", None)
    table[_RESTORE] = (ends, {"RestoreInProgress": True} | summary)


def _answer(body: Json, summary: Json) -> Reply:
    """The new table as the caller first sees it."""
    description = body["TableDescription"]
    name = description["TableName"]
    begin(name, summary, ends=time.time() + CURRENT.restore_job_seconds)
    _, shown = engine._tables[name][_RESTORE]
    description |= {"TableStatus": "CREATING", "RestoreSummary": shown}
    return ok(body)
