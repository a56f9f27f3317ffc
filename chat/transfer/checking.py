"""The first reading of a file that is imported: every wrong line is named, nothing is written."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from chat.model import is_membership, is_message
from chat.transfer.bar import Advance
from chat.transfer.lines import item_of
from chat.transfer.reading import LINE_BYTES, Line, lines
from chat.transfer.sources import Source
from ops.errors import OpsError
from ops.show import count
from seed.changes import Key, key_of
from seed.wire import Typed


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


def check(source: Source, *, say: Callable[[str], None], advance: Advance) -> Checked:
    """Read the whole file; ``say`` gets FILE:LINE: and what is wrong, for every wrong line.

    Raises OpsError when any is wrong, or there is none.
    """
    checked, wrong, end = Checked(), 0, 0
    source.file.seek(0)
    for line in lines(source.file):
        try:
            checked.add(key_of(item_in(line)))
        except ValueError as error:
            wrong += 1
            say(f"{source.name}:{line.number}: {error}")
        advance(line.end - end)
        end = line.end
    if wrong:
        of = count(wrong + checked.lines, "line")
        raise OpsError(f"{source.name}: {wrong:,} of {of} cannot be imported; nothing was written")
    if not checked.lines:
        raise OpsError(f"{source.name} is empty; it needs one item or message a line")
    return checked


def item_in(line: Line) -> Typed:
    """The item of a line. Raises ValueError."""
    if line.text is None:
        raise ValueError(f"is longer than {LINE_BYTES // 2**20} MiB; no item takes so much")
    return item_of(line.text)
