"""Items in JSON: read and checked by DynamoDB's rules, written, and compared.

Plain JSON has one kind of list and no binary. *Typed* JSON is DynamoDB's own notation, for example
``{"Labels": {"SS": ["a", "b"]}, "Stars": {"N": "4.5"}}``. The rules:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any

from boto3.dynamodb.types import Binary

from dynamo.table import Deserializer, Serializer
from model.dataset import node_binary, shown
from model.limits import LEVELS, number_problem, short, significant_digits, within
from model.strict_json import parsed
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


# What a terminal may act on though JSON allows it in a text: DEL, the second
# set of control characters, and those that turn the direction of writing.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# More digits than a number of DynamoDB can have, 38.
_CONTEXT = Context(prec=200)


def text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """``value``, of an item or a whole one, as JSON."""
    return _Writer(indent, ascii_only).text(value, "\n")


def typed(item: Mapping[str, Any]) -> dict[str, Any]:
    """``item`` in DynamoDB's own spelling; binary stays bytes."""
    return {name: Serializer().serialize(value) for name, value in item.items()}


def untyped(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item of DynamoDB's own spelling."""
    return {name: Deserializer().deserialize(value) for name, value in item.items()}


def parse(source: str, *, is_typed: bool = False) -> dict[str, Any]:
    """The item that a JSON object is.

    Raises ValueError for what is none, and for what DynamoDB cannot store:
    numbers of more than 38 digits, half a surrogate pair, values that are nested
    deeper than its levels, attributes without a name.
    """
    item = parsed(source, parse_int=Decimal)
    if not isinstance(item, dict):
        raise ValueError("not an object: an item is {...}")
    read = restored if is_typed else partial(from_plain, any_map=True)
    item = untyped({name: read(name, value) for name, value in named(item)})
    try:
        text(item).encode()
    except UnicodeEncodeError:
        raise ValueError("a text has half of a surrogate pair, which is no character") from None
    return item


class _Writer:
    """json.dumps for Decimals: it would need them as floats, which are not exact."""

    def __init__(self, indent: int | None, ascii_only: bool) -> None:
        self._indent, self._ascii_only = indent, ascii_only

    def text(self, value: Any, newline: str) -> str:
        if isinstance(value, Mapping):
            inner = self._inner(newline)
            members = [f"{self._string(str(name))}: {self.text(member, inner)}" for name, member in value.items()]
            return self._joined("{", members, "}", newline)
        if isinstance(value, list | tuple | set | frozenset):
            ordered = sorted(value, key=_bytes_of) if isinstance(value, set | frozenset) else value
            inner = self._inner(newline)
            return self._joined("[", [self.text(m, inner) for m in ordered], "]", newline)
        return self._scalar(value)

    def _scalar(self, value: Any) -> str:
        if isinstance(value, Binary | bytes | bytearray):
            return self._string(base64.b64encode(bytes(value)).decode())
        if isinstance(value, Decimal):
            return _json_number(value)
        if isinstance(value, str):
            return self._string(value)
        return json.dumps(value)  # True, False, None, int

    def _string(self, value: str) -> str:
        quoted = json.dumps(value, ensure_ascii=self._ascii_only)
        return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)

    def _inner(self, newline: str) -> str:
        return newline + " " * (self._indent or 0)

    def _joined(self, opening: str, members: list[str], closing: str, newline: str) -> str:
        if self._indent is None or not members:
            return opening + ", ".join(members) + closing
        inner = self._inner(newline)
        return f"{opening}{inner}{f',{inner}'.join(members)}{newline}{closing}"


def _json_number(value: Decimal) -> str:
    """The shortest JSON number that is exactly ``value``."""
    normal = _CONTEXT.normalize(value)
    return str(int(normal)) if normal == normal.to_integral_value() else str(normal)


def _bytes_of(member: Any) -> Any:
    """By what the members of a set, all of one type, are ordered."""
    return bytes(member) if isinstance(member, Binary) else member


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
        if not (same(left, right) if exact else _compared_text(left) == _compared_text(right)):
            is_ = _short(_compared_text(left, exact=exact)) or "not there"
            was = _short(_compared_text(right, exact=exact)) or "no such attribute"
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


def _compared_text(attribute: Mapping[str, Any] | None, *, exact: bool = False) -> str:
    """The value of the one attribute; ``exact`` as DynamoDB JSON; empty for no attribute."""
    if attribute is None:
        return ""
    (value,) = (typed(attribute) if exact else attribute).values()
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
    return text(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
