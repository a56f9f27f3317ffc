"""Numbers in one form: as keys, and as stored.

Source: DynamoDB guide, HowItWorks.NamingRulesDataTypes, "Number": leading and trailing zeroes are trimmed. The engine
compares keys as texts, and trims neither parameters of statements nor values of updates in transactions.
"""

from collections.abc import Callable
from typing import Any

import ministack.services.dynamodb as engine

from embedded_aws.replies import Json


def key_value(original: Callable[[Any], Any], attribute: Any) -> Any:
    """The value of a key that the engine looks up."""
    value = original(attribute)
    return _text(value) if isinstance(attribute, dict) and "N" in attribute else value


def write_item(write: Callable[..., Any], table: Json, pk: Any, sk: Any, item: Json) -> Any:
    """Store an item."""
    # The item itself: the engine answers with it. Its values are copied: they may be those of the request, with which
    # the engine compares the next request of the same token.
    item.update({name: _trimmed(value) for name, value in item.items()})
    return write(table, pk, sk, item)


def _trimmed(value: Json) -> Json:
    """The attribute value with its numbers trimmed."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {kind: _text(content)}
    if kind == "NS":
        return {kind: [_text(number) for number in content]}
    if kind == "L":
        return {kind: [_trimmed(inner) for inner in content]}
    if kind == "M":
        return {kind: {name: _trimmed(inner) for name, inner in content.items()}}
    return value


def _text(number: Any) -> Any:
    return engine._ddb_canonicalize_number(number) or number  # not a number: the engine refuses it elsewhere
