"""The options that commands share, and what their values may be."""

import argparse
from typing import TYPE_CHECKING

from chat.model import conversation_id, user_id
from ops.cli import Parser, add_target
from ops.errors import UsageError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]
else:
    Commands = argparse._SubParsersAction


def command(commands: Commands, name: str, summary: str, *, table: bool = True) -> Parser:
    """A parser for the command ``name``: which stack or ``table``, where, --json, --capacity."""
    parser = commands.add_parser(name, help=summary, description=summary)
    add_target(parser, table=table)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--capacity", action="store_true",
        help="say at the end how many read and write units DynamoDB counted",
    )  # fmt: skip
    return parser


def conversation(text: str) -> str:
    """The id of the conversation whose two users ``text`` joins, in any order and case.

    Raises UsageError for what names no conversation.
    """
    users = text.split("#")
    if len(users) != 2:
        raise UsageError(f"{text!r} is not a conversation: two users joined by #, like jerry#tom")
    try:
        return conversation_id(*users)
    except ValueError as error:
        raise UsageError(str(error)) from None


def user(text: str) -> str:
    """The id of the user whose name ``text`` is, in any case. Raises UsageError."""
    try:
        return user_id(text)
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
