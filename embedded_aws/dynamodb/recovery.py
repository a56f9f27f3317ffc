"""Point-in-time recovery, and both restores of a table.

Source: model (RecoveryPeriodInDays 1 to 35, default 35); ACK (Latest is five minutes ago but never
before PITR was enabled; a missing table is TableNotFoundException; table-restore quirks); DynamoDB
guide, "Point-in-time recovery": any second of the window can be restored. Every write of the engine
passes one of two functions; each of them notes what it replaced. DescribeTable shows RestoreSummary
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html) only until the
table is ACTIVE (ACK).
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb import customer_keys
from embedded_aws.replies import ApiError, Handler, Json, Reply, body_of, ok
from embedded_aws.settings import CURRENT

VALIDATION = "ValidationException"
DAY_SECONDS = 86_400
LONGEST_PERIOD_DAYS = 35
# On the engine's table record: a list of (when, partition key, sort key, item before).
CHANGES = "Changes"
# On the engine's table record: epoch seconds, and the summary.
_RESTORE = "RestoringUntil"


def table_name(data: Json, key: str = "TableName") -> str:
    """The table that a request names, by name or by ARN."""
    return str(engine._normalize_table_name(data.get(key) or ""))


def enabled(name: str) -> bool:
    """Whether the table ``name`` has point-in-time recovery."""
    return bool(engine._pitr_settings.get(name))


def window(name: str) -> tuple[float, float]:
    """The earliest and latest time the table can be restored to, in epoch seconds."""
    setting = engine._pitr_settings[name]
    now = time.time()
    earliest = max(setting["EnabledAt"], now - setting["Days"] * DAY_SECONDS)
    return earliest, max(setting["EnabledAt"], now - CURRENT.recovery_delay_seconds)


def update_continuous_backups(_: Handler, data: Json) -> Reply:
    """UpdateContinuousBackups."""
    name = _existing_table(table_name(data))
    wanted = data.get("PointInTimeRecoverySpecification") or {}
    days = wanted.get("RecoveryPeriodInDays")
    if not wanted.get("PointInTimeRecoveryEnabled"):
        if days is not None:
            raise ApiError(VALIDATION, "RecoveryPeriodInDays cannot be set when PointInTimeRecoveryEnabled is false")
        engine._pitr_settings.pop(name, None)
        engine._tables[name].pop(CHANGES, None)
        return _recovery_description(name)
    days = LONGEST_PERIOD_DAYS if days is None else int(days)
    before = engine._pitr_settings.get(name) or {"EnabledAt": time.time()}
    engine._tables[name].setdefault(CHANGES, [])
    engine._pitr_settings[name] = {"EnabledAt": before["EnabledAt"], "Days": days}
    return _recovery_description(name)


def describe_continuous_backups(_: Handler, data: Json) -> Reply:
    """DescribeContinuousBackups."""
    return _recovery_description(_existing_table(table_name(data)))


def _existing_table(name: str) -> str:
    if name not in engine._tables:
        raise ApiError("TableNotFoundException", f"Table not found: {name}")
    return name


def _recovery_description(name: str) -> Reply:
    recovery: Json = {"PointInTimeRecoveryStatus": "DISABLED"}
    if enabled(name):
        earliest, latest = window(name)
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": engine._pitr_settings[name]["Days"],
            "EarliestRestorableDateTime": earliest,
            "LatestRestorableDateTime": latest,
        }
    description = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
    return ok({"ContinuousBackupsDescription": description})


def items_at(table: Json, moment: float) -> Any:
    """The table's items as they were at ``moment``, in the engine's own form."""
    items = {pk: dict(sorted_items) for pk, sorted_items in table["items"].items()}
    for when, pk, sk, before in reversed(table[CHANGES]):
        if when <= moment:
            break
        if before is None:
            items.get(pk, {}).pop(sk, None)
        else:
            items.setdefault(pk, {})[sk] = before
    return defaultdict(dict, {pk: found for pk, found in items.items() if found})


def write_item(write: Callable[..., Any], table: Json, pk: Any, sk: Any, *item: Any) -> Any:
    """Write an item, or remove it if none is given; note what was there."""
    before = write(table, pk, sk, *item)
    if CHANGES in table:
        # The engine replaces items and never changes one in place.
        table[CHANGES].append((time.time(), pk, sk, before))
    return before


def table_description(original: Callable[[str], Json], name: str) -> Json:
    """Show a table that is being restored as CREATING."""
    shown = original(name)
    ends, summary = engine._tables[name].get(_RESTORE, (0.0, {}))
    return shown | {"TableStatus": "CREATING", "RestoreSummary": summary} if time.time() < ends else shown


def restore_from_backup(original: Handler, data: Json) -> Reply:
    """RestoreTableFromBackup."""
    backup = engine._backups.get(data.get("BackupArn"))
    if backup:
        _check_target(data)
    body = body_of(original(data))
    _encrypt(data, backup["SourceTableFeatureDetails"])
    source = backup["SourceTableDetails"]["TableArn"]
    made = backup["BackupDetails"]["BackupCreationDateTime"]
    summary = {"SourceBackupArn": data["BackupArn"], "SourceTableArn": source}
    return _restore_answer(body, summary | {"RestoreDateTime": made})


def restore_to_point_in_time(original: Handler, data: Json) -> Reply:
    """RestoreTableToPointInTime."""
    _check_times(data)
    name = _existing_table(table_name(data, "SourceTableName") or table_name(data, "SourceTableArn"))
    table = engine._tables[name]
    if not enabled(name):
        text = f"Point in time recovery is not enabled for table '{name}'"
        raise ApiError("PointInTimeRecoveryUnavailableException", text)
    earliest, latest = window(name)
    wanted = latest if data.get("UseLatestRestorableTime") else data["RestoreDateTime"]
    # Times are rounded on their way: the window's own ends must pass.
    if not int(earliest) <= int(wanted) <= int(latest):
        raise ApiError("InvalidRestoreTimeException", "Invalid restore time")
    _check_target(data)
    body = body_of(original(data))
    _encrypt(data, table)
    made = engine._tables[data["TargetTableName"]]
    # Whole seconds on the wire: the second in which it was enabled means that moment.
    made["items"] = items_at(table, max(wanted, earliest))
    engine._items_replaced(made)
    return _restore_answer(body, {"SourceTableArn": table["TableArn"], "RestoreDateTime": wanted})


def create_request(original: Callable[..., Json], *arguments: Any) -> Json:
    """The table that a restore makes, with the capacity that the request gives; its sixth argument is the request."""
    data, request = arguments[5], original(*arguments)
    if request["BillingMode"] == "PROVISIONED" and data.get("ProvisionedThroughputOverride"):
        request["ProvisionedThroughput"] = data["ProvisionedThroughputOverride"]
    if request["BillingMode"] == "PAY_PER_REQUEST" and data.get("OnDemandThroughputOverride"):
        request["OnDemandThroughput"] = data["OnDemandThroughputOverride"]
    return request


def _check_times(data: Json) -> None:
    """Raise ApiError unless the request has one time; this comes before all else (ACK DDB-TABLE-100)."""
    latest, given = bool(data.get("UseLatestRestorableTime")), data.get("RestoreDateTime") is not None
    both = "RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore request."
    neither = "RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
    if latest == given:
        raise ApiError(VALIDATION, f"Invalid Request: {f'Both {both}' if given else f'Either one of {neither}'}")


def _check_target(data: Json) -> None:
    """Raise ApiError when the new table's name is taken, or its key is in another region."""
    target = data.get("TargetTableName")
    if target in engine._tables:
        raise ApiError("TableAlreadyExistsException", f"Table already exists: {target}")
    override = data.get("SSESpecificationOverride") or {}
    customer_keys.check_region(override.get("KMSMasterKeyId"))


def _encrypt(data: Json, source: Json) -> None:
    """As the request says, otherwise as the source was (ACK)."""
    made, override = engine._tables[data["TargetTableName"]], data.get("SSESpecificationOverride")
    if override:
        customer_keys.encrypt(made, override)
    else:
        made["SSEDescription"] = source.get("SSEDescription")


def begin_restore(name: str, summary: Json, *, ends: float) -> None:
    """Show the table as CREATING, with ``summary``, until ``ends`` (epoch seconds)."""
    table = engine._tables[name]
    table.pop("RestoreSummary", None)
    table[_RESTORE] = (ends, {"RestoreInProgress": True} | summary)


def _restore_answer(body: Json, summary: Json) -> Reply:
    """The new table as the caller first sees it."""
    description = body["TableDescription"]
    name = description["TableName"]
    begin_restore(name, summary, ends=time.time() + CURRENT.restore_job_seconds)
    _, shown = engine._tables[name][_RESTORE]
    description |= {"TableStatus": "CREATING", "RestoreSummary": shown}
    return ok(body)
