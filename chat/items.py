"""Items under keys: how arguments name one, reading, writing, deleting and printing it.

``table`` is a boto3 DynamoDB Table, whose key schema decides what a key is. botocore's errors pass through.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from chat.queries import find, reference, sort_key_of
from chat.target import Target, pair
from cli import output
from cli.errors import OpsError, UsageError, code
from dynamo import values
from dynamo.table import key_types, was_lost
from dynamo.values import restored, same, value_text
from model.messages import CONVERSATION_PREFIX, PARTITION_KEY, SORT_KEY, is_message

Attributes = dict[str, Any]
# The names of the types that keys have.
_TYPES = {"S": "text", "N": "number", "B": "binary"}


def add_message(parser: argparse.ArgumentParser, *, or_key: bool = False) -> None:
    """The arguments that name one message of a conversation, or with ``or_key`` any item of the table."""
    nargs = "?" if or_key else None
    parser.add_argument("conversation", nargs=nargs, type=pair, help="the two users in any order")
    text = "TIME#ID as printed by `send`, a message id, or at least its first 4 characters"
    parser.add_argument("message", nargs=nargs, type=_message_name, help=text)
    if or_key:
        text = "the key of an item instead of a message; in this table PK SK"
        parser.add_argument("--key", nargs="+", metavar="VALUE", help=text)


def named_key(arguments: argparse.Namespace, target: Target) -> Attributes:
    """The key of the message, or of the item of --key. Raises UsageError unless exactly one of them is named."""
    if arguments.key and arguments.conversation is not None:
        raise UsageError(f"{arguments.conversation!r} and --key: pass a message or a key, not both")
    if arguments.key:
        return key_of(target.table, arguments.key)
    if arguments.message is None:
        raise UsageError("pass CONVERSATION and a message (TIME#ID or id), or --key")
    return find(target.table, target.conversation(arguments.conversation), arguments.message)


def key_schema(table: Any) -> dict[str, str]:
    """The names of the table's key attributes and their types; the partition key first."""
    return key_types({"KeySchema": table.key_schema, "AttributeDefinitions": table.attribute_definitions})


def key_of(table: Any, texts: list[str]) -> Attributes:
    """The key that ``texts`` spell, binary in base64. Raises UsageError."""
    schema = key_schema(table)
    if len(texts) != len(schema):
        raise UsageError(
            f"table {table.name} has the key {_spelled(schema)}: --key takes {len(schema)} "
            f"value{'s' if len(schema) > 1 else ''}, got {len(texts)}"
        )
    key = {}
    for (name, kind), text in zip(schema.items(), texts, strict=True):
        try:
            key[name] = values.untyped({name: restored(name, {kind: text})})[name]
        except ValueError as error:
            raise UsageError(f"--key: {error}; {name} is a {_TYPES[kind]} value") from None
    return key


def key_in(table: Any, item: Attributes) -> Attributes:
    """The key of ``item``. Raises UsageError where it is incomplete; DynamoDB checks types and sizes."""
    schema = key_schema(table)
    for name in schema:
        if name not in item:
            raise UsageError(f"the item has no {name}; table {table.name} has the key {_spelled(schema)}")
    return {name: item[name] for name in schema}


def get(table: Any, key: Attributes) -> Attributes:
    """The item under ``key``, read consistently. Raises OpsError when there is none."""
    item = table.get_item(Key=key, ConsistentRead=True).get("Item")
    if item is None:
        raise OpsError(f"{item_name(table, key)} does not exist")
    return dict(item)


def delete(table: Any, key: Attributes) -> Attributes:
    """Delete the item under ``key``; return what it was, as far as that is known. Raises OpsError when there is none.

    After a lost answer the SDK's second request finds none: then the item is gone, as requested.
    """
    condition = {"ConditionExpression": "attribute_exists(#0)", "ExpressionAttributeNames": {"#0": next(iter(key))}}
    try:
        answer = table.delete_item(Key=key, ReturnValues="ALL_OLD", **condition)
    except ClientError as error:
        if not is_refusal(error):
            raise
        if was_lost(error):
            return dict(key)
        raise OpsError(f"{item_name(table, key)} does not exist") from None
    return dict(answer["Attributes"])


def put_if_absent(table: Any, item: Attributes, key: Attributes, *, is_unique: bool = False) -> None:
    """Write ``item`` unless there is one under its ``key``: then OpsError. No other ``is_unique`` item equals it."""
    condition = {"ConditionExpression": "attribute_not_exists(#0)", "ExpressionAttributeNames": {"#0": next(iter(key))}}
    if not put_if(table, item, is_unique=is_unique, **condition):
        raise OpsError(f"{item_name(table, key)} already exists; nothing written")


def put_if(table: Any, item: Attributes, *, is_unique: bool = False, **condition: Any) -> bool:
    """Write ``item`` under a condition; whether it held.

    A lost answer makes the SDK send again, which the first one's success refuses: then the stored item is
    ``item`` itself, and it was written.
    """
    try:
        table.put_item(Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition)
    except ClientError as error:
        if not is_refusal(error):
            raise
        return (is_unique or was_lost(error)) and same(values.untyped(error.response.get("Item", {})), item)
    return True


def is_refusal(error: ClientError) -> bool:
    """Whether a condition did not hold."""
    return code(error) == "ConditionalCheckFailedException"


def item_name(table: Any, key: Attributes) -> str:
    """An item for an error message; a message is called by its reference."""
    pk, sk = (str(key.get(name)) for name in (PARTITION_KEY, SORT_KEY))
    if is_message(pk, sk):
        conversation = pk.removeprefix(CONVERSATION_PREFIX)
        return f"message {reference(sk)} of conversation {conversation} in table {table.name}"
    return f"the item with the key {' '.join(map(value_text, key.values()))} in table {table.name}"


def print_done(done: str, name: str, item: Attributes, arguments: argparse.Namespace) -> int:
    """Print the ``name`` of an item that was written, or with --json the item; return exit status 0.

    An error says what is ``done``, for example "sent as": repeating the command would do it twice.
    """
    with output.after(f"{done} {name}"):
        if not print_json(item, arguments):
            output.lines([name])
    return 0


def print_json(item: Attributes, arguments: argparse.Namespace) -> bool:
    """Print an item as --typed or --json asks for it; whether one of them does."""
    typed = getattr(arguments, "typed", False)
    if typed or arguments.json:
        output.document(values.typed(item) if typed else item)
    return bool(typed or arguments.json)


def item_line(keys: Sequence[str], item: Mapping[str, Any]) -> str:
    """One item on a line: its key, then the rest as JSON, separated by tabs."""
    rest = {name: value for name, value in item.items() if name not in keys}
    return "\t".join([*(cell(item[name]) for name in keys), output.safe(values.text(rest))])


def cell(value: Any) -> str:
    """A value for people: text as it is, other values as JSON."""
    return output.safe(value if isinstance(value, str) else values.text(value))


def _message_name(text: str) -> str:
    """``text``, which can name a message; for ``add_argument(type=...)``. Raises UsageError."""
    sort_key_of(text)
    return text


def _spelled(schema: Mapping[str, str]) -> str:
    return " and ".join(f"{name} ({_TYPES[kind]})" for name, kind in schema.items())
