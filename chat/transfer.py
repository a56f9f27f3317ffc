"""What export, import and reindex share: the table they need, patience, remembered progress, a progress bar."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import OpsError, explain
from dynamo.parallel import After, in_segments, lanes, page_after, patiently
from dynamo.table import other_keys
from model.wire import Typed

Advance = Callable[[int], None]
Call = Callable[..., Any]
CONTINUES = "running the same command again continues"
# What may end a transfer from outside; TimeoutError is raised by Tries.
FAILURES = (ClientError, BotoCoreError, TimeoutError, KeyboardInterrupt)
_SEGMENTS = 4
# Saving more often would cost more than what a killed transfer has to do again.
_SAVE_SECONDS = 0.5


def describe(client: Any, name: str) -> dict[str, Any]:
    """The table as DescribeTable returns it. Raises OpsError unless it has the keys of the data model."""
    table: dict[str, Any] = client.describe_table(TableName=name)["Table"]
    if key := other_keys(table):
        raise OpsError(f"table {name} has the key {key}; this command needs pk (S) and sk (S)")
    return table


def scans(client: Any, **request: Any) -> list[Call]:
    """Scans of a table's segments, for ``read_segments``."""
    return [partial(client.scan, TotalSegments=_SEGMENTS, Segment=number, **request) for number in range(_SEGMENTS)]


def read_segments(
    table: str, calls: Sequence[Call], segments: Mapping[int, After]
) -> Iterator[tuple[int, list[Typed], After]]:
    """The pages of a consistent reading in parallel: the segment, the items, the key after which it continues.

    ``calls`` has a scan or query for each segment; ``segments`` says after which key to begin those that are to be
    read. Memory does not depend on the table. Raises TimeoutError and botocore's errors.
    """

    def read(segment: int, after: After) -> tuple[list[Typed], After]:
        call = partial(patiently, f"reading {table}", calls[segment])
        return page_after(after, call, TableName=table, ConsistentRead=True)

    with lanes(len(calls)) as opened:
        yield from in_segments(opened, read, segments)


def unfinished(error: Exception | KeyboardInterrupt, how_far: str) -> BaseException:
    """The exception to raise for one of FAILURES: one line that also says how far the transfer came."""
    if isinstance(error, KeyboardInterrupt):
        return KeyboardInterrupt(how_far)
    return OpsError(f"{explain(error)}; {how_far}")


class ProgressFile:
    """A small JSON file that remembers how far a transfer came; replaced as a whole.

    ``identity`` says which transfer it is, in English; ``delete`` is the file that a user deletes to start over.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], *, delete: Path) -> None:
        self.path, self._identity, self._delete = path, identity, delete
        self._saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What was saved; None when nothing was. Raises OpsError for another transfer, and for other content."""
        try:
            read = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            read = None
        state: dict[str, Any] = read if isinstance(read, dict) else {}
        if different := [name for name, value in self._identity.items() if state.get(name) != value]:
            raise OpsError(
                f"{self.path} belongs to an interrupted transfer with another {different[0]} "
                f"({state.get(different[0])}); finish that one, or delete {self._delete} to start over"
            )
        return state

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self._saved >= _SAVE_SECONDS

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what was saved."""
        draft = self.path.with_name(self.path.name + ".new")
        with draft.open("w") as file:
            json.dump({**self._identity, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Forget what was saved, if anything was."""
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def bar(what: str, total: int | None) -> Iterator[Advance]:
    """A function that moves a progress bar on standard error, if that is a terminal; ``total`` may be an estimate.

    The bar is gone after the ``with`` block: the result is printed then.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # Imported here, because loading it takes longer than most commands do.
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    count = TextColumn("{task.completed:,}" + ("" if total is None else " of about {task.total:,}"))
    columns = TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(escape(what), total=total)
        yield lambda more: progress.advance(task, more)
