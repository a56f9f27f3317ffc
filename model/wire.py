"""An item between synth and the seeding function: readable in a template, one line in a file.

On the wire a text is itself, every other value is DynamoDB JSON, for example ``{"Body": "Hi", "Stars": {"N": "5"}}``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal
from typing import Any

from model.messages import Attribute, Item, Key

Wire = dict[str, Any]
# An item as the DynamoDB API has it: {"Body": {"S": "Hi"}}.
Typed = dict[str, dict[str, Any]]
_encode = json.JSONEncoder(sort_keys=True).encode
EXACT = Context(prec=200)  # more digits than a number of DynamoDB can have, 38


def to_wire(item: Item) -> Wire:
    """The item as it travels."""
    return {name: value if isinstance(value, str) else _typed(value) for name, value in item.items()}


def from_wire(wire: Mapping[str, Any]) -> Typed:
    """The item as the DynamoDB API takes it."""
    return {name: {"S": value} if isinstance(value, str) else _restored(value) for name, value in wire.items()}


def to_lines(items: Iterable[Item]) -> Iterator[str]:
    """One line of JSON for each item, in the order of their keys."""
    wires = [to_wire(item) for item in items]
    for wire in sorted(wires, key=lambda wire: (wire["pk"], wire["sk"])):
        yield json.dumps(wire, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n"


def typed_key(key: Key) -> Typed:
    """The key as the DynamoDB API has it."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def canonical(item: Typed | None) -> dict[str, Any] | None:
    """``item`` in a form in which equal items are equal, also as JSON: 5.0 is 5, and a set has no order."""
    return None if item is None else {name: _canonical(value) for name, value in item.items()}


def _canonical(value: Mapping[str, Any]) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    if kind == "S":  # nearly all are texts
        return kind, content
    if kind == "L":
        return kind, [_canonical(member) for member in content]
    if kind in ("SS", "NS", "BS"):
        return kind, sorted(_canonical({kind[0]: member})[1] for member in content)
    if kind == "N":
        return kind, str(EXACT.normalize(Decimal(content)) or 0)  # -0 is 0
    if isinstance(content, bytes | bytearray):
        return kind, content.hex()
    return kind, canonical(content) if kind == "M" else content


def canonical_text(item: Typed) -> str:
    """A text that is the same for equal items, and only for those."""
    return _encode(canonical(item))


def changed(left: Typed, right: Typed) -> list[str]:
    """The names of the attributes in which two items differ."""
    one, other = canonical(left) or {}, canonical(right) or {}
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _typed(value: Attribute) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, Decimal):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [_typed(member) for member in value]}
    return {"M": {name: _typed(member) for name, member in value.items()}}


def _restored(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "BOOL":  # CloudFormation passes every leaf of a custom resource's properties as text
        return {"BOOL": content in (True, "true")}
    if kind == "L":
        return {"L": [_restored(member) for member in content]}
    if kind == "M":
        return {"M": {name: _restored(member) for name, member in content.items()}}
    return {kind: content}
