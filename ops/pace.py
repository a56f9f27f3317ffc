"""Many calls in parallel, no faster than a given rate."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ops.polling import SYSTEM_CLOCK, Clock

T = TypeVar("T")
# Four reach the quota of DynamoDB's deletes; more of them only meet throttling.
WORKERS = 4
_SLOWEST = 2.0  # seconds from call to call


class Pace:
    """Spaces calls ``1 / rate`` seconds apart, and further once AWS throttles."""

    def __init__(self, rate: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.interval = 1 / rate
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()

    def wait(self) -> None:
        """Return when the next call may go out."""
        with self._lock:
            now = self._clock.monotonic()
            mine = max(now, self._next)
            self._next = mine + self.interval
        if mine > now:
            self._clock.sleep(mine - now)

    def note(self, answer: dict[str, Any]) -> None:
        """Learn from an answer: one that took retries came too fast."""
        if answer.get("ResponseMetadata", {}).get("RetryAttempts"):
            with self._lock:
                self.interval = max(self.interval, min(self.interval * 1.5, _SLOWEST))


def each(
    things: Iterable[T], call: Callable[[T], dict[str, Any]], pace: Pace
) -> Iterator[tuple[T, ClientError | BotoCoreError | None]]:
    """``call`` every one of ``things``; yields each with its error, or None, as they end.

    One that fails stops no other. After an interruption no further call goes out.
    """

    def paced(thing: T) -> None:
        pace.wait()
        pace.note(call(thing))

    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="ops")
    try:
        running = {pool.submit(paced, thing): thing for thing in things}
        for done in as_completed(running):
            try:
                done.result()
            except (ClientError, BotoCoreError) as error:
                yield running[done], error
            else:
                yield running[done], None
    finally:
        pool.shutdown(cancel_futures=True)
