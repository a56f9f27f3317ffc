"""Items in JSON: read and checked by DynamoDB's rules, written, and compared for equality.

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

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from dynamo import table as _  # noqa: F401 (lets boto3 read every number)
from model import messages
from model.dataset import parsed, shown
from model.messages import LEVELS, number_problem, within
from model.wire import Typed, canonical

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_TYPED_LINE = '{"Item": {"pk": {"S": ...}, ...}}'

Value = dict[str, Any]


def typed(item: Mapping[str, Any]) -> Typed:
    """``item`` in DynamoDB's own notation; binary stays bytes."""
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def untyped(item: Typed) -> dict[str, Any]:
    """The item of DynamoDB's own notation."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def item_bytes(item: Typed) -> int:
    """The size of a typed item in bytes, as DynamoDB counts it."""
    return messages.item_bytes(untyped(item))


# --- reading JSON ------------------------------------------------------------


def parse(source: str, *, is_typed: bool = False) -> dict[str, Any]:
    """The item that a JSON object is.

    Raises ValueError for anything else, and for what DynamoDB cannot store:
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
        raise ValueError("a text has half of a surrogate pair, which is not a character") from None
    return item


def restored(name: str, value: object, levels: int = LEVELS) -> Value:
    """The value of typed JSON, for example ``{"N": "4.5"}``; binary as bytes.

    Raises ValueError, which names the attribute.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(f'attribute {name!r} is {shown(value)}, not a value like {{"S": "text"}}')
    ((kind, content),) = value.items()
    if kind not in TYPES:
        raise ValueError(f"attribute {name!r} has the type {kind!r}; types are {', '.join(TYPES)}")
    if kind in _SCALARS:
        return {kind: _SCALARS[kind](name, content)}
    if kind == "M":
        if not isinstance(content, Mapping):
            raise ValueError(f"attribute {name!r}: {shown(content)} is not an object")
        below = _below(name, levels)
        return {kind: {key: restored(key, member, below) for key, member in named(content)}}
    if not isinstance(content, list):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not a list")
    if kind != "L":
        return {kind: _set(name, content, kind[0])}
    below = _below(name, levels)
    return {kind: [restored(name, member, below) for member in content]}


def from_plain(name: str, value: object, levels: int = LEVELS, *, any_map: bool = False) -> Value:
    """The value of plain JSON: text, numbers, truth values, null, lists and objects.

    Raises ValueError, which names the attribute; unless ``any_map`` also for an
    object that looks like typed JSON, which is rarely meant as a map with the key "N".
    """
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Decimal):
        return {"N": _number(name, str(value))}
    below = _below(name, levels)
    if isinstance(value, list):
        return {"L": [from_plain(name, member, below, any_map=any_map) for member in value]}
    assert isinstance(value, Mapping)  # JSON has nothing else
    if not any_map and len(value) == 1 and next(iter(value)) in TYPES:
        raise ValueError(f"attribute {name!r} looks like DynamoDB JSON; then the whole line must be {_TYPED_LINE}")
    return {"M": {key: from_plain(key, member, below, any_map=any_map) for key, member in named(value)}}


def named(members: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """The attributes of an item or map. Raises ValueError where one has no name."""
    if "" in members:
        raise ValueError("an attribute has an empty name")
    return members.items()


def _below(name: str, levels: int) -> int:
    try:
        return within(levels)
    except ValueError as error:
        raise ValueError(f"attribute {name!r} {error}") from None


def _text(name: str, content: object) -> str:
    if not isinstance(content, str):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not text")
    return content


def _number(name: str, content: object) -> str:
    if not isinstance(content, str) or not _NUMBER.fullmatch(content):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not the text of a number")
    try:
        reason = number_problem(Decimal(content))
    except InvalidOperation:
        reason = "the exponent has too many digits"
    if reason:
        raise ValueError(f"attribute {name!r}: {reason}")
    return content


def _binary(name: str, content: object) -> bytes:
    try:
        return base64.b64decode(_text(name, content).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not base64") from None


def _truth(name: str, content: object) -> bool:
    if not isinstance(content, bool):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not true or false")
    return content


def _null(name: str, content: object) -> bool:
    if content is not True:
        raise ValueError(f'attribute {name!r}: null is spelled {{"NULL": true}}')
    return True


_Scalar = Callable[[str, object], Any]
_SCALARS: dict[str, _Scalar] = {"S": _text, "N": _number, "B": _binary, "BOOL": _truth, "NULL": _null}
TYPES = ("S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL")


def _set(name: str, content: list[object], kind: str) -> list[Any]:
    members = [_SCALARS[kind](name, member) for member in content]
    if not members:
        raise ValueError(f"attribute {name!r}: a set has at least one member")
    if len(set(map(Decimal, members) if kind == "N" else members)) < len(members):
        raise ValueError(f"attribute {name!r}: a set has no member twice")
    return members


# --- writing JSON ------------------------------------------------------------

# Terminals may act on these, though JSON allows them in a text: DEL, the second
# set of control characters, and those that turn the direction of writing.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_ASCII = re.compile("[^\x00-\x7e]")
# Around a number's digits, until json.dumps has quoted them as a text: it would write a float,
# which is not exact. No text that can be stored has this half of a surrogate pair.
_MARK = "\ud800"
_MARKED = re.compile(f'"{_MARK}([^{_MARK}]+){_MARK}"')
# More digits than a number of DynamoDB can have, 38.
_CONTEXT = Context(prec=200)


def text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """``value``, of an attribute or a whole item, as JSON: sets as sorted lists, binary as base64."""
    dumped = json.dumps(value, indent=indent, ensure_ascii=False, default=_as_json)
    return (_NOT_ASCII if ascii_only else _UNSAFE).sub(_escape, _MARKED.sub(r"\1", dumped))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}" if match[0] < "\U00010000" else json.dumps(match[0])[1:-1]


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        normal = _CONTEXT.normalize(value)
        return f"{_MARK}{int(normal) if normal == normal.to_integral_value() else normal}{_MARK}"
    if isinstance(value, set | frozenset):
        return sorted(value, key=lambda member: bytes(member) if isinstance(member, Binary) else member)
    return base64.b64encode(bytes(value)).decode()


def value_text(value: Any) -> str:
    """A value as JSON in which the order of names says nothing."""
    return text(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value


# --- comparing ---------------------------------------------------------------


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two items are equal, types included: true is not 1, and 5.0 is 5."""
    if one is None or other is None:
        return one is other
    return canonical(typed(one)) == canonical(typed(other))
