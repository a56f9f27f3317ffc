"""The segments of a table, read at once and page by page."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

from dynamo.lanes import Lanes

T = TypeVar("T")
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
