"""Whether two items are equal, and in what they differ. Pure."""

from collections.abc import Mapping
from typing import Any

from chat import json_text

_SHOWN = 60


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two items are equal, types included: true is not 1, and 5.0 is 5."""
    if one is None or other is None:
        return one is other
    return bool(_canonical(one) == _canonical(other))


def differences(stored: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """How ``stored`` differs from ``old``, one text for each attribute."""
    found = []
    for name in sorted(stored.keys() | old.keys()):
        left, right = (value_text(item[name]) if name in item else "" for item in (stored, old))
        if left != right:
            is_, was = _short(left) or "not there", _short(right) or "no such attribute"
            found.append(f"{value_text(name)[1:-1]} is {is_}, OLD has {was}")
    return found


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
