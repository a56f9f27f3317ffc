"""Where an export goes: standard output, or a file that can be continued.

A file grows as FILE.part, beside FILE.part.json, which says how many of its
bytes count and behind which key each segment goes on. What was appended after
that was last saved is cut off by the run that continues, so that no item is
missing or comes twice. It gets its own name when it is complete.
"""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from chat.transfer.patience import CONTINUES, FAILURES, unfinished
from chat.transfer.scanning import Page, Selection
from chat.transfer.state import State, StateFile
from chat.transfer.tables import Described
from cli.errors import OpsError
from cli.output import count
from model.wire import Typed

_VERSION = 1


class Output(Protocol):
    """Where an export goes, and what it remembers of itself."""

    @property
    def items(self) -> int:
        """How many items it has."""

    def left(self, segments: int) -> dict[int, Typed | None]:
        """The segments that are still to be read, each from behind a key, or from its beginning."""

    def write(self, segment: int, lines: bytes, found: Page) -> None:
        """Append a page of a segment."""


class Stream:
    """An output that is gone once it is written: nothing to continue."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.items = file, 0

    def left(self, segments: int) -> dict[int, Typed | None]:
        """All of them, from the beginning."""
        return dict.fromkeys(range(segments))

    def write(self, segment: int, lines: bytes, found: Page) -> None:  # noqa: ARG002
        """Write the lines."""
        self._file.write(lines)
        self.items += len(found.items)


class PartFile:
    """An output that remembers how far it came; see ``part_file``."""

    def __init__(self, file: BinaryIO, state_file: StateFile, state: State) -> None:
        self._file, self._state_file, self._state = file, state_file, state

    @property
    def items(self) -> int:
        """How many items it has."""
        return int(self._state["items"])

    def left(self, segments: int) -> dict[int, Typed | None]:
        """The segments that are still to be read, each from behind a key, or from its beginning."""
        states = self._state["segments"]
        return {n: states[n]["after"] for n in range(segments) if not states[n]["done"]}

    def write(self, segment: int, lines: bytes, found: Page) -> None:
        """Append a page of a segment, and save the state now and then."""
        self._file.write(lines)
        segments = list(self._state["segments"])
        segments[segment] = {"after": found.last_key, "done": found.last_key is None}
        # All in one step: an interruption between two would count a page twice.
        self._state = self._state | {
            "bytes": self._state["bytes"] + len(lines),
            "items": self.items + len(found.items),
            "segments": segments,
        }
        if self._state_file.is_due():
            self.save()

    def save(self) -> None:
        """Make what was written count."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._state_file.save(self._state)


@contextlib.contextmanager
def stream(file: BinaryIO) -> Iterator[Stream]:
    """The output to ``file``; a failure in the ``with`` block says that it is not complete."""
    try:
        yield Stream(file)
    except FAILURES as error:
        raise unfinished(error, "what was written is not complete") from None


@contextlib.contextmanager
def part_file(
    path: Path, table: Described, selection: Selection, *, force: bool, clock: Any = time
) -> Iterator[PartFile]:
    """The output that becomes ``path`` after the ``with`` block, and can be continued otherwise.

    Raises OpsError when ``path`` is there and not to be replaced (``force``), or
    when the unfinished file is another export's; and with how far it came when
    the block fails.
    """
    check_replaceable(path, force=force)
    part = path.with_name(path.name + ".part")
    state_file = StateFile(part.with_name(part.name + ".json"), clock)
    with _opened(part) as file:
        identity: State = {"version": _VERSION, "table": table.id, "selection": str(selection)}
        state = _continued(file, part, state_file, identity) or identity | _beginning(selection.segments)
        file.truncate(state["bytes"])
        file.seek(state["bytes"])
        output = PartFile(file, state_file, state)
        output.save()
        try:
            yield output
        except FAILURES as error:
            output.save()
            how_far = f"{part} has {count(output.items, 'item')}, and {CONTINUES}"
            raise unfinished(error, how_far) from None
        except OSError as error:  # a full disk
            raise OpsError(f"{part}: {error.strerror}; {CONTINUES}") from None
        output.save()
        check_replaceable(path, force=force)
        part.replace(path)
    state_file.remove()


def check_replaceable(path: Path, *, force: bool) -> None:
    """Raise OpsError unless a file may be put where ``path`` is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OpsError(f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise OpsError(f"{path} is no regular file; without FILE the items go to standard output")
    if not force:
        raise OpsError(f"{path} exists; pass --force to replace it, or name another file")


def _beginning(segments: int) -> State:
    """The state of an export that has nothing yet."""
    begun = [{"after": None, "done": False} for _ in range(segments)]
    return {"bytes": 0, "items": 0, "segments": begun}


@contextlib.contextmanager
def _opened(part: Path) -> Iterator[BinaryIO]:
    """The unfinished file, to which nobody else writes."""
    try:
        file = open(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")  # noqa: SIM115
    except OSError as error:
        raise OpsError(f"{part}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpsError(f"{part} is being written by another export") from None
        yield file


def _continued(file: BinaryIO, part: Path, state_file: StateFile, identity: State) -> State | None:
    """The state of an interrupted export of the same kind; None where there is none.

    Raises OpsError when the file is something else.
    """
    size = os.fstat(file.fileno()).st_size
    if not size:
        return None
    state = state_file.load()
    if state is None:
        raise OpsError(f"{part} is in the way, and of no export; delete it, or name another FILE")
    for name, meaning in (
        ("version", "by another version of this command"),
        ("table", "of another table"),
        ("selection", f"of other items ({state.get('selection')})"),
    ):
        if state.get(name) != identity[name]:
            raise OpsError(f"{part} is an unfinished export {meaning}; finish that one, or delete {part} to begin anew")
    if size < state["bytes"]:
        raise OpsError(f"{part} is shorter than it was; delete it to begin anew")
    return state
