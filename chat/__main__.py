"""``python -m chat``: parse the command line, and turn every failure into one line."""

import argparse
import sys
from contextlib import closing

from chat.commands import COMMANDS
from chat.target import Target
from ops.cli import Parser, status_of


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
    arguments = parser().parse_args(argv)
    return status_of(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    with closing(Target(arguments)) as target:
        try:
            return int(arguments.run(arguments, target))
        finally:
            if arguments.capacity:
                target.say(str(target.capacity))


if __name__ == "__main__":
    sys.exit(main())
