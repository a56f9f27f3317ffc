"""How far an import came, remembered beside its file until it is complete.

What is remembered is the line up to which everything is written. A run that
continues may write some lines again, which changes nothing: puts of the same
items.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chat.transfer.parts import Part
from chat.transfer.patience import CONTINUES
from chat.transfer.sources import Source
from chat.transfer.state import State, StateFile
from chat.transfer.tables import Described
from chat.transfer.writing import Outcome
from cli.errors import OpsError

SKIPPED = "memberships_skipped"
# 2: no two lines of the file have the same key.
_VERSION = 2


@dataclass(frozen=True)
class _Done:
    """Up to which line, and where that ends, everything is written, and what became of it."""

    line: int = 0
    offset: int = 0
    counts: dict[str, int] = field(default_factory=dict)


class Progress:
    """How far one import of a file into a table came, in this run and those that it continues."""

    def __init__(self, source: Source, table: Described, *, if_absent: bool, say: Callable[[str], None]) -> None:
        self.if_absent = if_absent
        self._source, self._table, self._say = source, table, say
        self._state = StateFile(_state_path(source.path, table)) if source.path else None
        self._identity: State = {}
        self._stamp = source.stamp()
        self._done = _Done()

    @property
    def line(self) -> int:
        """Up to which everything is written."""
        return self._done.line

    @property
    def offset(self) -> int:
        """Where that line ends."""
        return self._done.offset

    @property
    def counts(self) -> dict[str, int]:
        """What became of the lines so far."""
        return self._done.counts

    def resume(self) -> bool:
        """Take up what an interrupted run left; False when there is nothing of that kind.

        Raises OpsError when the file, the table or the options are others than then.
        """
        if self._state is None:
            return False
        self._identity = {
            "version": _VERSION,
            "table": self._table.id,
            "if_absent": self.if_absent,
            "size": self._source.size(),
            "sha256": self._source.digest(),
        }
        state = self._state.load()
        if state is None:
            return False
        if different := [name for name in self._identity if state.get(name) != self._identity[name]]:
            raise OpsError(
                f"{self._state.path} is of an interrupted import with another "
                f"{_MEANING[different[0]]}; delete it to begin anew"
            )
        self._done = _Done(state["line"], state["offset"], state["counts"])
        return True

    def add(self, part: Part, outcomes: Counter[Outcome]) -> None:
        """Count the part that comes next as written; save that now and then."""
        counts = Counter(self.counts)
        counts.update({outcome.value: number for outcome, number in outcomes.items()})
        counts[SKIPPED] += part.memberships
        # In one step: an interruption between two would count the part twice.
        self._done = _Done(part.last, part.end, dict(counts))
        if self._state and self._state.is_due():
            self.save()

    def save(self) -> None:
        """Let another run continue from here; where that cannot be, it is said once."""
        if self._state is None or not self.line:
            return
        try:
            self._state.save(self._identity | asdict(self._done))
        except OSError as error:
            self._say(f"{self._state.path}: {error.strerror}; an interrupted import begins anew")
            self._state = None

    def complete(self) -> None:
        """Nothing is left to continue. Raises OpsError for a file that was written to meanwhile."""
        if self._source.stamp() != self._stamp:
            raise self.changed()
        self._forget()

    def changed(self) -> OpsError:
        """The error for a file that is another one now; nothing of it can be continued."""
        self._forget()
        return OpsError(
            f"{self._source.name} was changed while it was imported, and is written in part; import it again"
        )

    def how_far(self) -> str:
        """How far it came, and how to go on, to be said of a failure."""
        done = f"what is up to line {self.line} of {self._source.name} is written"
        return f"{done}, and {CONTINUES}" if self._state else done

    def _forget(self) -> None:
        if self._state:
            self._state.remove()
            self._state = None


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
