"""Many calls in parallel, no faster than a given rate, and slower once AWS throttles."""

import math
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import code
from cli.polling import SYSTEM_CLOCK, Clock

T = TypeVar("T")
# A client of the SDK keeps so many connections (max_pool_connections); one more would be made
# anew, with its handshake, for each call.
CONNECTIONS = 10
# Four reach the quota of DynamoDB's deletes, ten a second; more only meet throttling.
_FEWEST_WORKERS = 4
_SLOWEST = 2.0  # seconds from call to call
_SECOND = 1.05  # on the way to AWS calls come closer to each other, by some hundredths
_CALM_SECONDS = 1.0  # the calls on their way when AWS throttles count as one warning
_SLOWER, _FASTER = 1.5, 0.98
_ATTEMPTS = 10
THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "LimitExceededException",
        "ServiceUnavailableException",
    }
)
_RETRY = re.compile(rb"attempt=([2-9]|\d\d)")


class Pace:
    """Spaces calls ``1 / rate`` seconds apart or further; never more than ``rate`` in a second."""

    def __init__(self, rate: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.interval = 1 / rate
        self._least = self.interval
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._calm_until = self._next
        self._left: deque[float] = deque(maxlen=max(1, int(rate)))  # when the last calls did

    @property
    def workers(self) -> int:
        """How many calls on their way at once reach the rate, if each takes a tenth of a second."""
        return max(_FEWEST_WORKERS, math.ceil(1 / self._least / 10))

    def wait(self) -> None:
        """Return when the next call may go out."""
        with self._lock:
            now = self._clock.monotonic()
            mine = max(now, self._next)
            self._next = mine + self.interval
        if mine > now:
            self._clock.sleep(mine - now)
        while (early := self._ahead()) > 0:
            self._clock.sleep(early)

    def _ahead(self) -> float:
        """Seconds for which one more call would be one too many; 0, and noted, when it may leave.

        Threads wake up late, and then several at once: their turns alone would
        let too many calls go out within one second.
        """
        with self._lock:
            now = self._clock.monotonic()
            if len(self._left) == self._left.maxlen and self.interval < 1:
                early = self._left[0] + _SECOND - now
                if early > 0:
                    return early
            self._left.append(now)
            return 0

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
    things: Iterable[T], call: Callable[[T], dict[str, Any]], pace: Pace, *, most: int = CONNECTIONS
) -> Iterator[tuple[T, ClientError | BotoCoreError | None]]:
    """``call`` every one of ``things``; yields each with its error, or None, as they end.

    One that fails stops no other; one that is throttled in spite of the pace is
    called again, ten times at most. Takes from ``things`` no more than it works
    on, with ``most`` calls at once or fewer. After an interruption no further call goes out.
    """
    workers = min(most, pace.workers)
    waiting = iter(things)
    with _Calls(call, pace, workers) as calls:
        calls.start(islice(waiting, 2 * workers))
        for thing, error in calls.ended():
            yield thing, error
            calls.start(islice(waiting, 1))


class _Calls(Generic[T]):
    """Calls on their way in ``workers`` threads, until the end of the ``with``."""

    def __init__(self, call: Callable[[T], dict[str, Any]], pace: Pace, workers: int) -> None:
        self._call, self._pace = call, pace
        self._stopped = threading.Event()
        self._attempts: Counter[T] = Counter()
        self._running: dict[Future[None], T] = {}
        self._done: SimpleQueue[Future[None]] = SimpleQueue()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ops")

    def __enter__(self) -> "_Calls[T]":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def start(self, things: Iterable[T]) -> None:
        """Have each of them called as soon as a thread is free and the pace allows it."""
        for thing in things:
            self._attempts[thing] += 1
            future = self._pool.submit(self._paced, thing)
            self._running[future] = thing
            future.add_done_callback(self._done.put)

    def ended(self) -> Iterator[tuple[T, ClientError | BotoCoreError | None]]:
        """Each thing with its error, or None, as its call ends, until none is on its way."""
        while self._running:
            future = self._done.get()
            thing, error = self._running.pop(future), _outcome(future)
            if _is_throttled(error) and self._attempts[thing] < _ATTEMPTS:
                self._pace.throttled()
                self.start([thing])
            else:
                del self._attempts[thing]  # of millions of things, only those on their way
                yield thing, error

    def _paced(self, thing: T) -> None:
        self._pace.wait()
        if not self._stopped.is_set():
            self._pace.note(self._call(thing))


def _outcome(done: Future[None]) -> ClientError | BotoCoreError | None:
    try:
        done.result()
    except (ClientError, BotoCoreError) as error:
        return error
    return None


def _is_throttled(error: ClientError | BotoCoreError | None) -> bool:
    return isinstance(error, ClientError) and code(error) in THROTTLED
