"""Tables and items for tests of recoveries; the items are not messages, so no list has to follow."""

from typing import Any

from model.messages import key_of

KEYS = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}


def note(name: int | str, body: str) -> dict[str, Any]:
    """A typed item; ``name`` is its number, or its partition key."""
    pk = f"NOTE#{name:03}" if isinstance(name, int) else name
    return {"pk": {"S": pk}, "sk": {"S": "note"}, "Body": {"S": body}}


def put(dynamodb: Any, table: str, *items: dict[str, Any]) -> None:
    """Put items over existing ones."""
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)


def content(dynamodb: Any, table: str) -> dict[str, str]:
    """The bodies by partition keys, read consistently."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {key_of(item)[0]: item["Body"]["S"] for page in pages for item in page["Items"]}
