"""How long a recovery point is kept.

Source: model and guide: from 1 to 36500 days, -1 for ever, and at least 90 days in cold storage.
"""

from embedded_aws.replies import ApiError, Json

DAY_SECONDS = 86_400
LONGEST_DAYS = 36_500
COLD_DAYS = 90
DELETE, COLD = "DeleteAfterDays", "MoveToColdStorageAfterDays"


def check(lifecycle: Json) -> Json:
    """The lifecycle itself; raises ApiError for one that AWS Backup refuses."""
    # -1 stands for "never", as leaving the number out does.
    delete, cold = (lifecycle.get(name, -1) for name in (DELETE, COLD))
    for name, days in ((DELETE, delete), (COLD, cold)):
        if days != -1 and not 1 <= days <= LONGEST_DAYS:
            _refuse(f"{name} must be between 1 and {LONGEST_DAYS}, or -1, got {days}")
    if delete > 0 and cold > 0 and delete < cold + COLD_DAYS:
        _refuse(f"DeleteAfterDays must be at least {COLD_DAYS} days after MoveToColdStorageAfterDays")
    return lifecycle


def calculated(lifecycle: Json, created: float) -> Json:
    """The times at which the point moves and goes, in epoch seconds."""
    names = {DELETE: "DeleteAt", COLD: "MoveToColdStorageAt"}
    return {
        name: created + lifecycle[days] * DAY_SECONDS for days, name in names.items() if lifecycle.get(days, -1) > 0
    }


def _refuse(message: str) -> None:
    raise ApiError("InvalidParameterValueException", message)
