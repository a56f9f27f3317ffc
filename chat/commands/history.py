"""``history``: the messages of a conversation."""

import argparse
import shlex
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from chat import show, store
from chat.options import Commands, command, conversation, count, pair
from chat.references import moment, reference, upper_bound
from chat.store import Span
from chat.target import Target
from cli import output
from cli.errors import OpsError
from model.messages import SORT_KEY

_DEFAULT = 20


def add(commands: Commands) -> None:
    """The command line of ``history``."""
    parser = command(commands, "history", "the newest messages of a conversation, oldest first")
    parser.add_argument("conversation", type=pair, help="the two users in any order, for example jerry#tom")
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=moment,
        help="messages of this time and later: ISO 8601 with a zone, or a date, which is its midnight in UTC",
    )
    parser.add_argument("--until", metavar="TIME", type=moment, help="messages of this time and earlier")
    parser.add_argument(
        "--before",
        metavar="CURSOR",
        type=upper_bound,
        help="messages before TIME#ID, as the last page said, or before a time",
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--limit", type=count, default=_DEFAULT, metavar="N", help="at most so many, the newest (default: %(default)s)"
    )
    number.add_argument("--all", action="store_true", help="all of them")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the messages; say how to go on when there are older ones."""
    wanted = conversation(arguments.conversation, target.directory)
    span = Span.of(since=arguments.since, until=arguments.until, before=arguments.before or "")
    found: Iterable[dict[str, Any]]
    if arguments.all:
        found, older = _all(target, wanted, span), False
    else:
        found, older = store.newest(target.table, wanted, span, limit=arguments.limit)
        if not found:
            _check(target, wanted)
    if arguments.json:
        output.array(found)
    else:
        show.history(found, target.directory)
    if older:
        cursor = reference(next(iter(found))[SORT_KEY])
        target.say(f"there are older messages: --before {shlex.quote(cursor)}")
    return 0


def _all(target: Target, wanted: str, span: Span) -> Iterator[dict[str, Any]]:
    """Every message, page by page; when there is none, that is looked into first."""
    found = store.messages(target.table, wanted, span)
    first = next(found, None)
    if first is None:
        _check(target, wanted)
    else:
        yield from chain([first], found)


def _check(target: Target, wanted: str) -> None:
    """Of no messages: an empty part of a conversation is data, an unknown one a failure."""
    if store.last_message(target.table, wanted) is None:
        raise OpsError(f"conversation {wanted} has no messages in table {target.table_name}")
    target.say(f"conversation {wanted} has no message in that time")
