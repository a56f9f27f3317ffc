"""Tables of the data model that no stack made."""

import contextlib
from collections.abc import Iterator
from typing import Any

from model.messages import INDEX_NAME, INDEX_PARTITION_KEY, INDEX_SORT_KEY, PARTITION_KEY, SORT_KEY


@contextlib.contextmanager
def messages_table(dynamodb: Any, name: str, *, stream: bool) -> Iterator[Any]:
    """An empty table with the keys and the index of the data model, as a boto3 Table.

    ``dynamodb`` is a boto3 resource; ``stream`` says whether the table has one.
    """
    keys = PARTITION_KEY, SORT_KEY, INDEX_PARTITION_KEY, INDEX_SORT_KEY
    images = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
    index = {
        "IndexName": INDEX_NAME,
        "KeySchema": schema(INDEX_PARTITION_KEY, INDEX_SORT_KEY),
        "Projection": {"ProjectionType": "ALL"},
    }
    table = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema(PARTITION_KEY, SORT_KEY),
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        GlobalSecondaryIndexes=[index],
        **images if stream else {},
    )
    table.meta.client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 3000})
    try:
        yield table
    finally:
        table.delete()


def schema(*names: str) -> list[dict[str, str]]:
    """A KeySchema of a partition key and, if named, a sort key."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]
