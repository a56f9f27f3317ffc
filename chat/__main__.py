"""``python -m chat``: parse the command line, and turn every failure into one line."""

import argparse
import sys
from contextlib import closing

from botocore.exceptions import ClientError

from chat import show
from chat.commands import COMMANDS
from chat.failures import explained
from chat.target import Target
from ops.cli import Parser, status_of
from ops.errors import UsageError


def parser() -> argparse.ArgumentParser:
    """The command line of every command."""
    top = Parser(
        prog="python -m chat",
        description="Read and write the Messages table.",
        epilog="exit status: 0 done, 1 failed, 2 wrong usage",
    )
    commands = top.add_subparsers(
        required=True, metavar="COMMAND", dest="command", parser_class=Parser
    )
    for module in COMMANDS:
        module.add(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args(given)
    show.prepare()
    return status_of(lambda: _run(arguments, given))


def _run(arguments: argparse.Namespace, given: list[str]) -> int:
    _check_characters(given)
    with closing(Target(arguments)) as target:
        try:
            return int(arguments.run(arguments, target))
        except ClientError as error:
            if better := explained(error, target):
                raise better from None
            raise
        except KeyboardInterrupt as interrupt:
            said = str(interrupt) or "what was written until then stays"
            raise KeyboardInterrupt(said) from None
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
