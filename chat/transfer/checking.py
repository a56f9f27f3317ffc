"""The first reading of a file that is imported: every wrong line is named, nothing is written."""

import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass

from chat.transfer.bar import Advance
from chat.transfer.lines import has_derived_id, item_of
from chat.transfer.reading import LINE_BYTES, Line, lines
from chat.transfer.sources import Source
from chat.transfer.whole_json import HEAD_BYTES, document_problem
from cli.errors import OpsError
from cli.output import count
from dynamo.changes import Key, key_of
from model.dataset import RepeatedKeys
from model.messages import is_membership, is_message
from model.wire import Typed

# As many lines with the key of another line are named; all are counted.
_NAMED = 20
Say = Callable[[str], None]


@dataclass
class Checked:
    """How many lines of a file hold what."""

    messages: int = 0
    others: int = 0
    memberships: int = 0

    @property
    def lines(self) -> int:
        """All lines that hold anything."""
        return self.messages + self.others + self.memberships

    def add(self, key: Key) -> None:
        """Count the item under ``key``."""
        if is_message(*key):
            self.messages += 1
        elif is_membership(*key):
            self.memberships += 1
        else:
            self.others += 1

    def as_object(self) -> dict[str, int]:
        """The counts by name."""
        return {"lines": self.lines, **asdict(self)}


def check(source: Source, *, say: Say, advance: Advance) -> Checked:
    """Read the whole file; ``say`` gets FILE:LINE: and what is wrong, for every wrong line.

    Raises OpsError when any is wrong, two lines would be one item, there is no
    line, or the file is one JSON document.
    """
    _check_document(source)
    checked, wrong, end = Checked(), 0, 0
    source.file.seek(0)
    try:
        with RepeatedKeys() as keys:
            for line in lines(source.file):
                try:
                    _add(line, checked, keys)
                except ValueError as error:
                    wrong += 1
                    say(f"{source.name}:{line.number}: {error}")
                advance(line.end - end)
                end = line.end
            number, repeated = wrong + checked.lines, _repeated(source, keys, say)
    except sqlite3.Error as error:
        raise OpsError(
            f"{source.name}: cannot compare the keys of its lines in a temporary file: {error}; "
            "free disk space there, or name another folder in SQLITE_TMPDIR"
        ) from None
    if wrong or repeated:
        of = count(number, "line")
        raise OpsError(f"{source.name}: {wrong + repeated:,} of {of} cannot be imported; nothing was written")
    if not checked.lines:
        raise OpsError(f"{source.name} is empty; it needs one item or message a line")
    return checked


def item_in(line: Line) -> Typed:
    """The item of a line. Raises ValueError."""
    if line.text is None:
        raise ValueError(f"is longer than {LINE_BYTES // 2**20} MiB; no item takes so much")
    return item_of(line.text)


def _check_document(source: Source) -> None:
    """Raise OpsError for a file that is one JSON document: not once for each of its lines."""
    source.file.seek(0)
    problem = document_problem(source.file.read(HEAD_BYTES))
    if problem is None:
        return
    source.file.seek(0)
    try:
        item_in(next(lines(source.file)))  # a plain item may have an attribute Items
    except ValueError:
        raise OpsError(f"{source.name} {problem}") from None


def _add(line: Line, checked: Checked, keys: RepeatedKeys) -> None:
    """Count the item of a line, and note its key if it is to be written. Raises ValueError."""
    key = key_of(item_in(line))
    checked.add(key)
    if not is_membership(*key):
        keys.add(line.number, *key)


def _repeated(source: Source, keys: RepeatedKeys, say: Say) -> int:
    """Name the first lines that have the key of an earlier line; how many there are in all."""
    pairs = keys.first(_NAMED)
    derived = _with_derived_id(source, {number for pair in pairs for number in pair})
    for earlier, later in pairs:
        if derived & {earlier, later}:
            problem = (
                f"is another message of the same users and time as line {earlier}; "
                "give one of them an 'id' of its own, or remove one"
            )
        else:
            problem = f"is the same item as line {earlier}; remove one of them"
        say(f"{source.name}:{later}: {problem}")
    return keys.count() if pairs else 0


def _with_derived_id(source: Source, numbers: set[int]) -> set[int]:
    """Those of the lines that are messages whose id follows from users and time."""
    if not numbers:
        return set()
    source.file.seek(0)
    return {
        line.number for line in lines(source.file) if line.number in numbers and line.text and has_derived_id(line.text)
    }
