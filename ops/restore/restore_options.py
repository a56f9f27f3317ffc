"""The command line of ``python -m ops restore``."""

import argparse
from typing import Any

from cli.command_line import number
from cli.errors import UsageError
from ops.inventory import stack_tables
from ops.restore import origins, restorer

_OPTIONS: dict[str, dict[str, Any]] = {
    "--table": {"metavar": "NAME", "help": "the source (default: the stack's table)"},
    "--role": {"metavar": "ARN", "help": "AWS Backup restores as it (default: the stack's role)"},
    "--kms-key": {
        "metavar": "ARN",
        "help": "encrypt the new table with this key (default: the source's; for a copy in another region its vault's)",
    },
    "--reapply": {
        "action": "store_true",
        "help": "give the new table the source's tags, TTL, stream, recovery and protection",
    },
    "--no-compare": {"action": "store_true", "help": "do not compare source and target"},
    "--expect-differences": {
        "action": "store_true",
        "help": "differences are no failure: the source was written to since",
    },
    "--show": {"type": int, "default": 20, "metavar": "N", "help": "print the first N differences (default: 20)"},
    "--rate": {
        "type": float,
        "default": 3000,
        "metavar": "N",
        "help": "compare with at most N read units (4 KB each) a second (default: 3000)",
    },
    "--resume": {"action": "store_true", "help": "an earlier run began the restore: wait for it and go on"},
    "--timeout": {
        "type": float,
        "default": 720,
        "metavar": "MINUTES",
        "help": "stop waiting after this; the restore goes on (default: 720)",
    },
}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare arguments and options."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "arn", nargs="?", metavar="ARN", help="a recovery point or backup (default: the newest recovery point)"
    )
    what.add_argument("--to-time", metavar="TIME", help="the table at TIME, ISO 8601 with a zone")
    what.add_argument("--latest", action="store_true", help="the table at the latest possible time")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--target", metavar="NAME", help="the table to make")
    where.add_argument(
        "--drill", action="store_true", help="to a temporary table: restore, compare, measure, remove it again"
    )
    for name, option in _OPTIONS.items():
        parser.add_argument(name, **option)


def check(arguments: argparse.Namespace) -> float:
    """The seconds to wait at most. Raises UsageError for what can be no restore."""
    number(arguments, "--show", 0, 10_000)
    number(arguments, "--rate", 1, 1_000_000)
    restorer.check(arguments.role, arguments.kms_key)
    if arguments.to_time is not None:
        origins.moment(arguments.to_time)
    if arguments.table is not None:
        stack_tables.check_name("--table", arguments.table)
    if arguments.target is not None:
        stack_tables.check_name("--target", arguments.target)
    elif arguments.reapply or arguments.resume:
        raise UsageError("a drill's table goes again: leave out --reapply and --resume")
    return 60 * number(arguments, "--timeout", 0.01, 7 * 24 * 60)
