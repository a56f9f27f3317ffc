"""How a command starts and ends: options for the stack, account and region; one line for every failure."""

import argparse
import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients
from cli.errors import OpsError, UsageError, explain
from cli.polling import SYSTEM_CLOCK, Clock
from model.names import valid_table_name

T = TypeVar("T")

# In the end Python would look for garbage in all that the SDK has loaded: a fifth of a short command.
atexit.register(gc.freeze)


def to_stderr(line: str) -> None:
    """Print progress on standard error; standard output is for results."""
    if sys.stderr is not None:  # closed by the caller: print would take standard output instead
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run of a command, on one stack or, where ``stack`` is empty, on every stack."""

    clients: Clients
    stack: str
    account: str
    region: str
    say: Callable[[str], None] = to_stderr
    clock: Clock = SYSTEM_CLOCK

    @property
    def where(self) -> str:
        """The first line that commands print: a wrong account shows before anything happens."""
        return f"account {self.account}, region {self.region}, stack {self.stack}"


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """``parse`` for ``add_argument(type=...)``, with the text of its ValueError."""

    def value(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value


def between(low: float, high: float, kind: Callable[[str], float] = float) -> Callable[[str], float]:
    """A number from ``low`` to ``high``, for ``add_argument(type=...)``."""

    def number(text: str) -> float:
        if not low <= (value := kind(text)) <= high:
            raise argparse.ArgumentTypeError(f"must be between {low:g} and {high:g}, got {value:g}")
        return value

    return number


def check_can_ask(*, yes: bool, to: str) -> None:
    """Raise UsageError if ``agree`` could not ask; for commands that work for long before they do."""
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"cannot prompt: stdin is not a terminal; to {to}, pass --yes")


def agree(question: str, *, yes: bool, to: str, done: str) -> None:
    """Raise unless the user answers yes, or has passed --yes; the errors say what to do and what was not done."""
    check_can_ask(yes=yes, to=to)
    if yes:
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OpsError(f"nothing was {done}: the answer was not yes")


class Parser(argparse.ArgumentParser):
    """A parser that reports wrong usage in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message.removeprefix('argument ')}; see {self.prog} --help\n")


def add_target(command: argparse.ArgumentParser, *, table: bool = False) -> None:
    """Add the options for the stack, or with ``table`` also a table, and for account and region."""
    target = command.add_mutually_exclusive_group()
    target.add_argument(
        "--stage", default=os.environ.get("STAGE") or "dev", help="the stack is Messages-STAGE (default: $STAGE or dev)"
    )
    target.add_argument("--stack", metavar="NAME", help="full stack name")
    if table:
        name = "table name, instead of a stack"
        target.add_argument("--table", type=checked(valid_table_name), metavar="NAME", help=name)
    add_place(command)


def add_place(command: argparse.ArgumentParser) -> None:
    """Add the options for account and region."""
    command.add_argument("--region", help="default: that of the environment or the profile")
    command.add_argument("--profile", help="AWS configuration profile")


def status_of(command: Callable[[], int]) -> int:
    """The exit status of ``command``, or of its failure, which is printed in one line. A SIGTERM is like a Ctrl-C."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if sys.stdout is None:
            raise OpsError("standard output is closed, so nothing was done; to discard the output, use >/dev/null")
        status = command()
        sys.stdout.flush()
        return status
    except OpsError as error:
        return _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except (ClientError, BotoCoreError) as error:
        return _fail(explain(error), 1)
    except BrokenPipeError:  # the reader, for example `head`, has closed the pipe
        return _fail("", 1)
    except OSError as error:
        text = error.strerror or str(error)
        # Without a file name it is standard output, for example on a full disk, or tempfile that found no folder.
        of = error.filename or ("" if isinstance(error, FileNotFoundError) else "standard output")
        return _fail(f"{of}: {text}" if of else text, 1)
    except KeyboardInterrupt as interrupt:
        detail = str(interrupt) or "run the same command again to continue"
        return _fail(f"interrupted; {detail}", 130)  # 128 + SIGINT, as shells report it


def _fail(text: str, status: int) -> int:
    """Print the error ``text``, if there is one; drop unwritten output, which Python would try to write at its end."""
    try:
        if sys.stdout is not None:  # closed by the caller
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if text:
        to_stderr(f"error: {text}")
    return status
