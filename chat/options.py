"""The options that commands share, and what their values may be."""

import argparse
from typing import TYPE_CHECKING

from chat.directory import Names, UnknownUser
from chat.model import conversation_id, user_id
from ops.cli import Parser, add_target
from ops.errors import OpsError, UsageError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]
else:
    Commands = argparse._SubParsersAction


def command(commands: Commands, name: str, summary: str, *, table: bool = True) -> Parser:
    """A parser for the command ``name``: which stack or ``table``, where, --json, --capacity."""
    parser = commands.add_parser(name, help=summary, description=summary)
    add_target(parser, table=table)
    parser.add_argument(
        "--user-pool-id", metavar="ID",
        help="the Cognito user pool that knows the users' names; default: the stack's",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--capacity", action="store_true",
        help="say at the end how many read and write units DynamoDB counted",
    )  # fmt: skip
    return parser


def conversation(text: str, users: Names) -> str:
    """The id of the conversation whose two ``users`` the text joins, in any order and case.

    Raises UsageError for what names no conversation, OpsError for users whom nobody knows.
    """
    names = text.split("#")
    if len(names) != 2:
        raise UsageError(f"{text!r} is not a conversation: two users joined by #, like jerry#tom")
    try:
        conversation_id(*names)  # the form first, whoever it means
        return conversation_id(*(users.resolve(name) for name in names))
    except UnknownUser as error:
        raise OpsError(str(error)) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def user(text: str, users: Names) -> str:
    """The id of the one of ``users`` whose name the text is, in any case.

    Raises UsageError for what names no user, OpsError for one whom nobody knows.
    """
    try:
        return user_id(users.resolve(text))
    except UnknownUser as error:
        raise OpsError(str(error)) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def count(text: str) -> int:
    """A number of things, at least 1; for ``add_argument(type=...)``."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return number
