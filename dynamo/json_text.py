"""Items as JSON and back: numbers exact, sets as sorted lists, binary as base64. Pure.

JSON knows one kind of list and no binary. *Typed* JSON does, DynamoDB's own
spelling, for example ``{"Labels": {"SS": ["a", "b"]}, "Stars": {"N": "4.5"}}``.
"""

import base64
import json
import re
from collections.abc import Mapping
from decimal import Context, Decimal
from functools import partial
from typing import Any

from boto3.dynamodb.types import Binary

from dynamo.numbers import Deserializer, Serializer
from dynamo.values import from_plain, named, restored
from model.strict_json import parsed

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
            return _number(value)
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


def _number(value: Decimal) -> str:
    """The shortest JSON number that is exactly ``value``."""
    normal = _CONTEXT.normalize(value)
    return str(int(normal)) if normal == normal.to_integral_value() else str(normal)


def _bytes_of(member: Any) -> Any:
    """By what the members of a set, all of one type, are ordered."""
    return bytes(member) if isinstance(member, Binary) else member
