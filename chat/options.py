"""The options that commands share, and what their values may be."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from chat import keys, store
from chat.references import sort_key_of
from chat.target import Target
from chat.transfer.sources import binary_input
from cli.command_line import Parser, add_target
from cli.errors import OpsError, UsageError
from model.messages import BODY_CHARACTERS, conversation_id
from model.users import Names, UnknownUser, user_id

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]
else:
    Commands = argparse._SubParsersAction

# What DynamoDB takes for a Limit.
MOST = 2**31 - 1
_COUNT = re.compile("[0-9]{1,10}")


def command(commands: Commands, name: str, summary: str, *, table: bool = True, writes: bool = False) -> Parser:
    """A parser for the command ``name``: which stack or ``table``, where, --json, --capacity.

    Of one that ``writes`` something may be done already when it is interrupted.
    """
    parser = commands.add_parser(name, help=summary, description=summary)
    add_target(parser, table=table)
    parser.add_argument(
        "--user-pool-id", metavar="ID", help="the Cognito user pool that knows the users' names; default: the stack's"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--capacity", action="store_true", help="say at the end how many read and write units DynamoDB counted"
    )
    parser.set_defaults(writes=writes)
    return parser


def add_message(parser: argparse.ArgumentParser, *, or_key: bool = False) -> None:
    """The arguments that name one message of a conversation, ``or_key`` any item of the table."""
    several = "?" if or_key else None
    parser.add_argument("conversation", nargs=several, type=pair, help="the two users in any order")
    parser.add_argument(
        "message",
        nargs=several,
        type=message_name,
        help="TIME#ID as `send` prints it, an id, or a beginning of one, of 4 characters or more",
    )
    if or_key:
        parser.add_argument(
            "--key", nargs="+", metavar="VALUE", help="instead of a message: the values of an item's key, here PK SK"
        )


def key_of_item(arguments: argparse.Namespace, target: Target) -> dict[str, Any]:
    """The key of the message, or of the item of --key, that is named.

    Raises UsageError for both or none, and as ``key_of_message``.
    """
    named = [value for value in (arguments.conversation, arguments.message) if value is not None]
    if arguments.key and named:
        raise UsageError(f"{named[0]!r} and --key: name a message or a key, not both")
    if arguments.key:
        return keys.key_of(target.table, arguments.key)
    if len(named) < 2:
        raise UsageError("name a message, CONVERSATION and TIME#ID or id, or an item with --key")
    return key_of_message(arguments, target)


def key_of_message(arguments: argparse.Namespace, target: Target) -> dict[str, str]:
    """The key of the message that is named. Raises OpsError unless that is exactly one."""
    wanted = conversation(arguments.conversation, target.directory)
    return store.find(target.table, wanted, arguments.message)


def add_typed(parser: argparse.ArgumentParser) -> None:
    """The option for items that plain JSON cannot spell."""
    parser.add_argument(
        "--typed",
        action="store_true",
        help='as DynamoDB JSON, {"Body": {"S": "Hi"}}: tells sets and binary from lists and text',
    )


def body(text: str) -> str:
    """The text of a message; - reads it from standard input, less the newline at its end.

    Raises UsageError unless it has 1 to BODY_CHARACTERS characters that are not
    all white space.
    """
    if text == "-":
        text = standard_input().removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise UsageError(f"the message is empty; it must have 1 to {BODY_CHARACTERS} characters")
    if len(text) > BODY_CHARACTERS:
        raise UsageError(f"the message has {len(text)} characters; at most {BODY_CHARACTERS} are allowed")
    return text


def standard_input() -> str:
    """All of standard input, less a byte order mark.

    Raises OpsError when it is closed, UsageError when it is not UTF-8.
    """
    try:
        return str(binary_input().read(), "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is not UTF-8 at byte {error.start}") from None


def pair(text: str) -> str:
    """``text``, which joins two users, whoever they are; for ``add_argument(type=...)``.

    Raises UsageError for what names no conversation.
    """
    names = text.split("#")
    if len(names) != 2:
        raise UsageError(f"{text!r} is not a conversation: two users joined by #, like jerry#tom")
    try:
        conversation_id(*names)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return text


def user_name(text: str) -> str:
    """``text``, which can name a user, whoever it is; for ``add_argument(type=...)``.

    Raises UsageError for what cannot.
    """
    try:
        user_id(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return text


def message_name(text: str) -> str:
    """``text``, which can name a message; for ``add_argument(type=...)``. Raises UsageError."""
    sort_key_of(text)
    return text


def conversation(text: str, users: Names) -> str:
    """The id of the conversation whose two ``users`` a ``pair`` joins, in any order and case.

    Raises OpsError for users whom nobody knows, UsageError for one user on both sides.
    """
    try:
        return conversation_id(*(users.resolve(name) for name in text.split("#")))
    except UnknownUser as error:
        raise OpsError(str(error)) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def user(text: str, users: Names) -> str:
    """The id of the one of ``users`` whose name the text is, in any case.

    Raises as ``person``.
    """
    return user_id(person(text, users))


def person(text: str, users: Names) -> str:
    """The one of ``users`` whose name the text is, as messages spell it.

    Raises UsageError for what names no user, OpsError for one whom nobody knows.
    """
    try:
        return users.resolve(text)
    except UnknownUser as error:
        raise OpsError(str(error)) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def count(text: str) -> int:
    """A number of things, 1 to MOST; for ``add_argument(type=...)``."""
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more, up to {MOST}")
    return int(text)
