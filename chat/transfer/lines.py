"""One line of a file and the item that it stands for. Pure.

What is written is DynamoDB JSON, ``{"Item": {"pk": {"S": "..."}}}``, one item a
line: exact for sets, binary and numbers of 38 digits, and what DynamoDB's own
import from S3 reads as DYNAMODB_JSON
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html).
"""

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dynamo.changes import Key, key_of
from dynamo.values import from_plain, item_bytes, named, restored
from model.dataset import line_item
from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    ITEM_BYTES,
    KEY_BYTES,
    PARTITION_KEY,
    SORT_KEY,
    Position,
    check_entry,
    conversation_id,
    is_message,
    participants,
)
from model.strict_json import parsed
from model.users import check_user
from model.wire import Typed, from_wire, to_wire

_ITEM = "Item"
_MESSAGE = frozenset({"from", "to", "body", "at"})
# The keys of table and index must be text of at most so many bytes.
_KEYS = KEY_BYTES | {INDEX_PARTITION_KEY: KEY_BYTES[PARTITION_KEY], INDEX_SORT_KEY: KEY_BYTES[SORT_KEY]}


def line_of(item: Typed) -> bytes:
    """The line of an item as the API gives it, with its line end.

    The same item always has the same line, so that sorted files can be compared.
    """
    return (
        json.dumps(
            {_ITEM: {name: _spelled(item[name]) for name in sorted(item)}}, ensure_ascii=False, separators=(",", ":")
        ).encode()
        + b"\n"
    )


def item_of(line: bytes) -> Typed:
    """The item of a line, as the API takes it.

    A line is DynamoDB JSON (``{"Item": ...}``), an item in plain JSON, which has
    ``pk`` and ``sk``, or a message of a dataset, which has ``from``, ``to``,
    ``body`` and ``at`` (model/dataset_line.py). Raises ValueError with the rule
    of DynamoDB or of the data model that it breaks.
    """
    value = parsed(line, parse_int=Decimal)
    try:
        item = _item(value)
        _check(item)
    except UnicodeEncodeError:
        raise ValueError("a text has half of a surrogate pair, which is no character") from None
    return item


def has_derived_id(line: bytes) -> bool:
    """Whether a line that has an item is a message whose id follows from its users and time."""
    value = parsed(line, parse_int=Decimal)
    return not (_ITEM in value or PARTITION_KEY in value or "id" in value)


def _item(value: object) -> Typed:
    if not isinstance(value, Mapping):
        raise ValueError("is not a JSON object")
    if _ITEM in value:
        if others := sorted(value.keys() - {_ITEM}):
            raise ValueError(f"has {others[0]!r} beside 'Item'")
        attributes = value[_ITEM]
        if not isinstance(attributes, Mapping):
            raise ValueError("'Item' is not an object of attributes")
        return {name: restored(name, content) for name, content in named(attributes)}
    if PARTITION_KEY in value or SORT_KEY in value:
        return {name: from_plain(name, content) for name, content in named(value)}
    if _MESSAGE & value.keys():
        return from_wire(to_wire(line_item(value)))
    raise ValueError('is none of {"Item": ...}, an item with pk and sk, a message with from, to, body and at')


def _check(item: Typed) -> None:
    """Raise ValueError for what DynamoDB, or the stream's function, would refuse."""
    for name in (PARTITION_KEY, SORT_KEY):
        if name not in item:
            raise ValueError(f"has no {name}; every item of the table has pk and sk")
    for name, most in _KEYS.items():
        if name in item:
            _check_key(name, item[name], most)
    _check_message(key_of(item))
    if (size := item_bytes(item)) > ITEM_BYTES:
        raise ValueError(f"the item has {size} bytes; DynamoDB allows {ITEM_BYTES}")


def _check_key(name: str, value: Mapping[str, Any], most: int) -> None:
    ((kind, content),) = value.items()
    if kind != "S" or not content:
        raise ValueError(f"the key {name} must be text, and not empty")
    if (size := len(content.encode())) > most:
        raise ValueError(f"the key {name} has {size} bytes; DynamoDB allows {most}")


def _check_message(key: Key) -> None:
    """A message must lie where its two users' lists can find it."""
    if not is_message(*key):
        return
    conversation, position = key[0].removeprefix(CONVERSATION_PREFIX), Position.of(key[1])
    users = participants(conversation)
    if (spelled := conversation_id(*users)) != conversation:
        raise ValueError(f"conversation {conversation!r} is spelled {spelled!r} in the table")
    for user in users:
        check_user(user)
    check_entry(conversation)
    if not (position.sent_at and position.message_id):
        raise ValueError(f"the sk of a message is MESSAGE#TIME#ID, not {key[1]!r}")


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value as JSON spells it: binary in base64, sets in one order."""
    ((kind, content),) = value.items()
    if kind == "B":
        content = base64.b64encode(bytes(content)).decode()
    elif kind == "BS":
        content = sorted(base64.b64encode(bytes(member)).decode() for member in content)
    elif kind == "SS":
        content = sorted(content)
    elif kind == "NS":
        content = sorted(content, key=Decimal)
    elif kind == "L":
        content = [_spelled(member) for member in content]
    elif kind == "M":
        content = {name: _spelled(content[name]) for name in sorted(content)}
    return {kind: content}
