"""Start and stop the console as a process of its own, never longer than this one."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlencode

from local.environment import PROJECT
from local.process import LocalAwsError

STOP_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Console:
    """A running console; ``process`` ends when its standard input is closed."""

    address: str
    process: subprocess.Popen[str]

    def table_page(self, name: str) -> str:
        """The address of a table's page: what it is, and its items."""
        return f"{self.address}/resources/dynamodb?{urlencode({'table': name})}"


@contextlib.contextmanager
def running(environment: Mapping[str, str], folder: Path, *, port: int = 0) -> Iterator[Console]:
    """A console on the AWS that ``environment`` names, for the length of a ``with`` block.

    All that it writes is in a folder of its own in ``folder``, and goes with
    it. Raises LocalAwsError when it does not come up.
    """
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.console.server", str(folder.resolve()), "--port", str(port)],
            cwd=PROJECT,
            env=dict(environment),
            text=True,
            # It watches this pipe, which only this process holds open.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # a Ctrl-C meant for this process is not meant for it
        )
        try:
            yield Console(address=_address(process, errors), process=process)
        finally:
            _stop(process)


def _address(process: subprocess.Popen[str], errors: IO[str]) -> str:
    """What the server says once it listens; waits for it."""
    if address := cast(IO[str], process.stdout).readline().strip():
        return address
    process.wait()
    errors.seek(0)
    lines = errors.read().strip().splitlines() or ["it said nothing"]
    raise LocalAwsError(f"the console did not start: {lines[-1].removeprefix('error: ')}")


def _stop(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=STOP_SECONDS)  # closes its standard input
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
