"""``conversations``: a user's conversations, the latest first, and whether the list matches the messages.

A row that is compared with the messages is "current", or "lags" when it does not show the last message as it is; a
conversation with messages that is not in the list is "missing", one in the list without messages is "surplus".
"""

import argparse
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from chat import queries
from chat.target import MOST, Commands, Target, command, count, user_name
from cli import output
from dynamo.values import same
from model import messages as model
from model.users import Names, user_id

Row = dict[str, Any]
_key = itemgetter(model.PARTITION_KEY, model.SORT_KEY)


def add(commands: Commands) -> None:
    """The command line of ``conversations``."""
    parser = command(commands, "conversations", "a user's conversations, latest first")
    parser.add_argument("user", type=user_name, help="the user's name, in upper or lower case")
    text = "at most N conversations (default: %(default)s)"
    parser.add_argument("--limit", type=count, default=20, metavar="N", help=text)
    text = "conversations after TIME#CONVERSATION (printed by the previous page), or older than a time"
    parser.add_argument("--before", metavar="CURSOR", type=queries.place, help=text)
    text = (
        "compare the whole list with the messages, and print also the rows of other pages that lag, are missing or are "
        "surplus: status 1 when there are any. Reads every key of the table, which costs as much as reading every item"
    )
    parser.add_argument("--check", action="store_true", help=text)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the rows; exit status 1 when a compared list differs from the messages."""
    wanted = user_id(target.person(arguments.user))
    page, more = queries.conversations(target.table, wanted, limit=arguments.limit, before=arguments.before)
    compared = _compared(target, wanted) if arguments.check else [(row, "current") for row in page]
    on_page = set(map(_key, page))
    shown = [(row, state) for row, state in compared if state != "current" or _key(row) in on_page]
    if arguments.json:
        output.array(row | {"Check": state} if arguments.check else row for row, state in shown)
    else:
        show([row for row, _ in shown], [state for _, state in shown], target.directory)
    if not shown:
        earlier = "earlier " if arguments.before else ""
        target.say(f"{output.safe_name(arguments.user)} has no {earlier}conversations in table {target.table_name}")
    states = Counter(state for _, state in compared)
    differs = states.total() != states["current"]
    if arguments.check:
        numbers = f"{states['lags']} lagging, {states['missing']} missing, {states['surplus']} surplus"
        remedy = "; if this lasts longer than a few seconds, run `python -m chat reindex`" if differs else ""
        target.say(f"{output.count(states.total(), 'conversation')} compared with the messages: {numbers}{remedy}")
    else:
        target.say(
            f"read from index {model.INDEX_NAME}, which is eventually consistent; --check compares it with the messages"
        )
    if more:
        cursor = f"{page[-1][model.INDEX_SORT_KEY]}#{queries.listed(page[-1])}"
        target.say(f"there are more: --before {shlex.quote(cursor)}")
    return 1 if differs else 0


def show(rows: Iterable[Mapping[str, Any]], states: Sequence[str], users: Names) -> None:
    """Print conversations for people, those not current with their states: tab-separated, or a table on a terminal."""
    shown = [
        [
            output.safe(row["LastMessageAt"]),
            output.safe_name(row.get("ConversationId", "?")),
            output.safe_name(row.get("OtherUser", "?")),
            output.safe(row.get("LastMessageBody", "")),
            *([] if state == "current" else [state]),
        ]
        for row, state in zip(with_names(rows, users), states, strict=True)
    ]
    if output.on_terminal():
        output.table(["last message (UTC)", "conversation", "with", "message", ""], shown)
    else:
        output.lines("\t".join(row) for row in shown)


def with_names(rows: Iterable[Mapping[str, Any]], users: Names) -> list[Row]:
    """The rows with users' names in place of ids, all of them requested together."""
    listed = [(dict(row), _participants(row.get("ConversationId")), row.get("OtherUser")) for row in rows]
    ids = {user for _, pair, other in listed for user in (*pair, other) if isinstance(user, str)}
    names = {user: name if _can_be_typed(name) else user for user, name in users.names(ids).items()}
    for row, pair, other in listed:
        if pair:
            row["ConversationId"] = "#".join(names[user] for user in pair)
        if isinstance(other, str):
            row["OtherUser"] = names[other]
    return [row for row, *_ in listed]


def _can_be_typed(name: str) -> bool:
    """Whether commands accept the name in a conversation: a user pool may have others."""
    try:
        return bool(user_id(name))
    except ValueError:
        return False


def compare(table: Any, user: str, conversations: Iterable[str]) -> list[tuple[Row, str]]:
    """Every row that the list of ``user``, an id, has or should have, with its state; those that it has first.

    ``conversations`` are the ids of all. Reads the last message of each one that is the user's.
    """
    own = {one for one in conversations if user in _participants(one)}
    rows, _ = queries.conversations(table, user, limit=MOST)
    # By key: a row that moves while the pages are read comes twice.
    listed = {_key(row): row for row in rows}
    # A listed conversation may have begun after its place in the table was read.
    own.update(map(queries.listed, rows))
    right = {_key(row): row for one in own if (row := _row(table, user, one))}
    states = [(row, _state(row, right.get(key, {}))) for key, row in listed.items()]
    return states + [(row, "missing") for key, row in right.items() if key not in listed]


def _compared(target: Target, wanted: str) -> list[tuple[Row, str]]:
    # Imported here, because only a check reads the whole table.
    from chat.reindex import all_conversations
    from chat.transfer import bar

    with bar(f"reading the keys of {target.table_name}", None) as advance:
        found = all_conversations(target.typed_client, target.table_name, advance=advance)
        return compare(target.table, wanted, found)


def _state(row: Row, right: Row) -> str:
    if not right:
        return "surplus"
    return "current" if same({name: row.get(name) for name in right}, right) else "lags"


def _row(table: Any, user: str, conversation: str) -> Row | None:
    """The row that the user's list should have for a conversation; None when it should have none."""
    last = queries.last_message(table, conversation)
    try:
        pair = model.memberships(last) if last else ()
    except ValueError:  # put by hand, with a key that no list can show
        return None
    return next((row for row in pair if row[model.INDEX_PARTITION_KEY] == user), None)


def _participants(conversation: object) -> tuple[str, ...]:
    """The ids of a conversation's users; none for text that was put by hand, or missing."""
    try:
        return model.participants(str(conversation))
    except ValueError:
        return ()
