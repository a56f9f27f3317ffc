"""``python -m chat``: parses the command line, and turns every failure into one line.

A command is a module of this package, listed in COMMANDS, with two functions: ``add(commands)`` makes its parser
with ``chat.target.command``, and ``run(arguments, target)`` returns the exit status.
"""

import argparse
import sys
from contextlib import closing
from importlib import import_module

from botocore.exceptions import ClientError

from chat.target import Target
from cli import output
from cli.command_line import Parser, status_of
from cli.errors import UsageError

# The modules of the commands, in the order in which --help lists them.
COMMANDS = "conversations history follow send edit delete get put scan tables export import_ reindex users".split()


def parser() -> argparse.ArgumentParser:
    """The command line of every command."""
    top = Parser(
        prog="python -m chat",
        description="Read and write the Messages table.",
        epilog="exit status: 0 done, 1 failed, 2 wrong usage",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command", parser_class=Parser)
    for name in COMMANDS:
        module = import_module(f"chat.{name}")
        module.add(commands)
        commands.choices[name.rstrip("_")].set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    return status_of(lambda: _run(given))


def _run(given: list[str]) -> int:
    interrupted = "nothing was written"
    try:
        arguments = parser().parse_args(given)
        output.prepare()
        for argument in given:
            if argument != argument.encode(errors="ignore").decode():  # it could be neither stored nor looked up
                raise UsageError(f"{argument!a} is not UTF-8 text")
        if arguments.writes:
            interrupted = "changes made so far are kept"
        with closing(Target(arguments)) as target:
            try:
                return int(arguments.run(arguments, target))
            except ClientError as error:
                raise (target.explained(error) or error) from None
            finally:
                if target.capacity:
                    target.say(str(target.capacity))
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(str(interrupt) or interrupted) from None


if __name__ == "__main__":
    sys.exit(main())
