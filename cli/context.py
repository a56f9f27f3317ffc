"""What every command gets: where it acts, and how it speaks."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cli.clients import Clients
from cli.errors import UsageError
from cli.polling import SYSTEM_CLOCK, Clock


def to_stderr(line: str) -> None:
    """Progress, for people; standard output is for data."""
    if sys.stderr is not None:  # closed by the caller: print would take standard output instead
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run of a command against one stack's name, which is empty where it is about every one."""

    clients: Clients
    stack: str
    account: str
    region: str
    say: Callable[[str], None] = to_stderr
    clock: Clock = SYSTEM_CLOCK

    @property
    def where(self) -> str:
        """The first line of every command: a wrong account shows before anything happens."""
        return f"account {self.account}, region {self.region}, stack {self.stack}"


def number(arguments: argparse.Namespace, option: str, low: float, high: float) -> float:
    """The number given for ``option``. Raises UsageError outside ``low`` to ``high``."""
    value = float(getattr(arguments, option.lstrip("-").replace("-", "_")))
    if not low <= value <= high:
        raise UsageError(f"{option} must be between {low:g} and {high:g}, got {value:g}")
    return value
