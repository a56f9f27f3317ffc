"""Writes the lines of a checked file to a table, in parallel: no two of them have the same key."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from botocore.exceptions import ClientError

from chat.transfer.bar import Advance
from chat.transfer.parts import Changed, Part, parts
from chat.transfer.patience import FAILURES, unfinished
from chat.transfer.progress import Progress
from chat.transfer.sources import Source
from chat.transfer.tables import Described
from chat.transfer.writing import Outcome, Writer
from cli.errors import OpsError, explain
from dynamo.parallel import Lanes, lanes
from model.wire import Typed

# More batches at once are throttled the sooner (dynamo/apply.py). Conditional puts
# are single items, and wait for one answer each; ten connections are open.
WORKERS, WORKERS_IF_ABSENT = 4, 10
_Write = Callable[[list[Typed]], Counter[Outcome]]
_Written = Future[Counter[Outcome]]


def import_rest(client: Any, table: Described, source: Source, progress: Progress, advance: Advance) -> None:
    """Write what ``progress`` does not have yet of the file.

    Raises OpsError, or KeyboardInterrupt, with how far it came.
    """
    writer = Writer(client, table.name)
    write: _Write = writer.put_absent if progress.if_absent else writer.put
    advance(progress.offset)
    try:
        with lanes(WORKERS_IF_ABSENT if progress.if_absent else WORKERS) as opened:
            left = parts(source, after=progress.line, offset=progress.offset)
            for part, written in _in_order(opened, write, left):
                outcomes = _outcomes(part, written, source, progress)
                advance(part.end - progress.offset)
                progress.add(part, outcomes)
    except Changed:
        raise progress.changed() from None
    except OpsError:
        progress.save()
        raise
    except FAILURES as error:
        progress.save()
        raise unfinished(error, progress.how_far()) from None
    progress.complete()


def _in_order(opened: Lanes, write: _Write, left: Iterable[Part]) -> Iterator[tuple[Part, _Written]]:
    """The parts in their order, several of them under way."""
    running: deque[tuple[Part, _Written]] = deque()
    for part in left:
        if len(running) >= 2 * opened.number:
            yield running.popleft()
        running.append((part, opened.submit(write, part.items)))
    yield from running


def _outcomes(part: Part, written: _Written, source: Source, progress: Progress) -> Counter[Outcome]:
    """Wait for the part, the first of those under way; what comes before it is written."""
    try:
        return written.result()
    except ClientError as error:
        raise OpsError(
            f"{source.name}: lines {part.first} to {part.last}: {explain(error)}; {progress.how_far()}"
        ) from None
