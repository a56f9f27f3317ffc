"""Writes the lines of a checked file to a table, in parallel, and remembers how far it came.

Of lines with the same key the last one stays: a batch has no key twice, and
waits for those under way that have one of its keys. With ``if_absent`` the
first one stays, for the same reason.

What is remembered is the line up to which everything is written. A run that
continues may write some lines again, which changes nothing: puts of the same
items in the same order.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from chat.lanes import Lanes, lanes
from chat.model import is_membership
from chat.transfer.bar import Advance
from chat.transfer.checking import item_in
from chat.transfer.patience import CONTINUES, FAILURES, unfinished
from chat.transfer.reading import lines
from chat.transfer.sources import Source
from chat.transfer.state import State, StateFile
from chat.transfer.tables import Described
from chat.transfer.writing import Outcome, Writer
from ops.errors import OpsError, explain
from seed.changes import Key, key_of
from seed.wire import Typed
from seed.writer import ITEMS_PER_BATCH

# More batches at once are throttled the sooner (seed/apply.py). Conditional puts
# are single items, and wait for one answer each; ten connections are open.
WORKERS, WORKERS_IF_ABSENT = 4, 10
_VERSION = 1
SKIPPED = "memberships_skipped"


@dataclass
class Part:
    """Consecutive lines, to be written at once; ``end`` is the offset behind them."""

    first: int = 0
    last: int = 0
    end: int = 0
    items: dict[Key, Typed] = field(default_factory=dict)
    memberships: int = 0


@dataclass(frozen=True)
class Done:
    """Up to which line, and where that ends, everything is written, and what became of it."""

    line: int = 0
    offset: int = 0
    counts: dict[str, int] = field(default_factory=dict)


class Import:
    """One import of a file into a table; ``counts`` are those of interrupted runs too."""

    def __init__(
        self,
        source: Source,
        client: Any,
        table: Described,
        *,
        if_absent: bool,
        say: Callable[[str], None],
        clock: Any = time,
    ) -> None:
        self._source, self._table, self._if_absent, self._say = source, table, if_absent, say
        writer = Writer(client, table.name, clock)
        self._write = writer.put_absent if if_absent else writer.put
        self._state = StateFile(_state_path(source.path, table), clock) if source.path else None
        self._identity: State = {}
        self._stamp = source.stamp()
        self._done = Done()

    def resume(self) -> bool:
        """Take up what an interrupted run left; False when there is nothing of that kind.

        Raises OpsError when the file, the table or the options are others than then.
        """
        self._identity = {
            "version": _VERSION,
            "table": self._table.id,
            "if_absent": self._if_absent,
            "size": self._source.size(),
            "sha256": self._source.digest(),
        }
        state = self._state.load() if self._state else None
        if state is None or self._state is None:
            return False
        if different := [
            name for name in self._identity if state.get(name) != self._identity[name]
        ]:
            raise OpsError(
                f"{self._state.path} is of an interrupted import with another "
                f"{_MEANING[different[0]]}; delete it to begin anew"
            )
        self._done = Done(state["line"], state["offset"], state["counts"])
        return True

    @property
    def line(self) -> int:
        """Up to which everything is written."""
        return self._done.line

    @property
    def counts(self) -> dict[str, int]:
        """What became of the lines so far, in this run and those that it continues."""
        return self._done.counts

    def run(self, advance: Advance) -> None:
        """Write what is left of the file.

        Raises OpsError, or KeyboardInterrupt, with how far it came.
        """
        advance(self._done.offset)
        try:
            with lanes(WORKERS_IF_ABSENT if self._if_absent else WORKERS) as opened:
                self._write_all(opened, advance)
        except OpsError:
            self._save()
            raise
        except FAILURES as error:
            self._save()
            raise unfinished(error, self._how_far()) from None
        if self._source.stamp() != self._stamp:
            raise self._changed()
        if self._state:
            self._state.remove()

    def _write_all(self, opened: Lanes, advance: Advance) -> None:
        running: deque[tuple[Part, Future[Counter[Outcome]]]] = deque()
        for part in self._parts():
            while running and (
                len(running) >= 2 * opened.number
                or any(part.items.keys() & earlier.items.keys() for earlier, _ in running)
            ):
                self._finish(*running.popleft(), advance)
            running.append((part, opened.submit(self._write, list(part.items.values()))))
        while running:
            self._finish(*running.popleft(), advance)

    def _parts(self) -> Iterator[Part]:
        """What is left of the file, in parts of a batch each."""
        self._source.file.seek(self._done.offset)
        part = Part()
        for line in lines(self._source.file, after=self.line):
            try:
                item = item_in(line)
            except ValueError:  # it was right when it was checked
                raise self._changed() from None
            key = key_of(item)
            if len(part.items) == ITEMS_PER_BATCH or key in part.items:
                yield part
                part = Part()
            part.first, part.last, part.end = part.first or line.number, line.number, line.end
            if is_membership(*key):
                part.memberships += 1
            else:
                part.items[key] = item
        if part.last:
            yield part

    def _finish(self, part: Part, future: "Future[Counter[Outcome]]", advance: Advance) -> None:
        """Wait for the part, the first of those under way; what comes before it is written."""
        try:
            outcomes = future.result()
        except ClientError as error:
            raise OpsError(
                f"{self._source.name}: lines {part.first} to {part.last}: {explain(error)}; "
                f"{self._how_far()}"
            ) from None
        counts = Counter(self._done.counts)
        counts.update({outcome.value: number for outcome, number in outcomes.items()})
        counts[SKIPPED] += part.memberships
        advance(part.end - self._done.offset)
        # In one step: an interruption between two would count the part twice.
        self._done = Done(part.last, part.end, dict(counts))
        if self._state and self._state.is_due():
            self._save()

    def _save(self) -> None:
        if self._state is None or not self.line:
            return
        try:
            self._state.save(self._identity | asdict(self._done))
        except OSError as error:
            self._say(f"{self._state.path}: {error.strerror}; an interrupted import begins anew")
            self._state = None

    def _changed(self) -> OpsError:
        """The error for a file that is another one now; nothing of it can be continued."""
        if self._state:
            self._state.remove()
            self._state = None
        return OpsError(
            f"{self._source.name} was changed while it was imported, and is written in part; "
            "import it again"
        )

    def _how_far(self) -> str:
        done = f"what is up to line {self.line} of {self._source.name} is written"
        return f"{done}, and {CONTINUES}" if self._state else done


_MEANING = {
    "version": "version of this command",
    "table": "table of that name",
    "if_absent": "choice of --if-absent",
    "size": "content of the file",
    "sha256": "content of the file",
}


def _state_path(file: Path, table: Described) -> Path:
    """Beside the file; another table's import of the same file has one of its own."""
    return file.with_name(f"{file.name}.{table.name}.import")
