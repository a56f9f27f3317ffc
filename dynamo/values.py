"""Attribute values: checked against DynamoDB's rules, and from JSON to what the API takes. Pure.

The rules: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
and https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from model.dataset_line import node_binary, shown
from model.limits import LEVELS, number_problem, short, significant_digits, within
from model.wire import Typed

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_TYPED_LINE = '{"Item": {"pk": {"S": ...}, ...}}'

Value = dict[str, Any]


def restored(name: str, value: object, levels: int = LEVELS) -> Value:
    """The value that DynamoDB JSON, for example ``{"N": "4.5"}``, spells; binary as bytes.

    Raises ValueError, which names the attribute.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(f'attribute {name!r} is {shown(value)}, not a value like {{"S": "text"}}')
    ((kind, content),) = value.items()
    if kind not in _RESTORE:
        raise ValueError(f"attribute {name!r} has the type {kind!r}; types are {', '.join(TYPES)}")
    return {kind: _RESTORE[kind](name, content, levels)}


def from_plain(name: str, value: object, levels: int = LEVELS, *, any_map: bool = False) -> Value:
    """The value that plain JSON spells: text, numbers, truth values, null, lists and objects.

    Raises ValueError, which names the attribute; unless ``any_map`` also for an
    object that looks like DynamoDB JSON: whoever wrote it mostly did not mean a
    map with the key "N".
    """
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Decimal):
        return {"N": _number(name, str(value), levels)}
    below = _below(name, levels)
    if isinstance(value, list):
        return {"L": [from_plain(name, member, below, any_map=any_map) for member in value]}
    assert isinstance(value, Mapping)  # JSON has nothing else
    if (binary := node_binary(value)) is not None:
        how = ": pass --typed" if any_map else f", and the whole line {_TYPED_LINE}"
        raise ValueError(
            f"attribute {name!r} is binary as Node.js writes it; DynamoDB JSON spells it "
            f'{{"B": "{short(binary)}"}}{how}'
        )
    if not any_map and len(value) == 1 and next(iter(value)) in TYPES:
        raise ValueError(f"attribute {name!r} looks like DynamoDB JSON; then the whole line is to be {_TYPED_LINE}")
    return {"M": {key: from_plain(key, member, below, any_map=any_map) for key, member in named(value)}}


def item_bytes(item: Typed) -> int:
    """The size that DynamoDB counts against its limit, in bytes.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return _number_bytes(content)
    if kind == "B":
        return len(content)
    if kind in ("SS", "NS", "BS"):
        return sum(_value_bytes({kind[0]: member}) for member in content)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(member) for member in content)
    if kind == "M":
        return 3 + len(content) + item_bytes(content)
    return 1


def _number_bytes(text: str) -> int:
    number = Decimal(text)
    return 1 + (significant_digits(number) + 1) // 2 + number.is_signed()


def named(members: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """The attributes of an item or map. Raises ValueError where one has no name."""
    if "" in members:
        raise ValueError("an attribute has an empty name")
    return members.items()


def _text(name: str, content: object, _levels: int) -> str:
    if not isinstance(content, str):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not text")
    return content


def _number(name: str, content: object, _levels: int) -> str:
    if not isinstance(content, str) or not _NUMBER.fullmatch(content):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not the text of a number")
    try:
        number = Decimal(content)
    except InvalidOperation:
        raise ValueError(f"attribute {name!r}: the exponent has too many digits") from None
    if reason := number_problem(number):
        raise ValueError(f"attribute {name!r}: {reason}")
    return content


def _binary(name: str, content: object, _levels: int) -> bytes:
    try:
        return base64.b64decode(_text(name, content, _levels).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not base64") from None


def _truth(name: str, content: object, _levels: int) -> bool:
    if not isinstance(content, bool):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not true or false")
    return content


def _null(name: str, content: object, _levels: int) -> bool:
    if content is not True:
        raise ValueError(f'attribute {name!r}: null is spelled {{"NULL": true}}')
    return True


def _set_of(
    member_of: Callable[[str, object, int], Any], same: Callable[[Any], Any]
) -> Callable[[str, object, int], list[Any]]:
    """A reader of sets, whose members are equal where ``same`` gives the same for them."""

    def read(name: str, content: object, levels: int) -> list[Any]:
        members = [member_of(name, member, levels) for member in _listed(name, content)]
        if not members:
            raise ValueError(f"attribute {name!r}: a set has at least one member")
        if len(set(map(same, members))) < len(members):
            raise ValueError(f"attribute {name!r}: a set has no member twice")
        return members

    return read


def _list(name: str, content: object, levels: int) -> list[Value]:
    below = _below(name, levels)
    return [restored(name, member, below) for member in _listed(name, content)]


def _map(name: str, content: object, levels: int) -> dict[str, Value]:
    below = _below(name, levels)
    if not isinstance(content, Mapping):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not an object")
    return {key: restored(key, member, below) for key, member in named(content)}


def _listed(name: str, content: object) -> list[object]:
    if not isinstance(content, list):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not a list")
    return content


def _below(name: str, levels: int) -> int:
    """How many levels of lists and maps a list or map leaves of so many. Raises ValueError."""
    try:
        return within(levels)
    except ValueError as error:
        raise ValueError(f"attribute {name!r} {error}") from None


_RESTORE: dict[str, Callable[[str, object, int], Any]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "SS": _set_of(_text, str),
    "NS": _set_of(_number, Decimal),
    "BS": _set_of(_binary, bytes),
    "L": _list,
    "M": _map,
    "BOOL": _truth,
    "NULL": _null,
}
TYPES = tuple(_RESTORE)
