"""Numbered steps that run a person's own commands and say one line about each."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.environment import PROJECT

_WIDTH = 12
_LINES_SHOWN = 15


class StepFailed(Exception):
    """A command ended badly; the text says which one, why, and where its output is."""


class Steps:
    """Prints the steps of a run and keeps what their commands print in ``log``."""

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
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
        self, command: Sequence[str], *, environment: Mapping[str, str], cwd: Path = PROJECT
    ) -> str:
        """The standard output of ``command``. Raises StepFailed when its status is not 0.

        It gets a process group of its own, which goes with it: an interrupt
        leaves neither the CDK CLI nor the app that it started behind.
        """
        try:
            process = _started(command, environment, cwd)
        except OSError as error:
            raise StepFailed(
                f"cannot run `{command[0]}`: {error.strerror}; try `make setup`"
            ) from None
        try:
            output, errors = process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shown = " ".join(command)
        with self._log.open("a") as log:
            log.write(f"$ {shown}\n{output}{errors or ''}\n")
        if process.returncode != 0:
            last = (errors or output).strip().splitlines()[-_LINES_SHOWN:]
            raise StepFailed("\n".join([f"`{shown}` ended with status {process.returncode}:", *last,
                                        f"(all output: {self._log})"]))  # fmt: skip
        return output

    @property
    def seconds(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._begun


def _started(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path
) -> subprocess.Popen[str]:
    # The CDK CLI reports progress and errors on both streams.
    errors = subprocess.STDOUT if command[0] == "cdk" else subprocess.PIPE
    return subprocess.Popen(
        command, cwd=cwd, env=dict(environment), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
    )  # fmt: skip


def interrupt_on_terminate() -> None:
    """Let SIGTERM and a closed terminal end the program as a Ctrl-C does: through its clean-up."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
