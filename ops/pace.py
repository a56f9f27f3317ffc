"""Many calls in parallel, no faster than a given rate, and slower once AWS throttles."""

import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import code
from ops.polling import SYSTEM_CLOCK, Clock

T = TypeVar("T")
# As many as a client of the SDK keeps connections (max_pool_connections).
MOST_WORKERS = 10
# Four reach the quota of DynamoDB's deletes, ten a second; more only meet throttling.
_FEWEST_WORKERS = 4
_SLOWEST = 2.0  # seconds from call to call
_CALM_SECONDS = 1.0  # the calls on their way when AWS throttles count as one warning
_SLOWER, _FASTER = 1.5, 0.98
_ATTEMPTS = 10
THROTTLED = frozenset(
    {"ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException",
     "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
     "LimitExceededException", "ServiceUnavailableException"}
)  # fmt: skip
_RETRY = re.compile(rb"attempt=([2-9]|\d\d)")


class Pace:
    """Spaces calls ``1 / rate`` seconds apart or further, never closer."""

    def __init__(self, rate: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.interval = 1 / rate
        self._least = self.interval
        self._clock = clock
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._next = clock.monotonic()
        self._calm_until = self._next

    @property
    def workers(self) -> int:
        """How many calls may be on their way at once."""
        return min(MOST_WORKERS, max(_FEWEST_WORKERS, math.ceil(1 / self._least / 10)))

    def wait(self) -> None:
        """Return when the next call may go out.

        One caller at a time: counted from when the last call really went out,
        a late one is never followed too closely.
        """
        with self._turn:
            left = self._next - self._clock.monotonic()
            if left > 0:
                self._clock.sleep(left)
            self._next = self._clock.monotonic() + self.interval

    def note(self, answer: dict[str, Any]) -> None:
        """Learn from an answer: one that took retries came too fast, others may come faster."""
        with self._lock:
            if answer.get("ResponseMetadata", {}).get("RetryAttempts"):
                self.interval = max(self.interval, min(self.interval * _SLOWER, _SLOWEST))
            else:
                self.interval = max(self._least, self.interval * _FASTER)

    def throttled(self) -> None:
        """Go slower, once for all the calls that were on their way together."""
        now = self._clock.monotonic()
        with self._lock:
            if now < self._calm_until:
                return
            self._calm_until = now + _CALM_SECONDS
            self.interval = max(self.interval, min(self.interval * _SLOWER, _SLOWEST))

    @contextmanager
    def over(self, client: Any, operation: str) -> Iterator[None]:
        """Pace the SDK's own retries of ``operation`` too, and hear of every throttled answer.

        They are calls as well: without this a throttled call would go out
        faster than the rate allows.
        """
        events, service = client.meta.events, client.meta.service_model.service_id.hyphenize()
        hooks: dict[str, Callable[..., None]] = {
            f"before-send.{service}.{operation}": self._before_send,
            f"response-received.{service}.{operation}": self._received,
        }
        for name, hook in hooks.items():
            events.register(name, hook)
        try:
            yield
        finally:
            for name, hook in hooks.items():
                events.unregister(name, hook)

    def _before_send(self, request: Any, **_: object) -> None:
        header = request.headers.get("amz-sdk-request", b"")
        if _RETRY.match(header if isinstance(header, bytes) else str(header).encode()):
            self.wait()

    def _received(self, parsed_response: dict[str, Any] | None, **_: object) -> None:
        if (parsed_response or {}).get("Error", {}).get("Code") in THROTTLED:
            self.throttled()


def each(
    things: Iterable[T], call: Callable[[T], dict[str, Any]], pace: Pace
) -> Iterator[tuple[T, ClientError | BotoCoreError | None]]:
    """``call`` every one of ``things``; yields each with its error, or None, as they end.

    One that fails stops no other; one that is throttled in spite of the pace is
    called again, ten times at most. Takes from ``things`` no more than it works
    on. After an interruption no further call goes out.
    """
    stopped = threading.Event()

    def paced(thing: T) -> None:
        pace.wait()
        if not stopped.is_set():
            pace.note(call(thing))

    again: dict[T, int] = {}
    waiting = iter(things)
    pool = ThreadPoolExecutor(pace.workers, thread_name_prefix="ops")
    try:
        running: dict[Future[None], T] = {
            pool.submit(paced, thing): thing for thing in islice(waiting, 2 * pace.workers)
        }
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                thing = running.pop(done)
                error = _outcome(done)
                if _is_throttled(error) and again.get(thing, 1) < _ATTEMPTS:
                    again[thing] = again.get(thing, 1) + 1
                    pace.throttled()
                    running[pool.submit(paced, thing)] = thing
                    continue
                yield thing, error
                for following in islice(waiting, 1):
                    running[pool.submit(paced, following)] = following
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def _outcome(done: Future[None]) -> ClientError | BotoCoreError | None:
    try:
        done.result()
    except (ClientError, BotoCoreError) as error:
        return error
    return None


def _is_throttled(error: ClientError | BotoCoreError | None) -> bool:
    return isinstance(error, ClientError) and code(error) in THROTTLED
