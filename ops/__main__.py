"""``python -m ops``: parse the command line, and turn every failure into one line."""

import argparse
import os
import sys
from contextlib import closing
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from ops import backup, backups, cleanup, holdings, restore
from ops.clients import Clients
from ops.command import Context
from ops.errors import OpsError, UsageError, explain
from ops.stack import stack_name

COMMANDS = {
    "backup": backup,
    "backups": backups,
    "restore": restore,
    "inventory": holdings,
    "cleanup": cleanup,
}
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class _Parser(argparse.ArgumentParser):
    """Wrong usage in one line, as every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line of every command."""
    top = _Parser(
        prog="python -m ops",
        description="Back up and restore a stack's table; clean up after a destroyed one.",
        epilog="exit status: 0 done, 1 failed or something is left, 2 wrong usage",
    )
    commands = top.add_subparsers(
        required=True, metavar="|".join(COMMANDS), dest="command", parser_class=_Parser
    )
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        _add_target(command)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        command.set_defaults(run=module.run)
    return top


def _add_target(command: argparse.ArgumentParser) -> None:
    target = command.add_mutually_exclusive_group()
    target.add_argument(
        "--stage", default=os.environ.get("STAGE") or "dev",
        help="the stack is Messages-STAGE (default: $STAGE or dev)",
    )  # fmt: skip
    target.add_argument("--stack", metavar="NAME", help="the stack, by its whole name")
    command.add_argument("--region", help="default: the environment's or the profile's")
    command.add_argument("--profile", help="a profile of the AWS configuration files")


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed or something is left, 2 wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        name = stack_name(stage=arguments.stage, stack=arguments.stack)
        clients = Clients(region=arguments.region, profile=arguments.profile)
        with closing(clients):
            identity = clients.identity()
            context = Context(
                clients=clients, stack=name, account=identity.account, region=identity.region
            )
            status = int(arguments.run(arguments, context))
        sys.stdout.flush()
        return status
    except UsageError as error:
        return _fail(str(error), 2)
    except OpsError as error:
        return _fail(str(error), 1)
    except (ClientError, BotoCoreError) as error:
        return _fail(explain(error), 1)
    except BrokenPipeError:  # the reader, for example `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as interrupt:
        detail = str(interrupt) or "running the same command again continues"
        return _fail(f"interrupted; {detail}", INTERRUPTED)


def _fail(text: str, status: int) -> int:
    print(f"error: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
