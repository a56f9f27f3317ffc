"""Reads and writes of the seeding function. Every write states what it expects to find."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from seed.changes import Item, Key, Write, key_of

# BatchGetItem takes up to 100 keys
# (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
_KEYS_PER_READ = 100
# A connection each; the client's pool holds ten.
_WRITERS = 8


def read(dynamodb: Any, table: str, keys: Sequence[Key]) -> dict[Key, Item]:
    """The items that the table holds under ``keys``, read consistently.

    ``dynamodb`` is a boto3 DynamoDB resource. Keys that DynamoDB leaves
    unprocessed are asked for again; its client backs off between the calls.
    """
    found: dict[Key, Item] = {}
    for start in range(0, len(keys), _KEYS_PER_READ):
        wanted = [{"pk": pk, "sk": sk} for pk, sk in keys[start : start + _KEYS_PER_READ]]
        request: Any = {table: {"Keys": wanted, "ConsistentRead": True}}
        while request:
            reply = dynamodb.batch_get_item(RequestItems=request)
            found |= {key_of(item): item for item in reply["Responses"].get(table, [])}
            request = reply["UnprocessedKeys"]
    return found


def write(dynamodb: Any, table: str, writes: Iterable[Write]) -> list[Key]:
    """Make the writes; returns the keys where the table no longer held what was expected.

    Those are edits made since the read, and they stand. Any other refusal is
    raised as botocore's ClientError.
    """
    target = dynamodb.Table(table)
    with ThreadPoolExecutor(_WRITERS) as pool:
        lost = pool.map(lambda change: _write_one(target, change), writes)
        return [key for key in lost if key is not None]


def _write_one(table: Any, change: Write) -> Key | None:
    condition = _expects(change.before)
    item = change.after or change.before
    assert item is not None, "a write has a before or an after"
    try:
        if change.after is None:
            table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]}, **condition)
        else:
            table.put_item(Item=dict(change.after), **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return key_of(item)
    return None


def _expects(before: Item | None) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    names = sorted(before)
    return {
        "ConditionExpression": " AND ".join(f"#a{i} = :v{i}" for i in range(len(names))),
        "ExpressionAttributeNames": {f"#a{i}": name for i, name in enumerate(names)},
        "ExpressionAttributeValues": {f":v{i}": before[name] for i, name in enumerate(names)},
    }
