"""``history``: the messages of a conversation."""

import argparse
import shlex
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from chat import store
from chat.items import moment, reference, upper_bound
from chat.store import Span
from chat.target import Commands, Target, command, count, pair
from cli import output
from cli.errors import OpsError
from model.messages import SORT_KEY, Position
from model.users import Names

_ID_SHOWN = 8


def add(commands: Commands) -> None:
    """The command line of ``history``."""
    parser = command(commands, "history", "the newest messages of a conversation, oldest first")
    parser.add_argument("conversation", type=pair, help="the two users in any order, for example jerry#tom")
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=moment,
        help="messages sent at or after TIME: ISO 8601 with a time zone, or a date (00:00 UTC)",
    )
    parser.add_argument("--until", metavar="TIME", type=moment, help="messages sent at or before TIME")
    parser.add_argument(
        "--before",
        metavar="CURSOR",
        type=upper_bound,
        help="messages before TIME#ID (printed by the previous page) or before a time",
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--limit",
        type=count,
        default=20,
        metavar="N",
        help="at most N messages, the newest ones (default: %(default)s)",
    )
    number.add_argument("--all", action="store_true", help="all messages")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the messages; say how to go on when there are older ones."""
    wanted = target.conversation(arguments.conversation)
    span = Span.of(since=arguments.since, until=arguments.until, before=arguments.before or "")
    found: Iterable[dict[str, Any]]
    if arguments.all:
        found, older = store.messages(target.table, wanted, span), False
    else:
        found, older = store.newest(target.table, wanted, span, limit=arguments.limit)
    first, found = _first_of(found)
    if first is None:
        _explain_nothing(target, wanted)
    if arguments.json:
        output.array(found)
    else:
        show(found, target.directory)
    if older and first:
        cursor = reference(first[SORT_KEY])
        target.say(f"there are older messages: --before {shlex.quote(cursor)}")
    return 0


def show(messages: Iterable[Mapping[str, Any]], users: Names) -> None:
    """Print messages for people: one on each line, or a table on a terminal."""
    if not output.on_terminal():
        output.lines(message_line(message, users) for message in messages)
        return
    rows = (
        [
            output.safe(position.sent_at),
            _name(message, "FromUser", users),
            _name(message, "ToUser", users),
            output.safe(message.get("Body", "")) + (" (edited)" if "EditedAt" in message else ""),
            output.safe(position.message_id[:_ID_SHOWN]),
        ]
        for message in messages
        for position in [Position.of(str(message[SORT_KEY]))]
    )
    output.table(["sent (UTC)", "from", "to", "message", "id"], rows)


def message_line(message: Mapping[str, Any], users: Names) -> str:
    """``Tom → Jerry: Hi``, as other programs read it."""
    sender, recipient = (_name(message, side, users) for side in ("FromUser", "ToUser"))
    return f"{sender} → {recipient}: {output.safe(message.get('Body', ''))}"


def _name(message: Mapping[str, Any], side: str, users: Names) -> str:
    """The user on that side; a message that was put by hand may have none, or no text."""
    found = message.get(side)
    return output.safe_name(users.names([found])[found] if isinstance(found, str) else "?")


def _first_of(messages: Iterable[dict[str, Any]]) -> tuple[dict[str, Any] | None, Iterable[dict[str, Any]]]:
    """The first message, or None, and all of them."""
    rest = iter(messages)
    first = next(rest, None)
    return first, rest if first is None else chain([first], rest)


def _explain_nothing(target: Target, wanted: str) -> None:
    """Raise OpsError for an unknown conversation; an empty part of a known one is not a failure."""
    if store.last_message(target.table, wanted) is None:
        raise OpsError(f"conversation {wanted} has no messages in table {target.table_name}")
    target.say(f"conversation {wanted} has no messages in that time range")
