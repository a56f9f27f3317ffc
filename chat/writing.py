"""Sending a message, and changing one that is there.

``table`` is a boto3 DynamoDB Table, which the caller brings. botocore's errors
pass through. No write here can overwrite a message that it does not mean.
"""

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chat.items import held, is_refusal, missing, refusal
from chat.references import reference
from cli.errors import OpsError
from dynamo.values import same
from model.messages import PARTITION_KEY, SORT_KEY, format_time


def send(table: Any, item: dict[str, Any]) -> None:
    """Write a new message. Raises OpsError when another one is under its key.

    An answer that is lost makes the SDK send again, which the first one's
    success refuses: then what is there is the message itself.
    """
    error = refusal(table, item, "attribute_not_exists(#0)", {"#0": PARTITION_KEY}, {})
    if error and not same(held(table, _key(item), error), item):
        raise OpsError(
            f"conversation {item['ConversationId']} has a message "
            f"{reference(item[SORT_KEY])} already; nothing is overwritten"
        )


def edit(table: Any, key: dict[str, str], body: str, *, at: datetime) -> dict[str, Any]:
    """Give the message under ``key`` another body; return the message as it is then.

    Raises OpsError when there is none.
    """
    try:
        answer = table.update_item(
            Key=key,
            UpdateExpression="SET Body = :body, EditedAt = :at",
            ConditionExpression=f"attribute_exists({PARTITION_KEY})",
            ExpressionAttributeValues={":body": body, ":at": format_time(at)},
            ReturnValues="ALL_NEW",
        )
    except ClientError as error:
        if not is_refusal(error):
            raise
        raise missing(table, key) from None
    return dict(answer["Attributes"])


def _key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in (PARTITION_KEY, SORT_KEY)}
