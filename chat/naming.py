"""Names in place of ids, in what is shown to people; JSON keeps what is stored."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chat.directory import Names
from chat.model import check_user, participants

_USERS = ("FromUser", "ToUser", "OtherUser")
Row = dict[str, Any]


def messages(found: Iterable[Mapping[str, Any]], users: Names) -> Iterator[Row]:
    """Messages with the names of their users, as they come: a conversation has but two."""
    for message in found:
        yield _named(message, users.names(_ids(message)))


def rows(found: Iterable[Mapping[str, Any]], users: Names) -> list[Row]:
    """A list of conversations with names, all of them asked for together."""
    listed = list(found)
    names = users.names(user for row in listed for user in _ids(row))
    return [_named(row, names) for row in listed]


def conversation(conversation_id: str, users: Names) -> str:
    """A conversation as commands take it: two names joined by #."""
    return _conversation(conversation_id, users.names(_participants(conversation_id)))


def _named(item: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    changed = {side: names.get(item[side], item[side]) for side in _USERS
               if isinstance(item.get(side), str)}  # fmt: skip
    if isinstance(whole := item.get("ConversationId"), str):
        changed["ConversationId"] = _conversation(whole, names)
    return {**item, **changed}


def _conversation(conversation_id: str, names: Mapping[str, str]) -> str:
    """With the ids of those whose names no command would take."""
    return "#".join(
        name if _can_be_typed(name := names.get(user, user)) else user
        for user in _participants(conversation_id)
    ) or conversation_id  # fmt: skip


def _participants(conversation_id: str) -> tuple[str, ...]:
    """The ids of its users; none of what was put by hand and is no conversation."""
    try:
        return participants(conversation_id)
    except ValueError:
        return ()


def _ids(item: Mapping[str, Any]) -> Iterator[str]:
    yield from (item[side] for side in _USERS if isinstance(item.get(side), str))
    if isinstance(whole := item.get("ConversationId"), str):
        yield from _participants(whole)


def _can_be_typed(name: str) -> bool:
    try:
        check_user(name)
    except ValueError:
        return False
    return True
