"""Threads for requests that need not be waited for when the program ends."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Lanes:
    """So many calls at once, begun in the order in which they come.

    A ThreadPoolExecutor would hold an interrupted program up until the last
    pause between two tries is over. What such a thread leaves half done is what
    a killed program leaves: the next run sees to it.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Have one of the threads make the call."""
        future: Future[T] = Future()
        self._jobs.put((future, call, arguments))
        return future

    def close(self) -> None:
        """End every thread once it is through with its call; begin none of those that wait."""
        with contextlib.suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)

    def join(self) -> None:
        """Wait until every thread has ended."""
        for thread in self._threads:
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
    """Lanes for the length of a ``with`` block; with ``joined`` none is busy after it.

    An interrupted block waits for nothing.
    """
    opened = Lanes(number)
    try:
        yield opened
    except KeyboardInterrupt:
        joined = False
        raise
    finally:
        opened.close()
        if joined:
            opened.join()
