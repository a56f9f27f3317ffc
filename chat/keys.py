"""Keys of any table: its own key schema decides what one is.

``table`` is a boto3 DynamoDB Table, which describes itself when it is asked first.
"""

from collections.abc import Mapping
from typing import Any

from cli.errors import UsageError
from dynamo import values
from dynamo.values import item_bytes, restored
from model.messages import KEY_BYTES, PARTITION_KEY, SORT_KEY

# The limits are those of any table's keys.
_PARTITION_BYTES, _SORT_BYTES = KEY_BYTES[PARTITION_KEY], KEY_BYTES[SORT_KEY]
# What the types of keys are called.
_TYPES = {"S": "text", "N": "number", "B": "binary"}


def key_schema(table: Any) -> dict[str, str]:
    """The names of the table's key attributes and their types; the partition key first."""
    types = {a["AttributeName"]: a["AttributeType"] for a in table.attribute_definitions}
    schema = sorted(table.key_schema, key=lambda key: key["KeyType"])  # HASH, RANGE
    return {key["AttributeName"]: types[key["AttributeName"]] for key in schema}


def key_of(table: Any, texts: list[str]) -> dict[str, Any]:
    """The key that ``texts`` spell, binary in base64. Raises UsageError for a wrong one."""
    schema = key_schema(table)
    if len(texts) != len(schema):
        raise UsageError(
            f"table {table.name} has the key {_spelled(schema)}: --key takes {len(schema)} "
            f"value{'s' if len(schema) > 1 else ''}, got {len(texts)}"
        )
    key = {name: _typed_key(name, schema[name], text) for name, text in zip(schema, texts, strict=True)}
    return checked_key(table, key)


def checked_key(table: Any, item: Mapping[str, Any]) -> dict[str, Any]:
    """The key of ``item``. Raises UsageError unless it is one of the table's key schema."""
    schema, key = key_schema(table), dict[str, Any]()
    for name, kind in schema.items():
        if name not in item:
            raise UsageError(f"the item has no {name}; table {table.name} has the key {_spelled(schema)}")
        ((found, value),) = values.typed({name: item[name]})[name].items()
        if found != kind:
            raise UsageError(
                f"{name} is {values.text(item[name])}, not a {_TYPES[kind]} value; "
                f"table {table.name} has the key {_spelled(schema)}"
            )
        if value in ("", b""):
            raise UsageError(f"{name} is empty; a key must not be")
        most = _SORT_BYTES if key else _PARTITION_BYTES
        if kind != "N" and (size := item_bytes({"": {kind: value}})) > most:
            raise UsageError(f"the key {name} has {size} bytes; DynamoDB allows {most}")
        key[name] = item[name]
    return key


def _typed_key(name: str, kind: str, text: str) -> Any:
    try:
        return values.untyped({name: restored(name, {kind: text})})[name]
    except ValueError as error:
        raise UsageError(f"--key: {error}; {name} is a {_TYPES[kind]} value") from None


def _spelled(schema: Mapping[str, str]) -> str:
    return " and ".join(f"{name} ({_TYPES[kind]})" for name, kind in schema.items())
