"""Whether two items are equal, and in what they differ. Pure."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import Binary

from dynamo import json_text

_SHOWN = 60


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two items are equal, types included: true is not 1, and 5.0 is 5."""
    if one is None or other is None:
        return one is other
    return bool(_canonical(one) == _canonical(other))


def differences(stored: Mapping[str, Any], old: Mapping[str, Any], *, exact: bool = False) -> list[str]:
    """How ``stored`` differs from ``old``, one text for each attribute.

    Values are equal when they are the same JSON, in which a set is a list and
    binary is text; ``exact`` when their types are the same, too.
    """
    found = []
    for name in sorted(stored.keys() | old.keys()):
        left, right = ({name: item[name]} if name in item else None for item in (stored, old))
        if not (same(left, right) if exact else _text(left) == _text(right)):
            is_ = _short(_text(left, exact=exact)) or "not there"
            was = _short(_text(right, exact=exact)) or "no such attribute"
            found.append(f"{value_text(name)[1:-1]} is {is_}, OLD has {was}")
    return found


def beyond_json(value: Any) -> str | None:
    """What is in a value that plain JSON cannot spell, and what that makes of it; else None."""
    if isinstance(value, set | frozenset):
        return "a set, which plain JSON makes a list"
    if isinstance(value, Binary | bytes | bytearray):
        return "binary, which plain JSON makes text"
    members = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list):
        return next(filter(None, map(beyond_json, members)), None)
    return None


def _text(attribute: Mapping[str, Any] | None, *, exact: bool = False) -> str:
    """The value of the one attribute; ``exact`` as DynamoDB JSON; empty for no attribute."""
    if attribute is None:
        return ""
    (value,) = (json_text.typed(attribute) if exact else attribute).values()
    return value_text(value)


def _canonical(value: Any) -> Any:
    """``value`` in a form in which equal means equal for DynamoDB: Python's True is 1."""
    if isinstance(value, bool):
        return ("BOOL", value)
    if isinstance(value, Mapping):
        return {name: _canonical(member) for name, member in value.items()}
    return [_canonical(member) for member in value] if isinstance(value, list) else value


def value_text(value: Any) -> str:
    """A value as JSON in which the order of names says nothing."""
    return json_text.text(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
