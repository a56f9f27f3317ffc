"""Messages and other items one at a time: how arguments name one, reading, writing, deleting, printing.

``table`` is a boto3 DynamoDB Table, whose key schema decides what a key is. botocore's errors pass through.
"""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from chat.store import messages, not_before
from chat.target import Target, pair
from cli import output
from cli.errors import OpsError, UsageError, code
from dynamo import values
from dynamo.table import was_lost
from dynamo.values import item_bytes, restored, value_text
from model.messages import (
    CONVERSATION_PREFIX,
    KEY_BYTES,
    MESSAGE_PREFIX,
    PARTITION_KEY,
    SORT_KEY,
    Position,
    conversation_key,
    format_time,
    is_message,
    parse_time,
)

Attributes = dict[str, Any]
# The fewest characters of an id that may stand for it.
_SHORTEST = 4
# The names of the types that keys have.
_TYPES = {"S": "text", "N": "number", "B": "binary"}


def add_message(parser: argparse.ArgumentParser, *, or_key: bool = False) -> None:
    """The arguments that name one message of a conversation, or with ``or_key`` any item of the table."""
    several = "?" if or_key else None
    parser.add_argument("conversation", nargs=several, type=pair, help="the two users in any order")
    parser.add_argument(
        "message",
        nargs=several,
        type=_message_name,
        help="TIME#ID as printed by `send`, a message id, or at least its first 4 characters",
    )
    if or_key:
        parser.add_argument(
            "--key", nargs="+", metavar="VALUE", help="instead of a message, an item's key values, here PK SK"
        )


def key_of_message(arguments: argparse.Namespace, target: Target) -> dict[str, str]:
    """The key of the message that is named. Raises OpsError unless it is exactly one."""
    return find(target.table, target.conversation(arguments.conversation), arguments.message)


def key_of_item(arguments: argparse.Namespace, target: Target) -> Attributes:
    """The key of the message, or of the item of --key. Raises UsageError unless exactly one of them is named."""
    if arguments.key and arguments.conversation is not None:
        raise UsageError(f"{arguments.conversation!r} and --key: pass a message or a key, not both")
    if arguments.key:
        return key_of(target.table, arguments.key)
    if arguments.message is None:
        raise UsageError("pass CONVERSATION and a message (TIME#ID or id), or --key")
    return key_of_message(arguments, target)


def find(table: Any, conversation: str, text: str) -> dict[str, str]:
    """The key of the message that ``text`` names: TIME#ID, an id, or the beginning of one.

    Does not check that a message TIME#ID exists. Raises OpsError unless an id, or a beginning, belongs to
    exactly one message.
    """
    sort_key = sort_key_of(text)
    if sort_key is None:
        sort_key = _by_id(table, conversation, text)
    return {PARTITION_KEY: conversation_key(conversation), SORT_KEY: sort_key}


def reference(sort_key: str) -> str:
    """How a message is named: TIME#ID, or its whole sort key where that is spelled otherwise."""
    position = Position.of(sort_key)
    try:
        usual = format_time(parse_time(position.sent_at)) == position.sent_at
    except ValueError:
        usual = False
    return sort_key.removeprefix(MESSAGE_PREFIX) if usual and position.message_id else sort_key


def sort_key_of(text: str) -> str | None:
    """The sort key that a reference names; None for an id or the beginning of one. Raises UsageError."""
    if text.startswith(MESSAGE_PREFIX):
        return text
    time, separator, message_id = text.partition("#")
    if separator and message_id:
        return f"{MESSAGE_PREFIX}{format_time(moment(time))}#{message_id}"
    if separator or ":" in text or len(text) < _SHORTEST:
        raise UsageError(
            f"{text!r} is not a message: pass TIME#ID, a message id, or at least its first {_SHORTEST} characters"
        )
    return None


def upper_bound(text: str) -> str:
    """The sort key below which messages come before the reference or time ``text``."""
    if text.startswith(MESSAGE_PREFIX) or "#" in text:
        return str(sort_key_of(text))
    return MESSAGE_PREFIX + not_before(moment(text))


def place(text: str) -> tuple[str, str]:
    """The time and the conversation of TIME#CONVERSATION, or a time alone and "".

    A place that a list printed is used as it is: a key that was put by hand may spell its time otherwise.
    """
    time, _, conversation = text.partition("#")
    if conversation and time.endswith("Z"):
        return time, conversation
    at = moment(time)
    return (format_time(at) if conversation else not_before(at)), conversation


def moment(text: str) -> datetime:
    """The moment of an ISO time with a zone, or of a date: midnight in UTC. Raises UsageError."""
    try:
        if len(text) == len("2026-01-01"):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return parse_time(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time: ISO 8601 with a zone, like 2026-01-01T09:00:00Z, or a date, like 2026-01-01"
        ) from None


def key_schema(table: Any) -> dict[str, str]:
    """The names of the table's key attributes and their types; the partition key first."""
    types = {a["AttributeName"]: a["AttributeType"] for a in table.attribute_definitions}
    schema = sorted(table.key_schema, key=lambda key: key["KeyType"])  # HASH, RANGE
    return {key["AttributeName"]: types[key["AttributeName"]] for key in schema}


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
    return checked_key(table, key)


def checked_key(table: Any, item: Mapping[str, Any]) -> Attributes:
    """The key of ``item``. Raises UsageError unless it has the types and sizes of the table's key schema."""
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
        # The limits are those of any table's partition and sort key.
        most = KEY_BYTES[SORT_KEY if key else PARTITION_KEY]
        if kind != "N" and (size := item_bytes({"": {kind: value}})) > most:
            raise UsageError(f"the key {name} has {size} bytes; DynamoDB allows {most}")
        key[name] = item[name]
    return key


def get(table: Any, key: Attributes) -> Attributes:
    """The item under ``key``, read consistently. Raises OpsError when there is none."""
    if (item := stored(table, key)) is None:
        raise missing(table, key)
    return item


def stored(table: Any, key: Attributes) -> Attributes | None:
    """The item under ``key``, read consistently; None when there is none."""
    item = table.get_item(Key=key, ConsistentRead=True).get("Item")
    return None if item is None else dict(item)


def delete(table: Any, key: Attributes) -> Attributes:
    """Delete the item under ``key``; return what it was, as far as that is known.

    Raises OpsError when there is none. After a lost answer the SDK's second request finds none: then the item
    is gone, as requested.
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
        if was_lost(error):
            return dict(key)
        raise missing(table, key) from None
    return dict(answer["Attributes"])


def refusal(
    table: Any, item: Attributes, condition: str, names: dict[str, str], values: Attributes
) -> ClientError | None:
    """Write ``item`` under a condition; the ClientError of a condition that does not hold, else None."""
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


def is_refusal(error: ClientError) -> bool:
    """Whether a condition did not hold."""
    return code(error) == "ConditionalCheckFailedException"


def held(table: Any, key: Attributes, error: ClientError) -> Attributes | None:
    """The item that made a condition fail: the error's own, else read consistently."""
    item = error.response.get("Item")
    return values.untyped(item) if item else stored(table, key)


def missing(table: Any, key: Attributes) -> OpsError:
    """The error for an item that does not exist; a message is called by its reference."""
    pk, sk = (str(key.get(name)) for name in (PARTITION_KEY, SORT_KEY))
    if is_message(pk, sk):
        conversation = pk.removeprefix(CONVERSATION_PREFIX)
        return OpsError(f"conversation {conversation} has no message {reference(sk)} in table {table.name}")
    return OpsError(f"table {table.name} has no item with the key {key_text(key)}")


def key_text(key: Attributes) -> str:
    """A key for an error message."""
    return " ".join(map(value_text, key.values()))


def named(message: Mapping[str, Any]) -> str:
    """The reference by which other commands know the message, for printing."""
    return output.safe(reference(str(message[SORT_KEY])))


def print_done(done: str, name: str, item: Attributes, arguments: argparse.Namespace) -> int:
    """Print the ``name`` of an item that was written, or with --json the item; return exit status 0.

    If that fails the error says what is ``done``, for example "sent as": repeating the command would do it twice.
    """
    with output.after(f"{done} {name}"):
        if not print_json(item, arguments):
            output.lines([name])
    return 0


def print_json(item: Attributes, arguments: argparse.Namespace) -> bool:
    """Print an item as --typed or --json asks for it; whether one of them does."""
    if getattr(arguments, "typed", False):
        output.document(values.typed(item))
    elif arguments.json:
        output.document(item)
    else:
        return False
    return True


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


def _by_id(table: Any, conversation: str, text: str) -> str:
    """The sort key of the one message whose id is ``text``, or begins with it."""
    keys = messages(table, conversation, ProjectionExpression="#sk")
    ids = {item[SORT_KEY]: Position.of(item[SORT_KEY]).message_id for item in keys}
    found = [key for key, message_id in ids.items() if message_id == text] or [
        key for key, message_id in ids.items() if message_id.startswith(text)
    ]
    if not found:
        raise OpsError(
            f"conversation {conversation} has no message whose id starts with {text!r}; `history --json` lists the ids"
        )
    if len(found) > 1:
        shown = ", ".join(map(reference, found[:3])) + (", ..." if len(found) > 3 else "")
        raise OpsError(f"{len(found)} message ids start with {text!r} ({shown}); pass one as TIME#ID")
    return str(found[0])
