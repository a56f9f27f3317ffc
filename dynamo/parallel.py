"""Requests in parallel, and repeated while AWS is busy; all items of a table in parallel segments."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from queue import Empty, SimpleQueue
from random import uniform
from typing import Any, TypeVar

from botocore.exceptions import ClientError, HTTPClientError

A = TypeVar("A")
T = TypeVar("T")
# DynamoDB allows a million segments; more than these gain nothing from one process.
MOST_SEGMENTS = 16
# The codes with which AWS refuses a request because there were too many: those of DynamoDB
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html), and those that the SDK
# retries (botocore.retries.standard). KMS: a table's own key has quotas of its own.
THROTTLED = frozenset(
    "KMSThrottlingException ProvisionedThroughputExceededException RequestLimitExceeded ThrottledException "
    "Throttling ThrottlingException TooManyRequestsException".split()
)
_PASSING = THROTTLED | {"TransactionInProgressException"}
SECONDS_WITHOUT_PROGRESS = 120
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0


class Lanes:
    """``number`` threads, which make calls in the order in which they are submitted.

    A ThreadPoolExecutor would delay the end of an interrupted program until the last pause between two tries is over.
    A call that is cut off leaves what a killed program leaves: the next run continues from there.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Have one of the threads make the call."""
        future: Future[T] = Future()
        self._jobs.put((future, call, arguments))
        return future

    def map(self, call: Callable[[A], T], arguments: Iterable[A]) -> Iterator[T]:
        """The results of ``call``, as they come, or the first error; ``arguments`` are read as threads become free."""
        running: set[Future[T]] = set()
        for argument in arguments:
            running.add(self.submit(call, argument))
            # Two calls a thread: none waits for the next, and memory stays flat.
            if len(running) >= 2 * self.number:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in running)

    def close(self, *, join: bool) -> None:
        """End every thread after its current call, drop the other calls; with ``join`` wait for the ends."""
        with contextlib.suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads if join else ():
            thread.join()

    def _work(self) -> None:
        while job := self._jobs.get():
            future, call, arguments = job
            try:
                future.set_result(call(*arguments))
            except BaseException as error:  # noqa: BLE001 (raised where the result is asked for)
                future.set_exception(error)


@contextlib.contextmanager
def lanes(number: int, *, joined: bool = False) -> Iterator[Lanes]:
    """Lanes for the length of a ``with`` block; with ``joined`` no call is under way after it, unless interrupted."""
    opened = Lanes(number)
    try:
        yield opened
    except KeyboardInterrupt:
        joined = False
        raise
    finally:
        opened.close(join=joined)


# The key after which a segment continues; None at its beginning, and at its end.
After = Mapping[str, Any] | None
# Reads the next page of a segment; gives its content, and the key after which to continue.
Read = Callable[[int, After], tuple[T, After]]


def in_segments(opened: Lanes, read: Read[T], segments: Mapping[int, After]) -> Iterator[tuple[int, T, After]]:
    """The pages of ``segments``, each with its segment and the key after which that continues, as they come.

    The next page of a segment is read when the caller has used the one before, so that at most one page of each is in
    memory. Raises the error of the first ``read`` that fails.
    """
    running = {opened.submit(read, segment, after): segment for segment, after in segments.items()}
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            segment = running.pop(future)
            value, last_key = future.result()
            yield segment, value, last_key
            if last_key is not None:
                running[opened.submit(read, segment, last_key)] = segment


def page_after(after: After, call: Callable[..., Any], **request: Any) -> tuple[list[dict[str, Any]], After]:
    """The items of one page of a scan or query, which begins after a key, and the key after which the next begins."""
    answer = call(**request, **({} if after is None else {"ExclusiveStartKey": after}))
    return answer["Items"], answer.get("LastEvaluatedKey")


def consumed_units(answer: Mapping[str, Any]) -> float:
    """The capacity units of a request that asked for them; one for several items answers with a list, by table."""
    consumed = answer.get("ConsumedCapacity") or []
    return sum(float(one.get("CapacityUnits", 0)) for one in (consumed if isinstance(consumed, list) else [consumed]))


class Tries:
    """Pauses between tries: longer while there is no progress, and for a limited time."""

    def __init__(self, doing: str, clock: Any = time, end: float = math.inf) -> None:
        self._clock, self._end, self._doing, self._step = clock, end, doing, 0
        self._give_up, self._left = clock.monotonic() + SECONDS_WITHOUT_PROGRESS, 0

    def wait(self, left: int, because: object) -> None:
        """Pause. Raises TimeoutError when ``left`` has not decreased for too long, or at the end."""
        now = self._clock.monotonic()
        if left < self._left:
            self._step = max(self._step - 2, 0)
            self._give_up = now + SECONDS_WITHOUT_PROGRESS
        self._left = left
        if now >= min(self._end, self._give_up):
            raise TimeoutError(f"gave up {self._doing}: {left} left, DynamoDB says: {because}")
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._step)
        self._step += 1
        self._clock.sleep(uniform(longest / 2, longest))


def ask(call: Callable[[], T], tries: Tries) -> T:
    """The result of ``call``, which may be made twice, repeated while its error is temporary. Raises TimeoutError."""
    while True:
        try:
            return call()
        except (ClientError, HTTPClientError) as error:
            if not passes(error):
                raise
            tries.wait(1, error)


def patiently(doing: str, call: Callable[..., Any], **request: Any) -> Any:
    """The answer to a request that may be made twice: waits for longer than a client does, as long as that helps.

    Raises TimeoutError when throttling and lost answers do not end, other errors at once.
    """
    return ask(partial(call, **request), Tries(doing))


def passes(error: ClientError | HTTPClientError) -> bool:
    """Whether the same request may succeed later."""
    answer: Any = getattr(error, "response", None) or {"Error": {"Code": ""}}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return answer["Error"]["Code"] in _PASSING or status >= 500
