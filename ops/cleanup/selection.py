"""Which recovery points a clean-up is about: all of them, one table's, the old ones. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cli.errors import UsageError
from ops.inventory import tables
from ops.inventory.found import Point

_AGE = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
# Of the newest points these count as kept: the others are no backups, or not yet.
_GOOD = frozenset({"COMPLETED", "AVAILABLE"})


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Conditions on recovery points, all of which must hold; none of them: every point."""

    table: str = ""  # the name of the table they are of
    before: datetime | None = None  # when they were made at the latest
    keep_last: int | None = None  # how many good ones of each table stay

    @property
    def partial(self) -> bool:
        """Whether points may be left out; then vault, role and key stay too."""
        return bool(self.table) or self.before is not None or self.keep_last is not None

    def choose(self, points: Iterable[Point]) -> Iterator[Point]:
        """Those of ``points`` that may go.

        A point that does not say when it was made counts as new: in doubt it stays.
        """
        points = list(points)
        kept = self._newest(points)
        for point in points:
            if point.arn in kept or (self.table and tables.name_of(point.resource) != self.table):
                continue
            if self.before is None or (point.created is not None and point.created < self.before):
                yield point

    def _newest(self, points: list[Point]) -> set[str]:
        if not self.keep_last:
            return set()
        by_table: dict[str, list[Point]] = defaultdict(list)
        for point in points:
            if point.status in _GOOD:
                by_table[point.resource].append(point)
        far = datetime.max.replace(tzinfo=UTC)
        return {
            point.arn
            for group in by_table.values()
            for point in sorted(group, key=lambda p: p.created or far)[-self.keep_last :]
        }


def age(text: str, option: str = "--older-than") -> timedelta:
    """The time span in ``text``, such as ``30d``. Raises UsageError for anything else."""
    match = _AGE.fullmatch(text)
    if not match:
        raise UsageError(f"{option} '{text}' is not a time span: a number and h, d or w, for example 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
