"""A request to AWS Backup as its handlers see it; pages and filters of lists; delays and rates.

AWS Backup publishes no request rates and its model has no throttling error; the one that a test
switches on here is DynamoDB's beyond its quota (ACK: ThrottlingException, "Rate exceeded", 400).
"""

import asyncio
import base64
import binascii
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, TypeVar

from embedded_aws.replies import ApiError, Json, invalid
from embedded_aws.settings import CURRENT

LARGEST_PAGE = 1000
Record = TypeVar("Record")


@dataclass(frozen=True)
class Request:
    """One call; ``path`` holds the parts of the URL that name something."""

    path: dict[str, str]
    body: Json = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def required(self, *names: str) -> list[Any]:
        """The body's values of ``names``; raises ApiError for one that is missing."""
        for name in names:
            if not self.body.get(name):
                raise ApiError("MissingParameterValueException", f"{name} is required")
        return [self.body[name] for name in names]

    def either(self, *names: str) -> str | None:
        """The query's value under the first of ``names`` that it has: restore testing's differ."""
        return next((self.query[name] for name in names if self.query.get(name)), None)

    def selects(self, **values: object) -> bool:
        """Whether every filter of the query that ``values`` knows has its value."""
        return all(self.query.get(name) in (None, "", "*", value) for name, value in values.items())

    def includes(self, moment: float, *, after: str, before: str) -> bool:
        """Whether ``moment`` lies between the two times of the query, where given."""
        return self._time(after, 0) <= moment <= self._time(before, float("inf"))

    def _time(self, name: str, default: float) -> float:
        text = self.query.get(name)
        if not text:
            return default
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(f"{name} is not a time") from None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def page(
    request: Request,
    name: str,
    records: Iterable[Record],
    key: Callable[[Record], tuple[float, str]],
    describe: Callable[[Record], Json],
) -> Json:
    """One page of ``records``, the newest first; the query says where it begins and how long it is.

    The token names the last record of the page, so that deleting records between two pages
    neither skips nor repeats one. Raises ApiError for a page size outside 1 to 1000 (model).
    """
    try:
        size = int(request.either("maxResults", "MaxResults") or LARGEST_PAGE)
    except ValueError:
        size = 0
    if not 1 <= size <= LARGEST_PAGE:
        raise invalid(f"maxResults must be between 1 and {LARGEST_PAGE}")
    positions = (
        (f"{moment:020.6f} {identifier}", record) for record in records for moment, identifier in [key(record)]
    )
    ordered = sorted(positions, key=itemgetter(0), reverse=True)
    last_seen = _decode(request.either("nextToken", "NextToken"))
    rest = [entry for entry in ordered if last_seen is None or entry[0] < last_seen]
    answer: Json = {name: [describe(record) for _, record in rest[:size]]}
    if len(rest) > size:
        answer["NextToken"] = base64.b64encode(rest[size - 1][0].encode()).decode()
    return answer


def find(records: Mapping[str, Record], identifier: str, kind: str) -> Record:
    """The record of that identifier; raises ApiError for a missing one."""
    found = records.get(identifier)
    if found is None:
        raise ApiError("ResourceNotFoundException", f"Cannot find {kind} {identifier}")
    return found


def _decode(token: str | None) -> str | None:
    try:
        return base64.b64decode(token, validate=True).decode() if token else None
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("nextToken is not valid") from None


_arrived: deque[float] = deque()  # of the deletions of the last second
_accepted: deque[float] = deque()


async def delay() -> None:
    """Let a call take as long as the setting ``latency_milliseconds`` says."""
    if CURRENT.latency_milliseconds:
        await asyncio.sleep(CURRENT.latency_milliseconds / 1000)


def note_deletion() -> None:
    """Count a call of DeleteRecoveryPoint, and keep the most that came within one second."""
    CURRENT.deletions_seen += 1
    most = max(CURRENT.deletions_seen_in_a_second, _within_a_second(_arrived))
    CURRENT.deletions_seen_in_a_second = most


def check_deletion_rate() -> None:
    """Raise ApiError for a deletion beyond the setting ``deletions_a_second``."""
    limit = CURRENT.deletions_a_second
    if limit and _within_a_second(_accepted) > limit:
        _accepted.pop()
        raise ApiError("ThrottlingException", "Rate exceeded")


def _within_a_second(moments: deque[float]) -> int:
    """Add this moment, drop those that are a second old, and count."""
    now = time.monotonic()
    moments.append(now)
    while moments[0] <= now - 1:
        moments.popleft()
    return len(moments)
