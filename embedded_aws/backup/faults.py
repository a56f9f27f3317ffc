"""Faults that tests switch on: calls that take long, and deletions that come too fast.

AWS Backup publishes no request rates and its model has no throttling error; the error is the one
that DynamoDB answers beyond its quota (ACK: ThrottlingException, "Rate exceeded", 400).
"""

import asyncio
import time
from collections import deque

from embedded_aws.replies import ApiError
from embedded_aws.settings import CURRENT

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


def check_rate() -> None:
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
