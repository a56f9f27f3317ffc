"""Names in place of ids in lists of conversations, as people read and type them."""

from collections.abc import Iterable, Mapping
from typing import Any

from model.messages import participants
from model.users import Names, user_id


def rows(found: Iterable[Mapping[str, Any]], users: Names) -> list[dict[str, Any]]:
    """The rows of a list with names, all of them asked for together."""
    listed = list(found)
    names = users.names(user for row in listed for user in _users(row))
    return [_named(row, names) for row in listed]


def _named(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    changed = {}
    if isinstance(other := row.get("OtherUser"), str):
        changed["OtherUser"] = names[other]
    if pair := _participants(row):
        # Commands take this; they would not take every name that a pool allows.
        changed["ConversationId"] = "#".join(names[user] if _can_be_typed(names[user]) else user for user in pair)
    return {**row, **changed}


def _users(row: Mapping[str, Any]) -> list[str]:
    other = row.get("OtherUser")
    return [*([other] if isinstance(other, str) else []), *_participants(row)]


def _participants(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the conversation's users; none of an item that was put by hand without."""
    try:
        return participants(str(row.get("ConversationId")))
    except ValueError:
        return ()


def _can_be_typed(name: str) -> bool:
    try:
        user_id(name)
    except ValueError:
        return False
    return True
