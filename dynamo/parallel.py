"""Requests in parallel, and all items of a table in parallel segments."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
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


# Where a segment goes on: behind a key; None at its beginning, and at its end.
After = Mapping[str, Any] | None
# Reads the next page of a segment; gives what was read, and the key to go on behind.
Read = Callable[[int, After], tuple[T, After]]


def in_segments(opened: Lanes, read: Read[T], segments: Mapping[int, After]) -> Iterator[tuple[int, T]]:
    """The pages of ``segments``, each with its segment, as they come from the lanes.

    The next page of a segment is read when the caller is through with the one
    before, so that one page of each is in memory at most. Raises what the first
    failing ``read`` raised.
    """
    running: dict[Future[tuple[T, After]], int] = {
        opened.submit(read, segment, after): segment for segment, after in segments.items()
    }
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            segment = running.pop(future)
            value, last_key = future.result()
            yield segment, value
            if last_key is not None:
                running[opened.submit(read, segment, last_key)] = segment


Item = dict[str, Any]
# DynamoDB allows a million segments; more than these gain nothing from one process.
MOST_SEGMENTS = 16


def pages(table: Any, opened: Lanes, *, limit: int | None = None) -> Iterator[list[Item]]:
    """The table's items, page by page, in no order, a segment to a lane; at most ``limit`` items.

    Reads eventually consistently: half the price, and a whole table is no
    snapshot either way. botocore's errors of any segment pass through. After
    these, at the limit, and where the caller stops early, requests of other
    segments may be under way: it is for who opened the lanes to wait for them.
    """
    left = limit
    read = _reader(table, opened.number, limit)
    for _, page in in_segments(opened, read, dict.fromkeys(range(opened.number))):
        yield page[:left]
        if left is not None:
            left -= min(left, len(page))
            if not left:
                return


def _reader(table: Any, segments: int, limit: int | None) -> Read[list[Item]]:
    """Reads one page of a segment. By the table's client: a boto3 Table is for one thread."""
    request = {"TableName": table.name, "TotalSegments": segments}
    if limit is not None:
        request["Limit"] = limit

    def read(segment: int, after: After) -> tuple[list[Item], After]:
        begin = {} if after is None else {"ExclusiveStartKey": after}
        page = table.meta.client.scan(**request, **begin, Segment=segment)
        return page["Items"], page.get("LastEvaluatedKey")

    return read
