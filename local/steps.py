"""Numbered steps that run a person's own commands and say one line about each."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.environment import PROJECT
from local.process import Running, find

# Every step ends: what takes longer has hung.
STEP_SECONDS = 600
_LAST_WORDS_SECONDS = 5
_WIDTH = 12
_LINES_SHOWN = 15


class StepFailed(Exception):
    """A command ended badly; the text says which one, why, and where its output is."""


class Steps:
    """Prints the steps of a run and keeps what their commands print in ``log``."""

    def __init__(self, log: Path) -> None:
        """Raises StepFailed when ``log`` cannot be written."""
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("")
        except OSError as error:
            raise StepFailed(f"{log}: {error.strerror}; name another folder") from None
        self._log, self._number = log, 0
        self._begun = time.monotonic()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """One step: what its body appends to the list is printed, with the time it took."""
        self._number += 1
        print(f"{self._number:2}  {name:{_WIDTH}}", end="", flush=True)
        begun, said = time.monotonic(), list[str]()
        try:
            yield said
        except BaseException as error:  # raised again: only the line is to be finished
            print("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", flush=True)
            raise
        first, *more = said or ["done"]
        print(f"{first}  ({time.monotonic() - begun:.1f} s)", flush=True)
        for line in more:
            print(f"    {'':{_WIDTH}}{line}", flush=True)

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path = PROJECT,
        seconds: float = STEP_SECONDS,
    ) -> str:
        """The standard output of ``command``.

        Raises StepFailed when its status is not 0 or it takes longer than
        ``seconds``. It gets a process group of its own, which goes with it: an
        interrupt leaves neither the CDK CLI nor the app that it started behind.
        """
        try:
            process = _started(command, environment, cwd)
        except OSError as error:
            raise StepFailed(f"cannot run `{command[0]}`: {error.strerror}; try `make setup`") from None
        output, errors, in_time = _communicate(process, seconds)
        shown = " ".join(command)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {shown}\n{output}{errors or ''}\n")
        if not in_time:
            raise StepFailed(f"`{shown}` did not end within {seconds:g} s and was stopped (all output: {self._log})")
        if process.returncode != 0:
            last = (errors or output).strip().splitlines()[-_LINES_SHOWN:]
            raise StepFailed(
                "\n".join([f"`{shown}` ended with status {process.returncode}:", *last, f"(all output: {self._log})"])
            )
        return output

    @property
    def seconds(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._begun


def _started(command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> subprocess.Popen[str]:
    # The CDK CLI reports progress and errors on both streams.
    errors = subprocess.STDOUT if command[0] == "cdk" else subprocess.PIPE
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environment),
        encoding="utf-8",  # whatever the locale
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )


def _communicate(process: subprocess.Popen[str], seconds: float) -> tuple[str, str, bool]:
    """What ``process`` printed on both streams, and whether it ended in time; it has ended."""
    try:
        return *process.communicate(timeout=seconds), True
    except subprocess.TimeoutExpired:
        _kill(process)
        # Without a limit, a process that left the group would be waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return *process.communicate(timeout=_LAST_WORDS_SECONDS), False
        return "", "", False
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End ``process`` and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def depending_on(running: Running, state_dir: Path) -> Iterator[None]:
    """Say in one line that ``running`` has ended, where a step of the block failed for that.

    What the step's command printed of it is in the log of the steps.
    """
    try:
        yield
    except StepFailed:
        if find(state_dir) == running:
            raise
        raise StepFailed(
            "the embedded AWS ended during this step, by a signal or by itself; run the same "
            f"command again (its log: {state_dir / 'server.log'})"
        ) from None


def interrupt_on_terminate() -> None:
    """Let SIGTERM and a closed terminal end the program as a Ctrl-C does: through its clean-up."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
