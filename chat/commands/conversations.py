"""``conversations``: whom a user talks to, the latest first."""

import argparse
import shlex
from collections import Counter
from typing import Any

from chat import show, store
from chat.list_check import State, compare
from chat.options import Commands, command, count, user, user_name
from chat.references import place
from chat.reindex import all_conversations
from chat.target import Target
from chat.transfer.bar import bar
from cli import output
from cli.errors import OpsError
from cli.output import count as counted
from dynamo.changes import key_of
from model.messages import INDEX_NAME, INDEX_SORT_KEY

Row = dict[str, Any]


def add(commands: Commands) -> None:
    """The command line of ``conversations``."""
    parser = command(commands, "conversations", "a user's conversations, the latest first")
    parser.add_argument("user", type=user_name, help="the user's name, in any case")
    parser.add_argument("--limit", type=count, default=20, metavar="N", help="at most so many (default: %(default)s)")
    parser.add_argument(
        "--before",
        metavar="CURSOR",
        type=place,
        help="those behind TIME#CONVERSATION, as the last page said, or of messages before a time",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare the whole list with the messages, and print also the rows of other pages "
        "that lag, are missing or are surplus: status 1 when there are any. Reads every key of "
        "the table, which costs as much as reading every item",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the rows; exit status 1 when a compared list differs from the messages."""
    wanted = user(arguments.user, target.directory)
    page, more = store.conversations(target.table, wanted, limit=arguments.limit, before=arguments.before)
    compared = [(row, State.CURRENT) for row in page]
    if arguments.check:
        compared = _compared(target, wanted)
    on_page = set(map(key_of, page))
    shown = [(row, state) for row, state in compared if state is not State.CURRENT or key_of(row) in on_page]
    if arguments.json:
        output.array(row | {"Check": state} if arguments.check else row for row, state in shown)
    else:
        marks = ["" if state is State.CURRENT else state for _, state in shown]
        show.conversations([row for row, _ in shown], marks, target.directory)
    if not shown:
        earlier = "earlier " if arguments.before else ""
        target.say(f"{output.safe_name(arguments.user)} has no {earlier}conversations in table {target.table_name}")
    target.say(
        _summary(Counter(state for _, state in compared))
        if arguments.check
        else f"from the index {INDEX_NAME}, which follows messages within moments: the last seconds "
        "may be missing; --check compares"
    )
    if more:
        cursor = f"{page[-1][INDEX_SORT_KEY]}#{store.listed(page[-1])}"
        target.say(f"there are more: --before {shlex.quote(cursor)}")
    return 1 if any(state is not State.CURRENT for _, state in compared) else 0


def _compared(target: Target, wanted: str) -> list[tuple[Row, State]]:
    with bar(f"reading the keys of {target.table_name}", None) as advance:
        found = all_conversations(target.typed_client, target.table_name, advance=advance)
        try:
            return compare(target.table, wanted, found)
        except TimeoutError as error:
            raise OpsError(str(error)) from None


def _summary(states: Counter[State]) -> str:
    text = (
        f"{counted(states.total(), 'conversation')} compared with the messages: "
        f"{states[State.LAGS]} lagging, {states[State.MISSING]} missing, "
        f"{states[State.SURPLUS]} surplus"
    )
    if states.total() == states[State.CURRENT]:
        return text
    return f"{text}; if this lasts for more than moments, run `python -m chat reindex`"
