"""Spans of time as people write them: a number and a unit, for example ``30d``."""

import re
from datetime import timedelta

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_SPAN = re.compile(rf"([0-9]{{1,6}})([{''.join(_SECONDS)}])")
_LONGEST = 1000 * _SECONDS["y"]
RULE = "a number and s, m, h, d, w or y, for example 30d, of less than 1000 years"


def parse_span(text: str) -> timedelta:
    """The span that ``text`` names; a year has 365 days. Raises ValueError for any other text, and for 1000 years."""
    match = _SPAN.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else _LONGEST
    if seconds >= _LONGEST:  # a moment that long ago may be before the year 1
        raise ValueError(f"{text[:40]!r} is not a time span: {RULE}")
    return timedelta(seconds=seconds)
