"""The items of a table, segment by segment and page by page, from anywhere on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.transfer.patience import patiently
from model.messages import CONVERSATION_PREFIX, MESSAGE_PREFIX, conversation_key
from model.wire import Typed

SEGMENTS = 4
_KEYS = {"#pk": "pk", "#sk": "sk"}


@dataclass(frozen=True)
class Selection:
    """Which items: all of them, all messages, or the messages of one conversation.

    ``messages_only`` leaves out memberships and items of other kinds;
    ``conversation`` is an id.
    """

    messages_only: bool = False
    conversation: str | None = None
    keys_only: bool = False

    @property
    def segments(self) -> int:
        """In how many parts it can be read at once."""
        return 1 if self.conversation is not None else SEGMENTS

    def __str__(self) -> str:
        if self.conversation is not None:
            return f"conversation {self.conversation}"
        return "messages" if self.messages_only else "all items"


@dataclass(frozen=True)
class Page:
    """Some items, at most 1 MB of the table, and the key to go on behind; None at the end."""

    items: list[Typed]
    last_key: Typed | None


def page(client: Any, table: str, selection: Selection, segment: int, after: Mapping[str, Any] | None) -> Page:
    """The next page of a segment, read consistently, behind the key ``after``.

    ``client`` takes and gives DynamoDB JSON. Raises TimeoutError when
    throttling does not end.
    """
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    if after is not None:
        request["ExclusiveStartKey"] = after
    if selection.conversation is not None:
        call, more = client.query, _query(selection.conversation)
    else:
        call, more = client.scan, _scan(selection, segment)
    answer = patiently(call, request | more, doing=f"reading {table}")
    return Page(answer["Items"], answer.get("LastEvaluatedKey"))


def _query(conversation: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "#pk = :conversation AND begins_with(#sk, :messages)",
        "ExpressionAttributeNames": _KEYS,
        "ExpressionAttributeValues": {
            ":conversation": {"S": conversation_key(conversation)},
            ":messages": {"S": MESSAGE_PREFIX},
        },
    }


def _scan(selection: Selection, segment: int) -> dict[str, Any]:
    request: dict[str, Any] = {"Segment": segment, "TotalSegments": selection.segments}
    if selection.keys_only:
        request |= {"ProjectionExpression": "#pk, #sk", "ExpressionAttributeNames": _KEYS}
    if selection.messages_only:
        request |= {
            "FilterExpression": "begins_with(#pk, :conversations) AND begins_with(#sk, :messages)",
            "ExpressionAttributeNames": _KEYS,
            "ExpressionAttributeValues": {
                ":conversations": {"S": CONVERSATION_PREFIX},
                ":messages": {"S": MESSAGE_PREFIX},
            },
        }
    return request
