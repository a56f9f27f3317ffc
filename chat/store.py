"""Queries on the table; the boto3 table comes from the caller."""

from collections.abc import Iterator
from typing import Any

from chat.model import PARTITION_KEY, conversation_key


def messages(table: Any, conversation: str) -> Iterator[dict[str, Any]]:
    """The messages of a conversation, oldest first, read consistently, page by page.

    ``table`` is a boto3 DynamoDB Table. botocore's errors pass through.
    """
    request: dict[str, Any] = {
        "KeyConditionExpression": "#pk = :conversation AND begins_with(sk, :messages)",
        "ExpressionAttributeNames": {"#pk": PARTITION_KEY},
        "ExpressionAttributeValues": {
            ":conversation": conversation_key(conversation),
            ":messages": "MESSAGE#",
        },
        "ConsistentRead": True,
    }
    while True:
        page = table.query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
