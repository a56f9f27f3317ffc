"""``python -m ops``: parse the command line, and turn every failure into one line."""

import argparse
import sys
from contextlib import closing

from cli.command_line import Parser, add_place, add_target, status_of


def parser() -> argparse.ArgumentParser:
    """The command line of every command."""
    from ops.commands import COMMANDS, EVERY_STACK, WITHOUT_ACCOUNT

    top = Parser(
        prog="python -m ops",
        description="Back up and restore a stack's table; clean up after a destroyed one.",
        epilog="exit status: 0 done, 1 failed or something is left, 2 wrong usage",
    )
    commands = top.add_subparsers(required=True, metavar="|".join(COMMANDS), dest="command", parser_class=Parser)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        if name in EVERY_STACK:
            add_place(command)
        elif name not in WITHOUT_ACCOUNT:
            add_target(command)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        command.set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed or something is left, 2 wrong usage."""
    return status_of(lambda: _run(argv))


def _run(argv: list[str] | None) -> int:
    # Here, where a Ctrl-C is one line: they take most of a short command's time.
    from ops.commands import WITHOUT_ACCOUNT

    arguments = parser().parse_args(argv)
    if arguments.command in WITHOUT_ACCOUNT:
        return int(arguments.run(arguments))
    return _run_on_account(arguments)


def _run_on_account(arguments: argparse.Namespace) -> int:
    from cli.clients import Clients, stack_name
    from cli.command_line import Context
    from ops.commands import EVERY_STACK

    name = ""
    if arguments.command not in EVERY_STACK:
        name = stack_name(stage=arguments.stage, stack=arguments.stack)
    clients = Clients(region=arguments.region, profile=arguments.profile)
    with closing(clients):
        identity = clients.identity()
        context = Context(clients=clients, stack=name, account=identity.account, region=identity.region)
        return int(arguments.run(arguments, context))


if __name__ == "__main__":
    sys.exit(main())
