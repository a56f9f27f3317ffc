"""``history``: the messages of a conversation."""

import argparse
import shlex
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from chat import queries
from chat.target import Commands, Target, command, count, pair
from cli import output
from cli.errors import OpsError
from model.messages import SORT_KEY, Position
from model.users import Names


def add(commands: Commands) -> None:
    """The command line of ``history``."""
    parser = command(commands, "history", "the newest messages of a conversation, oldest first")
    parser.add_argument("conversation", type=pair, help="the two users in any order, for example jerry#tom")
    text = "messages sent at or after TIME: ISO 8601 with a time zone, or a date (00:00 UTC)"
    parser.add_argument("--since", metavar="TIME", type=queries.first_at, help=text)
    parser.add_argument("--until", metavar="TIME", type=queries.last_at, help="messages sent at or before TIME")
    text = "messages before TIME#ID (printed by the previous page) or before a time"
    parser.add_argument("--before", metavar="CURSOR", type=queries.upper_bound, help=text)
    number = parser.add_mutually_exclusive_group()
    text = "at most N messages, the newest ones (default: %(default)s)"
    number.add_argument("--limit", type=count, default=20, metavar="N", help=text)
    number.add_argument("--all", action="store_true", help="all messages")


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the messages; say how to list older ones, if any."""
    wanted = target.conversation(arguments.conversation)
    bounds = {"first": arguments.since, "last": arguments.until, "before": arguments.before}
    found: Iterable[dict[str, Any]]
    if arguments.all:
        found, older = queries.messages(target.table, wanted, **bounds), False
    else:
        found, older = queries.newest(target.table, wanted, limit=arguments.limit, **bounds)
    rest = iter(found)
    first = next(rest, None)
    if first is None:
        if queries.last_message(target.table, wanted) is None:
            raise OpsError(f"conversation {wanted} has no messages in table {target.table_name}")
        target.say(f"conversation {wanted} has no messages in that time range")
    found = chain([first] if first else [], rest)
    if arguments.json:
        output.array(found)
    else:
        show(found, target.directory)
    if older and first:
        target.say(f"there are older messages: --before {shlex.quote(queries.reference(first[SORT_KEY]))}")
    return 0


def show(messages: Iterable[Mapping[str, Any]], users: Names) -> None:
    """Print messages for people: one on each line, or a table on a terminal."""
    if not output.on_terminal():
        output.lines(message_line(message, users) for message in messages)
        return
    rows = []
    for message in messages:
        position = Position.of(str(message[SORT_KEY]))
        body = output.safe(message.get("Body", "")) + (" (edited)" if "EditedAt" in message else "")
        people = [_name(message, side, users) for side in ("FromUser", "ToUser")]
        rows.append([output.safe(position.sent_at), *people, body, output.safe(position.message_id[:8])])
    output.table(["sent (UTC)", "from", "to", "message", "id"], rows)


def message_line(message: Mapping[str, Any], users: Names) -> str:
    """``Tom → Jerry: Hi``, as other programs read it."""
    sender, recipient = (_name(message, side, users) for side in ("FromUser", "ToUser"))
    return f"{sender} → {recipient}: {output.safe(message.get('Body', ''))}"


def _name(message: Mapping[str, Any], side: str, users: Names) -> str:
    """The user on that side; a message that was put by hand may have none, or no text."""
    found = message.get(side)
    return output.safe_name(users.names([found])[found] if isinstance(found, str) else "?")
