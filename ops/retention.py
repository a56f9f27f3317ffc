"""How long a backup is kept, as a person says it: ``30d``, ``4w``, ``1y``."""

import re

from cli.errors import UsageError

LONGEST_DAYS = 36_500  # the API's most
_DAYS = {"d": 1, "w": 7, "y": 365}
_SPAN = re.compile(r"([0-9]{1,6})([dwy])")


def days(text: str) -> int:
    """The days in ``text``: a number and d, w or y (365 days).

    Raises UsageError for anything else, and outside 1 to 36500 days
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html).
    """
    match = _SPAN.fullmatch(text)
    if not match:
        raise UsageError(f"--retain '{text}' is not a duration: a number and d, w or y, for example 30d")
    span = int(match[1]) * _DAYS[match[2]]
    if not 1 <= span <= LONGEST_DAYS:
        raise UsageError(f"--retain must be between 1d and {LONGEST_DAYS}d, got {text}")
    return span
