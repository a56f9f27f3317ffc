"""The entries of a clean-up's lists, and the lists themselves."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

# What things are called in every list, in the order in which they go.
LOCK, JOB, POINT, BACKUP, VAULT, ROLE, KEY, LOGS = (
    "vault lock",
    "backup job",
    "recovery point",
    "table backup",
    "backup vault",
    "role",
    "key",
    "log group",
)
TABLE, COPY = "table", "copy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing in a list: to delete, left over or staying; ``reason`` and ``until`` say why."""

    kind: str
    id: str
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``actions`` in order; ``blocked`` should go and cannot; ``stays`` is not to go (yet)."""

    actions: tuple[Item, ...]
    blocked: tuple[Item, ...]
    stays: tuple[Item, ...]

    @property
    def summary(self) -> str:
        """The actions in numbers: ``2 recovery points, 1 role``."""
        counts = Counter(action.kind for action in self.actions if action.kind != JOB)
        return ", ".join(count(number, kind) for kind, number in counts.items())


def count(number: int, kind: str = POINT) -> str:
    """``number`` of a kind, for people: ``1 role``, ``2 roles``."""
    return f"{number} {kind if number == 1 else kind + 's'}"
