"""All items of a table, in parallel segments, as they come."""

import queue
import threading
from collections.abc import Generator
from typing import Any

Item = dict[str, Any]
# DynamoDB allows a million segments; more than these gain nothing from one process.
MOST_SEGMENTS = 16


def pages(
    table: Any, *, segments: int = 1, limit: int | None = None
) -> Generator[list[Item], None, None]:
    """The table's items, page by page, in no order; at most ``limit`` of them.

    Reads eventually consistently: half the price, and a whole table is no
    snapshot either way. Close the iterator to stop the threads early; botocore's
    errors of any segment pass through.
    """
    found = _parallel(table, segments, limit) if segments > 1 else _segment(table, 0, 1, limit)
    try:
        left = limit
        for page in found:
            yield page if left is None else page[:left]
            if left is not None:
                left -= min(left, len(page))
                if not left:
                    return
    finally:
        found.close()


def _segment(
    table: Any, number: int, total: int, limit: int | None
) -> Generator[list[Item], None, None]:
    """The pages of one segment. Uses the table's client: a boto3 Table is for one thread."""
    request: dict[str, Any] = {"TableName": table.name}
    if total > 1:
        request |= {"Segment": number, "TotalSegments": total}
    if limit is not None:
        request["Limit"] = limit
    while True:
        page = table.meta.client.scan(**request)
        yield page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _parallel(table: Any, segments: int, limit: int | None) -> Generator[list[Item], None, None]:
    """The pages of all segments, each read by a thread of its own."""
    # A slow reader holds the threads back, and not all pages in memory.
    ready: queue.Queue[list[Item] | BaseException | None] = queue.Queue(maxsize=segments)
    ended = threading.Event()

    def read(number: int) -> None:
        try:
            for page in _segment(table, number, segments, limit):
                ready.put(page)
                if ended.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  (raised again by the reader)
            ready.put(error)
        else:
            ready.put(None)

    threads = [threading.Thread(target=read, args=(n,), daemon=True) for n in range(segments)]
    for thread in threads:
        thread.start()
    try:
        left = segments
        while left:
            match ready.get():
                case None:
                    left -= 1
                case BaseException() as error:
                    raise error
                case page:
                    yield page
    finally:
        ended.set()
        _release(ready, threads)


def _release(ready: "queue.Queue[Any]", threads: list[threading.Thread]) -> None:
    """Take what threads still put, until all have ended."""
    while any(thread.is_alive() for thread in threads):
        try:
            ready.get(timeout=0.05)
        except queue.Empty:
            continue
