"""Compares a user's list of conversations, which the index has, with the messages.

``table`` is a boto3 DynamoDB Table, which the caller brings. botocore's errors
pass through.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from chat import store
from dynamo.changes import key_of
from dynamo.values import same
from model.messages import INDEX_PARTITION_KEY, memberships, participants

Row = dict[str, Any]
_ALL = 2**31 - 1  # more than anybody has


class State(StrEnum):
    """How a row of a list compares with the messages of its conversation."""

    CURRENT = "current"
    LAGS = "lags"  # it does not show the last message as it is
    MISSING = "missing"  # the conversation has messages, and is not in the list
    SURPLUS = "surplus"  # it is in the list, and its conversation has no message


def compare(table: Any, user: str, conversations: Iterable[str]) -> list[tuple[Row, State]]:
    """Every row that the list of ``user``, an id, has or should have; the listed ones first.

    ``conversations`` are the ids of all conversations with messages. Reads the
    last message of each that is the user's.
    """
    own = {one for one in conversations if user in _participants(one)}
    rows, _ = store.conversations(table, user, limit=_ALL)
    # By key: a row that moves while the pages are read comes twice.
    listed = {key_of(row): row for row in rows}
    # A listed conversation may have begun after its place in the table was read.
    own.update(map(store.listed, rows))
    right = {key_of(row): row for one in own if (row := _row(table, user, one))}
    states = [(row, _state(row, right.get(key))) for key, row in listed.items()]
    return states + [(row, State.MISSING) for key, row in right.items() if key not in listed]


def _state(row: Row, right: Row | None) -> State:
    if right is None:
        return State.SURPLUS
    shown = {name: value for name, value in row.items() if name in right}
    return State.CURRENT if same(shown, right) else State.LAGS


def _row(table: Any, user: str, conversation: str) -> Row | None:
    """What the user's list should show for a conversation; None when it should show nothing."""
    last = store.last_message(table, conversation)
    try:
        pair = memberships(last) if last else ()
    except ValueError:  # put by hand, with a key that no list can show
        return None
    return next((row for row in pair if row[INDEX_PARTITION_KEY] == user), None)


def _participants(conversation: str) -> tuple[str, ...]:
    try:
        return participants(conversation)
    except ValueError:  # it lies where conversations do, and is none
        return ()
