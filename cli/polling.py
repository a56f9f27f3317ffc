"""Wait with a deadline; boto3 has no waiters for AWS Backup."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """The two functions of ``time`` that waiting needs; tests replace them."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait for ``seconds``."""


SYSTEM_CLOCK: Clock = time


class DeadlineError(Exception):
    """The result did not come in time."""


def poll(check: Callable[[], T | None], *, seconds: float, clock: Clock = SYSTEM_CLOCK, longest: float = 5.0) -> T:
    """Call ``check`` until it returns something other than None, and return that; pauses grow to ``longest`` seconds.

    ``check`` is called at least once, and once more at the deadline. Raises DeadlineError after ``seconds``.
    """
    deadline = clock.monotonic() + seconds
    pause = 0.2
    while True:
        answer = check()
        if answer is not None:
            return answer
        left = deadline - clock.monotonic()
        if left <= 0:
            raise DeadlineError(duration(seconds))
        clock.sleep(min(pause, left))
        pause = min(pause * 1.25, longest)


def duration(seconds: float) -> str:
    """``seconds`` in readable form: ``12 s``, ``3 min 5 s``, ``60 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds:.1f} s" if seconds < 10 and seconds != round(seconds) else f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


class Progress:
    """Says how far things are, each time that changes, and how long after the start."""

    def __init__(self, say: Callable[[str], object], clock: Clock = SYSTEM_CLOCK) -> None:
        self._say, self._clock, self._began = say, clock, clock.monotonic()
        self._shown: dict[str, str] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    def report(self, what: str, state: str) -> None:
        """Say the state of one of the things, if it is another than before."""
        if self._shown.get(what) != state:
            self._shown[what] = state
            self._say(f"{what}: {state} after {duration(self.elapsed)}")
