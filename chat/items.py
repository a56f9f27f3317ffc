"""Any item of any table: read, put, delete by key; conditions and what refused them.

``table`` is a boto3 DynamoDB Table, which the caller brings. botocore's errors
pass through.
"""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from botocore.exceptions import ClientError

from chat import json_text
from ops.errors import OpsError, UsageError, code

Item = dict[str, Any]
_REFUSED = "ConditionalCheckFailedException"
# What the types of keys are called.
_TYPES = {"S": "text", "N": "number", "B": "binary"}
_SHOWN, _MOST = 60, 3


def key_schema(table: Any) -> dict[str, str]:
    """The names of the table's key attributes and their types; the partition key first."""
    types = {a["AttributeName"]: a["AttributeType"] for a in table.attribute_definitions}
    schema = sorted(table.key_schema, key=lambda key: key["KeyType"])  # HASH, RANGE
    return {key["AttributeName"]: types[key["AttributeName"]] for key in schema}


def key_of(table: Any, texts: list[str]) -> Item:
    """The key that ``texts`` spell, binary in base64. Raises UsageError for a wrong one."""
    schema = key_schema(table)
    if len(texts) != len(schema):
        raise UsageError(
            f"table {table.name} has the key {_spelled(schema)}: --key takes {len(schema)} "
            f"value{'s' if len(schema) > 1 else ''}, got {len(texts)}"
        )
    key = {name: _typed_key(name, schema[name], text)
           for name, text in zip(schema, texts, strict=True)}  # fmt: skip
    return checked_key(table, key)


def checked_key(table: Any, item: Mapping[str, Any]) -> Item:
    """The key of ``item``. Raises UsageError unless it is one of the table's key schema."""
    schema, key = key_schema(table), {}
    for name, kind in schema.items():
        if name not in item:
            raise UsageError(
                f"the item has no {name}; table {table.name} has the key {_spelled(schema)}"
            )
        ((found, value),) = json_text.typed({name: item[name]})[name].items()
        if found != kind:
            raise UsageError(
                f"{name} is {json_text.text(item[name])}, not a {_TYPES[kind]} value; "
                f"table {table.name} has the key {_spelled(schema)}"
            )
        if value in ("", b""):
            raise UsageError(f"{name} is empty; a key must not be")
        key[name] = item[name]
    return key


def get(table: Any, key: Item) -> Item:
    """The item under ``key``, read consistently. Raises OpsError when there is none."""
    item = _read(table, key)
    if item is None:
        raise _no_item(table, key)
    return item


def put(table: Any, item: Item) -> None:
    """Write ``item``, whatever is under its key."""
    table.put_item(Item=item)


def put_if_absent(table: Any, item: Item) -> None:
    """Write ``item`` unless there is one under its key: then OpsError."""
    key = checked_key(table, item)
    condition = "attribute_not_exists(#0)"
    error = _refusal(table, item, condition, {"#0": next(iter(key))}, {})
    if error and not (was_repeated(error) and same(held(table, key, error), item)):
        raise OpsError(
            f"table {table.name} has an item with the key {_key_text(key)} already; nothing written"
        )


def put_if_unchanged(table: Any, item: Item, old: Item) -> None:
    """Write ``item`` while what is stored under its key is exactly ``old``; else OpsError.

    ``old`` is equal when it is the same JSON (chat/json_text.py). Compared is
    what a consistent reading gives, and DynamoDB writes only while all of its
    attributes still have these values; it cannot be told to look for attributes
    with other names, which somebody could add in the moment between.
    """
    key = checked_key(table, item)
    stored = _read(table, key)
    if stored is None:
        raise _no_item(table, key)
    if found := differences(stored, old):
        raise _changed(table, key, found)
    equal = {f"#{n}": name for n, name in enumerate(stored)}
    absent = {f"#new{n}": name for n, name in enumerate(item.keys() - stored.keys())}
    condition = " AND ".join(
        [f"{place} = :{place[1:]}" for place in equal]
        + [f"attribute_not_exists({place})" for place in absent]
    )
    values = {f":{place[1:]}": stored[name] for place, name in equal.items()}
    if error := _refusal(table, item, condition, equal | absent, values):
        now = held(table, key, error)
        if not (was_repeated(error) and same(now, item)):
            raise _changed(table, key, differences(now or {}, old))


def delete(table: Any, key: Item) -> Item:
    """Delete the item under ``key``; return what it was, as far as that is known.

    Raises OpsError when there is none; see store.delete for lost answers.
    """
    try:
        answer = table.delete_item(
            Key=key,
            ConditionExpression="attribute_exists(#0)",
            ExpressionAttributeNames={"#0": next(iter(key))},
            ReturnValues="ALL_OLD",
        )
    except ClientError as error:
        if not is_refusal(error):
            raise
        if was_repeated(error):
            return dict(key)
        raise _no_item(table, key) from None
    return dict(answer["Attributes"])


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two items are equal, types included: true is not 1, and 5.0 is 5."""
    if one is None or other is None:
        return one is other
    return bool(_canonical(one) == _canonical(other))


def differences(stored: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """How ``stored`` differs from ``old``, one text for each attribute."""
    found = []
    for name in sorted(stored.keys() | old.keys()):
        left, right = (_value_text(item[name]) if name in item else "" for item in (stored, old))
        if left != right:
            is_, was = _short(left) or "not there", _short(right) or "no such attribute"
            found.append(f"{_value_text(name)[1:-1]} is {is_}, OLD has {was}")
    return found


def is_refusal(error: ClientError) -> bool:
    """Whether a condition did not hold."""
    return code(error) == _REFUSED


def was_repeated(error: ClientError) -> bool:
    """Whether the SDK had sent the request before, and may have been heard."""
    return bool(error.response.get("ResponseMetadata", {}).get("RetryAttempts"))


def held(table: Any, key: Item, error: ClientError) -> Item | None:
    """The item that made a condition fail: the error's own, else read consistently."""
    item = error.response.get("Item")
    return json_text.untyped(item) if item else _read(table, key)


def _refusal(
    table: Any, item: Item, condition: str, names: dict[str, str], values: Item
) -> ClientError | None:
    """Write ``item`` under a condition; the error of one that does not hold."""
    try:
        table.put_item(
            Item=item,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            # DynamoDB refuses an empty map of values.
            **({"ExpressionAttributeValues": values} if values else {}),
        )
    except ClientError as error:
        if not is_refusal(error):
            raise
        return error
    return None


def _read(table: Any, key: Item) -> Item | None:
    item = table.get_item(Key=key, ConsistentRead=True).get("Item")
    return None if item is None else dict(item)


def _typed_key(name: str, kind: str, text: str) -> Any:
    try:
        if kind == "N":
            return Decimal(text)
        return base64.b64decode(text, validate=True) if kind == "B" else text
    except (InvalidOperation, binascii.Error):
        spelling = {"N": "a number", "B": "binary in base64"}[kind]
        raise UsageError(f"--key: {name} is {spelling}, got {text!r}") from None


def _canonical(value: Any) -> Any:
    """``value`` in a form in which equal means equal for DynamoDB: Python's True is 1."""
    if isinstance(value, bool):
        return ("BOOL", value)
    if isinstance(value, Mapping):
        return {name: _canonical(member) for name, member in value.items()}
    return [_canonical(member) for member in value] if isinstance(value, list) else value


def _value_text(value: Any) -> str:
    """A value as JSON in which the order of names says nothing."""
    return json_text.text(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _spelled(schema: Mapping[str, str]) -> str:
    return " and ".join(f"{name} ({_TYPES[kind]})" for name, kind in schema.items())


def _key_text(key: Item) -> str:
    return " ".join(map(_value_text, key.values()))


def _no_item(table: Any, key: Item) -> OpsError:
    return OpsError(f"table {table.name} has no item with the key {_key_text(key)}")


def _changed(table: Any, key: Item, found: list[str]) -> OpsError:
    listed = "; ".join(found[:_MOST]) + ("; ..." if len(found) > _MOST else "")
    return OpsError(
        f"item {_key_text(key)} of table {table.name} is not as in OLD: {listed}; nothing written"
    )
