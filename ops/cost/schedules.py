"""How often a schedule of AWS Backup runs."""

import re

from cli.errors import OpsError
from ops.cost.prices import DAYS

# Of a plan that names none, the schedule is daily
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html).
DAILY = "cron(0 5 ? * * *)"

_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_PER_DAY = {"minute": 24 * 60, "hour": 24, "day": 1}
_WEEK = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_YEAR = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def runs_a_day(expression: str) -> float:
    """The average number of runs a day; raises OpsError for what is no such schedule.

    The fields are those of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html.
    """
    if rate := _RATE.fullmatch(expression):
        return _PER_DAY[rate[2]] / int(rate[1])
    cron = _CRON.fullmatch(expression)
    try:
        if cron is None:
            raise ValueError
        minutes, hours, month_days, months, week_days, _ = cron.groups()
        times = _count(minutes, 0, 59) * _count(hours, 0, 23)
        return times * _count(months, 1, 12, _YEAR) / 12 * _days(month_days, week_days)
    except ValueError:
        raise OpsError(
            f"schedule {expression!r} is not understood: it must be cron(...) of six fields, or rate(...)"
        ) from None


def _days(month_days: str, week_days: str) -> float:
    """The part of all days that the two fields name."""
    if not _is_any(week_days):
        if re.search("[L#]", week_days):
            return (week_days.count(",") + 1) / DAYS
        return _count(week_days, 1, 7, _WEEK) / 7
    if _is_any(month_days):
        return 1
    if re.search("[LW]", month_days):
        return (month_days.count(",") + 1) / DAYS
    return _count(month_days, 1, 31) / DAYS


def _is_any(field: str) -> bool:
    return field in ("*", "?")


def _count(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
    """How many values a field has. Raises ValueError for none that it can have."""
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("*", "", "") if _is_any(span) else span.partition("-")
        start = low if first == "*" else _value(first, low, high, names)
        end = high if first == "*" or (step and not last) else start
        values.update(range(start, (_value(last, low, high, names) if last else end) + 1, int(step or 1)))
    if not values:
        raise ValueError
    return len(values)


def _value(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    value = names.index(text.upper()) + low if text.upper() in names else int(text)
    if not low <= value <= high:
        raise ValueError
    return value
