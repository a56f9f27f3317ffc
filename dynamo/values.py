"""Items in JSON: read and checked by DynamoDB's rules, written, and compared for equality.

Plain JSON has one kind of list and no binary. *Typed* JSON is DynamoDB's own notation, for example
``{"Labels": {"SS": ["a", "b"]}, "Stars": {"N": "4.5"}}``. The rules:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import base64
import contextlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from dynamo import table as _  # noqa: F401 (lets boto3 read every number)
from model import messages
from model.dataset import named, parsed, plain_members, shown
from model.messages import LEVELS, number_problem, within
from model.wire import EXACT, Typed, canonical

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_SETS = ("SS", "NS", "BS")
# The types of scalars, and what is wrong with a value that is not one.
_SCALARS = {
    "S": "is not text",
    "N": "is not a number in quotes",
    "B": "is not base64",
    "BOOL": "is not true or false",
    "NULL": 'is not true: null is written {"NULL": true}',
}
_TYPES = (*_SCALARS, *_SETS, "L", "M")

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


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two items are equal, types included: true is not 1, and 5.0 is 5."""
    if one is None or other is None:
        return one is other
    return canonical(typed(one)) == canonical(typed(other))


def parse(source: str, *, is_typed: bool = False) -> dict[str, Any]:
    """The item that a JSON object is. Raises ValueError for anything else, and for what DynamoDB cannot store."""
    item = parsed(source, parse_int=Decimal)
    if not isinstance(item, dict):
        raise ValueError("not an object: an item is {...}")
    if is_typed:
        item = untyped({name: restored(name, value) for name, value in named(item)})
    else:
        item = plain_members(item, number_problem, null=True)
    try:
        text(item).encode()
    except UnicodeEncodeError:
        raise ValueError("a text has half of a surrogate pair, which is not a character") from None
    return item


def restored(name: str, value: object, levels: int = LEVELS) -> Value:
    """The value of typed JSON, such as ``{"N": "4.5"}``; binary as bytes. Raises ValueError with the attribute."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(f'attribute {name!r} is {shown(value)}, not a value like {{"S": "text"}}')
    ((kind, content),) = value.items()
    if kind not in _TYPES:
        raise ValueError(f"attribute {name!r} has the type {kind!r}; types are {', '.join(_TYPES)}")
    if kind in _SCALARS:
        return {kind: _scalar(name, kind, content)}
    if kind == "M":
        if not isinstance(content, Mapping):
            raise ValueError(f"attribute {name!r}: {shown(content)} is not an object")
        below = within(name, levels)
        return {kind: {key: restored(key, member, below) for key, member in named(content)}}
    if not isinstance(content, list):
        raise ValueError(f"attribute {name!r}: {shown(content)} is not a list")
    if kind in _SETS:
        return {kind: _set(name, content, kind[0])}
    below = within(name, levels)
    return {kind: [restored(name, member, below) for member in content]}


def from_plain(name: str, value: object) -> Value:
    """The value of plain JSON: text, numbers, truth values, null, lists and objects.

    Raises ValueError, which names the attribute, also for an object anywhere in it that looks like typed JSON: it is
    rarely meant as a map whose only key is "N".
    """
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, Mapping) and len(one) == 1 and next(iter(one)) in _TYPES:
            raise ValueError(
                f"attribute {name!r} looks like DynamoDB JSON; then the whole line must be "
                '{"Item": {"pk": {"S": ...}, ...}}'
            )
        rest += one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else []
    return typed(plain_members({name: value}, number_problem, null=True))[name]


def _scalar(name: str, kind: str, content: object) -> Any:
    problem: str | None = f"{shown(content)} {_SCALARS[kind]}"
    match kind, content:
        case ("S", str()) | ("BOOL", bool()) | ("NULL", True):
            return content
        case "B", str():
            with contextlib.suppress(ValueError):
                return base64.b64decode(content, validate=True)
        case "N", str() if _NUMBER.fullmatch(content):
            try:
                problem = number_problem(Decimal(content))
            except InvalidOperation:
                problem = "the exponent has too many digits"
            if not problem:
                return content
    raise ValueError(f"attribute {name!r}: {problem}")


def _set(name: str, content: list[object], kind: str) -> list[Any]:
    members = [_scalar(name, kind, member) for member in content]
    if not members:
        raise ValueError(f"attribute {name!r}: a set must have at least one member")
    if len(set(map(Decimal, members) if kind == "N" else members)) < len(members):
        raise ValueError(f"attribute {name!r}: a set must not have a member twice")
    return members


# Terminals may act on these, though JSON allows them in a text: DEL, the second set of control characters, and those
# that turn the direction of writing.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_ASCII = re.compile("[^\x00-\x7e]")
# Around a number's digits, until json.dumps has quoted them as a text: it would write a float, which is not exact. No
# text that can be stored has this half of a surrogate pair.
_MARK = "\ud800"
_MARKED = re.compile(f'"{_MARK}([^{_MARK}]+){_MARK}"')


def text(value: Any, *, indent: int | None = None, ascii_only: bool = False, sort_names: bool = False) -> str:
    """``value``, of an attribute or a whole item, as JSON: sets as sorted lists, binary as base64."""
    dumped = json.dumps(value, indent=indent, ensure_ascii=False, default=_as_json, sort_keys=sort_names)
    return (_NOT_ASCII if ascii_only else _UNSAFE).sub(_escape, _MARKED.sub(r"\1", dumped))


def value_text(value: Any) -> str:
    """A value as JSON in which the order of names says nothing."""
    return text(value, sort_names=True)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}" if match[0] < "\U00010000" else json.dumps(match[0])[1:-1]


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        normal = EXACT.normalize(value)
        return f"{_MARK}{int(normal) if normal == normal.to_integral_value() else normal}{_MARK}"
    if isinstance(value, set | frozenset):
        return sorted(value, key=lambda member: bytes(member) if isinstance(member, Binary) else member)
    return base64.b64encode(bytes(value)).decode()
