"""How an item travels: readable in a template, one line in a file, typed for DynamoDB.

On the wire a text is itself and every other value is DynamoDB JSON, for example
``{"Body": "Hi", "Stars": {"N": "5"}}``. CloudFormation hands every leaf of a
custom resource's properties over as text, truth values too, so that reading
them back knows "true" and "false".
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from model.messages import Attribute, Item

Wire = dict[str, Any]
# An item as the DynamoDB API has it: {"Body": {"S": "Hi"}}.
Typed = dict[str, dict[str, Any]]


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


def canonical(value: Any) -> Any:
    """A typed item or value in a form in which equal things are equal: 5.0 is 5.

    DynamoDB answers with a number's own spelling of it.
    """
    if isinstance(value, Mapping):
        # A map may have an attribute of that name, whose value is no text.
        if set(value) == {"N"} and isinstance(value["N"], str):
            return {"N": Decimal(value["N"])}
        return {key: canonical(member) for key, member in value.items()}
    if isinstance(value, list):
        return [canonical(member) for member in value]
    return value


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
    if kind == "BOOL":
        return {"BOOL": content in (True, "true")}
    if kind == "L":
        return {"L": [_restored(member) for member in content]}
    if kind == "M":
        return {"M": {name: _restored(member) for name, member in content.items()}}
    return {kind: content}
