"""Point-in-time recovery: its period, its window and its errors.

Source: model (RecoveryPeriodInDays 1 to 35, default 35) and ACK (Latest is five minutes ago but
never before PITR was enabled; a missing table is TableNotFoundException).
"""

import time

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb import history
from embedded_aws.dynamodb.handlers import Handler, replace, table_name
from embedded_aws.replies import ApiError, Json, Reply, ok
from embedded_aws.settings import CURRENT

DAY_SECONDS = 86_400
LONGEST_PERIOD_DAYS = 35


def install() -> None:
    """Replace UpdateContinuousBackups and DescribeContinuousBackups."""
    replace("_update_continuous_backups", _update)
    replace("_describe_continuous_backups", _describe)


def enabled(name: str) -> bool:
    """Whether the table ``name`` has point-in-time recovery."""
    return bool(engine._pitr_settings.get(name))


def window(name: str) -> tuple[float, float]:
    """The earliest and latest time the table can be restored to, in epoch seconds."""
    setting = engine._pitr_settings[name]
    now = time.time()
    earliest = max(setting["EnabledAt"], now - setting["Days"] * DAY_SECONDS)
    return earliest, max(setting["EnabledAt"], now - CURRENT.recovery_delay_seconds)


def _update(_: Handler) -> Handler:
    def handler(data: Json) -> Reply:
        name = _existing(data)
        wanted = data.get("PointInTimeRecoverySpecification") or {}
        days = wanted.get("RecoveryPeriodInDays")
        if not wanted.get("PointInTimeRecoveryEnabled"):
            if days is not None:
                raise ApiError(
                    "ValidationException", "RecoveryPeriodInDays cannot be set when PointInTimeRecoveryEnabled is false"
                )
            engine._pitr_settings.pop(name, None)
            history.drop(engine._tables[name])
            return _description(name)
        days = LONGEST_PERIOD_DAYS if days is None else int(days)
        if not 1 <= days <= LONGEST_PERIOD_DAYS:
            raise ApiError(
                "ValidationException", f"RecoveryPeriodInDays must be between 1 and {LONGEST_PERIOD_DAYS}, got {days}"
            )
        before = engine._pitr_settings.get(name) or {"EnabledAt": time.time()}
        history.keep(engine._tables[name])
        engine._pitr_settings[name] = {"EnabledAt": before["EnabledAt"], "Days": days}
        return _description(name)

    return handler


def _describe(_: Handler) -> Handler:
    def handler(data: Json) -> Reply:
        return _description(_existing(data))

    return handler


def _existing(data: Json) -> str:
    name = table_name(data)
    if name not in engine._tables:
        raise ApiError("TableNotFoundException", f"Table not found: {name}")
    return name


def _description(name: str) -> Reply:
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
