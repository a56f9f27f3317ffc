"""``python -m ops``: every command, and what each needs."""

import argparse
import sys
from contextlib import closing
from importlib import import_module

from cli import clients
from cli.command_line import Context, Parser, add_place, add_target, status_of

# The modules of the commands, in the order in which --help lists them.
MODULES = (
    "backup backups restore.command recover.command inventory.command orphans cleanup.command cost.command "
    "review.command plan apply unplan drift"
)
COMMANDS = {module.removesuffix(".command"): import_module(f"ops.{module}") for module in MODULES.split()}
# These read files only, or look into each region of a stage.
WITHOUT_ACCOUNT = {"cost", "review", "plan", "apply", "unplan", "drift"}
# These look at every stack in the region: naming one would have no effect.
EVERY_STACK = {"orphans"}


def parser() -> argparse.ArgumentParser:
    """The command line of every command."""
    top = Parser(
        prog="python -m ops",
        description="Back up and restore a stack's table; clean up after a destroyed stack.",
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
    arguments = parser().parse_args(argv)
    if arguments.command in WITHOUT_ACCOUNT:
        return int(arguments.run(arguments))
    one_stack = arguments.command not in EVERY_STACK
    stack = clients.chosen_stack(stage=arguments.stage, stack=arguments.stack) if one_stack else ""
    with closing(clients.Clients(region=arguments.region, profile=arguments.profile)) as made:
        context = Context(clients=made, stack=stack, account=made.account(), region=made.region)
        return int(arguments.run(arguments, context))


if __name__ == "__main__":
    sys.exit(main())
