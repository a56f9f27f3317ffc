"""Serve a web console of the stage's table, similar to that of AWS: StackPort, on loopback, until Ctrl-C.

``python -m local console`` runs this module with the environment of the embedded AWS.
"""

import argparse
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

from cli.clients import Clients, chosen_stack, deployed_stack
from cli.command_line import Parser, status_of
from cli.errors import OpsError, UsageError
from embedded_aws.environment import PROJECT
from embedded_aws.process import LocalAwsError
from local.folder import STATE_DIR
from local.steps import interrupt_on_terminate

STOP_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Console:
    """A running console; ``process`` ends when its standard input is closed."""

    address: str
    process: subprocess.Popen[str]

    def table_page(self, name: str) -> str:
        """The address of a table's page: the table and its items."""
        return f"{self.address}/resources/dynamodb?{urlencode({'table': name})}"


def main(argv: list[str] | None = None) -> int:
    """Serve the console; exit status 0 ended by Ctrl-C, 1 failed, 2 wrong usage."""
    interrupt_on_terminate()
    parser = Parser(prog="python -m local.console", description="Serve a web console of the stage's table.")
    parser.add_argument("--stage", default=os.environ.get("STAGE") or "dev", help="default: $STAGE or dev")
    parser.add_argument("--port", type=int, default=0, help="default: a free port")
    parser.add_argument("--folder", type=Path, default=STATE_DIR, help="folder for its files")
    arguments = parser.parse_args(argv)
    return status_of(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise UsageError("AWS_ENDPOINT_URL is not set; start the console with: python -m local console")
    with contextlib.closing(Clients()) as clients:
        table = deployed_stack(clients, chosen_stack(stage=arguments.stage)).output("TableName")
    try:
        with running(os.environ, arguments.folder, port=arguments.port) as console:
            print(console.table_page(table), flush=True)
            print("serving the console; press Ctrl-C to stop it", file=sys.stderr)
            status = console.process.wait()
    except LocalAwsError as error:
        raise OpsError(str(error)) from None
    except KeyboardInterrupt:  # how it is meant to end
        return 0
    raise OpsError(f"the console stopped unexpectedly, with status {status}")


@contextlib.contextmanager
def running(environment: Mapping[str, str], folder: Path, *, port: int = 0) -> Iterator[Console]:
    """A console on the AWS that ``environment`` names, for the length of a ``with`` block.

    It is a separate process, which never outlives this one. It writes only to a temporary folder in
    ``folder``, which is deleted at the end. Raises LocalAwsError when it does not start.
    """
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.console_server", str(folder.resolve()), "--port", str(port)],
            cwd=PROJECT,
            env=dict(environment),
            text=True,
            # It watches this pipe, which only this process holds open.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # a Ctrl-C is for this process only
        )
        try:
            yield Console(address=_address(process, errors), process=process)
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=STOP_SECONDS)  # closes its standard input
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _address(process: subprocess.Popen[str], errors: IO[str]) -> str:
    """What the server prints once it listens; waits for it."""
    if address := cast(IO[str], process.stdout).readline().strip():
        return address
    process.wait()
    errors.seek(0)
    lines = errors.read().strip().splitlines() or ["it printed nothing"]
    raise LocalAwsError(f"the console did not start: {lines[-1].removeprefix('error: ')}")


if __name__ == "__main__":
    sys.exit(main())
