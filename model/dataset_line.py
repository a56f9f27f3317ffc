"""One line of a dataset as the item of one message. Pure.

Standard library only: the function that loads a dataset imports this module.
"""

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from model.limits import LEVELS, RANGE, is_in_range, short, within
from model.messages import Attribute, Item, message_item, parse_time

_TEXTS, _OPTIONAL = ("from", "to", "body", "at"), ("id", "attributes")


def line_item(message: object) -> Item:
    """The item of a line that was parsed from JSON.

    ``{"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}``,
    with ``id`` and ``attributes`` where wanted. Raises ValueError.
    """
    if not isinstance(message, Mapping):
        raise ValueError(f"is not a JSON object with {', '.join(_TEXTS)}")
    for key in message:
        if key not in _TEXTS + _OPTIONAL:
            known = ", ".join(_TEXTS + _OPTIONAL)
            raise ValueError(f"unknown key {shown(key)}; known are {known}")
    for key in _TEXTS:
        if key not in message:
            raise ValueError(f"{key!r} is missing")
    return message_item(
        sender=_text(message, "from"),
        recipient=_text(message, "to"),
        body=_text(message, "body"),
        sent_at=parse_time(_text(message, "at")),
        message_id=_text(message, "id") if "id" in message else None,
        attributes=_attributes(message.get("attributes", {})),
    )


def characters(text: str) -> str:
    """``text``, where two escapes may have spelled one character; ValueError for half of one.

    JSON spells what is beyond U+FFFF as a pair of surrogates
    (https://www.rfc-editor.org/rfc/rfc8259#section-7).
    """
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        pairs = text.encode("utf-16", "surrogatepass")
    try:
        return pairs.decode("utf-16")
    except UnicodeDecodeError:
        problem = "has half of a surrogate pair, which is no character"
        raise ValueError(f"{shown(text)} {problem}") from None


def shown(value: object) -> str:
    """A value for an error message, short: a text in quotes, any other one as JSON spells it."""
    if isinstance(value, list | Mapping):
        return "a list" if isinstance(value, list) else "an object"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return short(repr(value) if isinstance(value, str) else str(value))


def node_binary(value: Mapping[str, object]) -> str | None:
    """In base64 the binary that a JSON object spells as Node.js does; None for another object.

    https://nodejs.org/api/buffer.html#buftojson
    """
    data = value.get("data")
    if value.keys() != {"type", "data"} or value["type"] != "Buffer" or not isinstance(data, list):
        return None
    try:
        return base64.b64encode(bytes(map(int, data))).decode()
    except (TypeError, ValueError):  # of members that are no bytes
        return None


def _text(message: Mapping[str, Any], key: str) -> str:
    value = message[key]
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is {shown(value)}; must be text")
    return characters(value)


def _attributes(value: object) -> dict[str, Attribute]:
    if not isinstance(value, Mapping):
        raise ValueError(f"'attributes' is {shown(value)}; must be an object of names and values")
    return _members(value, LEVELS)


def _members(value: Mapping[str, object], levels: int) -> dict[str, Attribute]:
    if "" in value:
        raise ValueError("an attribute has an empty name")
    return {characters(name): _attribute(name, member, levels) for name, member in value.items()}


def _attribute(name: str, value: object, levels: int) -> Attribute:
    if isinstance(value, str):
        return characters(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return _number(name, value)
    if value is None:
        raise ValueError(f"attribute {shown(name)} is null; leave it out")
    try:
        inner = within(levels)
    except ValueError as error:
        raise ValueError(f"attribute {shown(name)} {error}") from None
    if isinstance(value, list):
        return [_attribute(name, member, inner) for member in value]
    assert isinstance(value, Mapping)  # JSON has nothing else
    if (binary := node_binary(value)) is not None:
        raise ValueError(
            f"attribute {shown(name)} is binary as Node.js writes it, which a message cannot "
            f"hold; write it as text, for example {shown(binary)}"
        )
    return _members(value, inner)


def _number(name: str, value: int | float | Decimal) -> Decimal:
    """The number, if a JSON reader that knows only doubles has the same.

    Step Functions reads the dataset and writes it into the events of the
    function, so a longer number might arrive as another one.
    """
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not (number.is_finite() and is_in_range(number)):
        raise ValueError(f"attribute {shown(name)}: {shown(number)} is beyond {RANGE}")
    if Decimal(repr(float(number))) != number:
        raise ValueError(f"attribute {shown(name)}: {shown(number)} has too many digits; write it as text")
    return number
