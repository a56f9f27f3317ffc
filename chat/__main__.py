"""``python -m chat``: parse the command line, and turn every failure into one line."""

import argparse
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from cli.command_line import Parser, status_of
from cli.errors import UsageError

if TYPE_CHECKING:
    from chat.target import Target

_NOTHING, _PARTLY = "nothing was written", "what was written until then stays"


def parser() -> argparse.ArgumentParser:
    """The command line of every command."""
    from chat.commands import COMMANDS

    top = Parser(
        prog="python -m chat",
        description="Read and write the Messages table.",
        epilog="exit status: 0 done, 1 failed, 2 wrong usage: an argument, or the "
        "text that it stands for, has a wrong form",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command", parser_class=Parser)
    for module in COMMANDS:
        module.add(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    return status_of(lambda: _run(given))


def _run(given: list[str]) -> int:
    interrupted = _NOTHING
    try:
        # Here, where a Ctrl-C is one line: they take half of a short command's time.
        from chat.target import Target
        from cli import output

        arguments = parser().parse_args(given)
        output.prepare()
        _check_characters(given)
        interrupted = _PARTLY if arguments.writes else _NOTHING
        with closing(Target(arguments)) as target:
            return _run_on(target, arguments)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(str(interrupt) or interrupted) from None


def _run_on(target: "Target", arguments: argparse.Namespace) -> int:
    from botocore.exceptions import ClientError

    from chat.failures import explained

    try:
        return int(arguments.run(arguments, target))
    except ClientError as error:
        if better := explained(error, target):
            raise better from None
        raise
    finally:
        if arguments.capacity:
            target.say(str(target.capacity))


def _check_characters(given: list[str]) -> None:
    """Raise UsageError for bytes that are no text: nothing could be stored or looked up by them."""
    for argument in given:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{argument!a} is not UTF-8 text") from None


if __name__ == "__main__":
    sys.exit(main())
