"""Any item of any table: read, put, delete by key; conditions and what refused them.

``table`` is a boto3 DynamoDB Table, which the caller brings. botocore's errors
pass through.
"""

from typing import Any

from botocore.exceptions import ClientError

from chat.keys import checked_key
from chat.references import reference
from cli.errors import OpsError, code, message
from dynamo import values
from dynamo.table import was_lost
from dynamo.values import beyond_json, differences, same, value_text
from model.messages import CONVERSATION_PREFIX, PARTITION_KEY, SORT_KEY, is_message

Item = dict[str, Any]
_REFUSED = "ConditionalCheckFailedException"
# So many differences say enough.
_MOST = 3
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_EXPRESSION_BYTES = 4096


def get(table: Any, key: Item) -> Item:
    """The item under ``key``, read consistently. Raises OpsError when there is none."""
    item = _read(table, key)
    if item is None:
        raise missing(table, key)
    return item


def put(table: Any, item: Item) -> None:
    """Write ``item``, whatever is under its key."""
    table.put_item(Item=item)


def put_if_absent(table: Any, item: Item) -> None:
    """Write ``item`` unless there is one under its key: then OpsError."""
    key = checked_key(table, item)
    condition = "attribute_not_exists(#0)"
    error = refusal(table, item, condition, {"#0": next(iter(key))}, {})
    if error and not (was_lost(error) and same(held(table, key, error), item)):
        raise OpsError(f"table {table.name} has an item with the key {_key_text(key)} already; nothing written")


def put_if_unchanged(table: Any, item: Item, old: Item, *, typed: bool = False) -> None:
    """Write ``item`` while what is stored under its key is exactly ``old``; else OpsError.

    ``old`` is equal when it is the same JSON (dynamo/values.py): plain JSON,
    of which a set or binary that stays in the item is refused, since it would
    change its type; or ``typed``, which tells all types apart. Compared is
    what a consistent reading gives, and DynamoDB writes only while all of its
    attributes still have these values; it cannot be told to look for attributes
    with other names, which somebody could add in the moment between.
    """
    key = checked_key(table, item)
    stored = _read(table, key)
    if stored is None:
        raise missing(table, key)
    if found := differences(stored, old, exact=typed):
        raise _changed(table, key, found)
    if not typed:
        _check_types(table, key, stored, item)
    condition, names, values = _unchanged(stored, item)
    if len(condition) > _EXPRESSION_BYTES:
        raise _too_many(table, key, len(names), f"a condition has {_EXPRESSION_BYTES} bytes")
    try:
        error = refusal(table, item, condition, names, values)
    except ClientError as failed:
        if "too many operators" in message(failed):
            raise _too_many(table, key, len(names), message(failed)) from None
        raise
    if error:
        now = held(table, key, error)
        if not (was_lost(error) and same(now, item)):
            raise _changed(table, key, differences(now or {}, old, exact=typed))


def delete(table: Any, key: Item) -> Item:
    """Delete the item under ``key``; return what it was, as far as that is known.

    Raises OpsError when there is none. After a lost answer the SDK's second
    request finds none: then the item is gone, as was asked for.
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


def missing(table: Any, key: Item) -> OpsError:
    """What is said of an item that is not there; a message has its own name."""
    pk, sk = (str(key.get(name)) for name in (PARTITION_KEY, SORT_KEY))
    if is_message(pk, sk):
        conversation = pk.removeprefix(CONVERSATION_PREFIX)
        return OpsError(f"conversation {conversation} has no message {reference(sk)} in table {table.name}")
    return OpsError(f"table {table.name} has no item with the key {_key_text(key)}")


def refusal(table: Any, item: Item, condition: str, names: dict[str, str], values: Item) -> ClientError | None:
    """Write ``item`` under a condition; the error of one that does not hold, else None."""
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
    return code(error) == _REFUSED


def held(table: Any, key: Item, error: ClientError) -> Item | None:
    """The item that made a condition fail: the error's own, else read consistently."""
    item = error.response.get("Item")
    return values.untyped(item) if item else _read(table, key)


def _read(table: Any, key: Item) -> Item | None:
    item = table.get_item(Key=key, ConsistentRead=True).get("Item")
    return None if item is None else dict(item)


def _key_text(key: Item) -> str:
    return " ".join(map(value_text, key.values()))


def _check_types(table: Any, key: Item, stored: Item, item: Item) -> None:
    """Raise OpsError for an attribute that stays and whose value plain JSON cannot spell."""
    for name in sorted(item.keys() & stored.keys()):
        if found := beyond_json(stored[name]):
            contains = "contains" if isinstance(stored[name], dict | list) else "is"
            raise OpsError(
                f"{value_text(name)[1:-1]} of item {_key_text(key)} of table {table.name} "
                f"{contains} {found}; nothing written; give ITEM and OLD as `get --typed` prints "
                "them, with --typed"
            )


def _unchanged(stored: Item, item: Item) -> tuple[str, dict[str, str], Item]:
    """The condition that ``stored`` still is as it is, and its names and values."""
    equal = {f"#{n}": name for n, name in enumerate(stored)}
    absent = {f"#new{n}": name for n, name in enumerate(item.keys() - stored.keys())}
    condition = " AND ".join(
        [f"{place} = :{place[1:]}" for place in equal] + [f"attribute_not_exists({place})" for place in absent]
    )
    values = {f":{place[1:]}": stored[name] for place, name in equal.items()}
    return condition, equal | absent, values


def _too_many(table: Any, key: Item, number: int, rule: str) -> OpsError:
    return OpsError(
        f"item {_key_text(key)} of table {table.name} has too many attributes for one condition, "
        f"{number} with those that are new ({rule}); nothing written; compare it with "
        "`get --json`, and put it without --if-unchanged"
    )


def _changed(table: Any, key: Item, found: list[str]) -> OpsError:
    found = found or ["it has changed and changed back"]
    listed = "; ".join(found[:_MOST]) + ("; ..." if len(found) > _MOST else "")
    return OpsError(f"item {_key_text(key)} of table {table.name} is not as in OLD: {listed}; nothing written")
