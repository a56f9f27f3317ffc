"""What the person who starts a clean-up chooses, from the command line."""

import argparse
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cli.command_line import Context
from cli.errors import UsageError
from ops.cleanup.selection import Selection, age


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The choices that decide the plan; ``now`` is one moment for the whole command."""

    selection: Selection = field(default_factory=Selection)
    tables: tuple[str, ...] = ()
    unlock: bool = False
    deployed: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that ``choices`` reads, and ``--account``."""
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="NAME",
        help="a former table of the stack whose on-demand backups go too (repeatable)",
    )
    parser.add_argument(
        "--only-table", metavar="NAME", help="delete this table's recovery points only; vault, role and the rest stay"
    )
    parser.add_argument(
        "--older-than", metavar="AGE", help="delete recovery points older than 36h, 30d or 8w only; the rest stays"
    )
    parser.add_argument(
        "--keep-last", type=int, metavar="N", help="keep the newest N good recovery points of each table, and the rest"
    )
    parser.add_argument(
        "--while-deployed",
        action="store_true",
        help="allow a stack that is deployed; needs --only-table, --older-than or --keep-last",
    )
    parser.add_argument(
        "--unlock", action="store_true", help="remove a vault lock that can be removed, before its recovery points"
    )
    parser.add_argument("--account", metavar="ID", help="refuse to act in any other account than this one")


def choices(arguments: argparse.Namespace) -> Choices:
    """The choices in ``arguments``. Raises UsageError for those that make no sense."""
    now = datetime.now(UTC)
    last = arguments.keep_last
    if last is not None and last < 0:
        raise UsageError(f"--keep-last must be 0 or more, got {last}")
    if arguments.only_table == "":
        raise UsageError("--only-table must name a table")
    before = None if arguments.older_than is None else now - age(arguments.older_than)
    selection = Selection(table=arguments.only_table or "", before=before, keep_last=last)
    if arguments.while_deployed and not selection.partial:
        raise UsageError(
            "--while-deployed would delete every backup of a table in use; say which ones with "
            "--older-than, --keep-last or --only-table"
        )
    return Choices(
        selection=selection,
        tables=tuple(arguments.table),
        unlock=arguments.unlock,
        deployed=arguments.while_deployed,
        now=now,
    )


def check_account(wanted: str | None, context: Context) -> None:
    """Raise UsageError unless the credentials belong to the account ``wanted``, if any."""
    if wanted is not None and wanted != context.account:
        raise UsageError(
            f"--account {wanted}, but the credentials belong to account {context.account}; "
            "check --profile and the AWS_* variables"
        )
