"""``python -m embedded_aws``: an AWS for any CDK app, AWS CLI or script, for as long as it is needed.

It imports nothing outside the standard library: the server's own process has the engine.
"""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from embedded_aws.environment import without_aws
from embedded_aws.process import LocalAwsError, Running, find, running

WATCH_SECONDS = 0.5
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Parser(argparse.ArgumentParser):
    """A parser that reports wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command, or wait for a signal; exit status 1 when the server or the command does not start."""
    parser = Parser(
        prog="python -m embedded_aws",
        usage="%(prog)s [--folder DIR] [COMMAND [ARG ...]]",
        description="Start an AWS on this machine and run COMMAND with it as its only AWS. "
        "Without COMMAND, print its variables as export lines and run until Ctrl-C.",
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep its log here (default: a temporary folder)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="with its arguments")
    arguments = parser.parse_args(argv)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    for signum in _ENDINGS:
        signal.signal(signum, _end)
    try:
        with _folder(arguments.folder) as folder, running(folder) as aws:
            return _run(command, aws) if command else _serve(folder, aws)
    except LocalAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _end(signum: int, _: FrameType | None) -> None:
    for other in _ENDINGS:  # a second Ctrl-C must not interrupt the clean-up
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + signum)


@contextlib.contextmanager
def _folder(named: Path | None) -> Iterator[Path]:
    if named:
        yield named.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="embedded-aws-") as temporary:
        yield Path(temporary).resolve()


def _serve(folder: Path, aws: Running) -> NoReturn:
    removed = sorted(os.environ.keys() - without_aws(os.environ).keys() - aws.variables().keys())
    for name in removed:  # AWS_PROFILE would win over the credentials
        print(f"unset {name}")
    for name, value in aws.variables().items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    print("running; stop it with Ctrl-C", file=sys.stderr)
    while find(folder):
        time.sleep(WATCH_SECONDS)
    raise LocalAwsError("the embedded AWS ended by itself; with --folder DIR, its log is DIR/server.log")


def _run(command: list[str], aws: Running) -> int:
    """The exit status of ``command``, 128 and the signal's number where a signal ended it, as in a shell."""
    try:
        process = subprocess.Popen(command, env=without_aws(os.environ) | aws.variables())
    except OSError as error:
        raise LocalAwsError(f"cannot run {command[0]!r}: {error.strerror}") from None
    # A Ctrl-C reaches the command too, which decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _: process.send_signal(number))
    status = process.wait()
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
