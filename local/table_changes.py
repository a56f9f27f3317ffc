"""What a deployment changed in the table: its messages before and after."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import Clients
from cli.errors import code, explain
from cli.output import count, safe, safe_name
from dynamo.values import same, untyped
from local.steps import StepFailed
from model.messages import CONVERSATION_PREFIX, PARTITION_KEY, SORT_KEY, Item, Key, key_of, short

# Items of a table that is compared: to read more takes longer than to deploy.
MOST = 10_000
_LINES = 10
_BODY = 60
_PEOPLE = ("ConversationId", "FromUser", "ToUser")


@dataclass(frozen=True, kw_only=True)
class Content:
    """The messages of a table; none of a table with more than MOST items."""

    arn: str
    items: int
    messages: dict[Key, Item]

    def last(self) -> Item | None:
        """The message that was sent last, of those that name their users; None if there is none."""
        named = (one for one in self.messages.values() if all(isinstance(one.get(name), str) for name in _PEOPLE))
        return max(named, key=lambda message: str(message[SORT_KEY]), default=None)


def content(arn: str) -> Content | None:
    """The content of a table now; None if it does not exist. Raises StepFailed."""
    dynamodb, name = _dynamodb(arn.split(":")[3], os.environ["AWS_ENDPOINT_URL"]), arn.rpartition("/")[2]
    try:
        items = int(dynamodb.describe_table(TableName=name)["Table"]["ItemCount"])  # the engine's is exact
        pages = dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True) if items <= MOST else ()
        # Not the lists of conversations: they follow the messages some moments later.
        found = map(untyped, (item for page in pages for item in page["Items"]))
        messages = {key_of(item): item for item in found if str(item[PARTITION_KEY]).startswith(CONVERSATION_PREFIX)}
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise StepFailed(explain(error)) from None
    except BotoCoreError as error:
        raise StepFailed(explain(error)) from None
    return Content(arn=arn, items=items, messages=messages)


@cache
def _dynamodb(region: str, _endpoint: str) -> Any:
    """The client of a region; another one where the embedded AWS was started again."""
    return Clients(region=region)("dynamodb")


def changes(before: Content, after: Content) -> list[str]:
    """What differs, for people: how many messages, then the first of them, a line each."""
    if before.arn != after.arn:
        return [f"another table than before; it has {count(after.items, 'item')}"]
    if max(before.items, after.items) > MOST:
        return [f"{count(before.items, 'item')} before, {after.items:,} now; more than {MOST:,} are not compared"]
    lines = list(_differing(before.messages, after.messages))
    if not lines:
        return ["no message added, changed or removed"]
    kinds = [line.split(maxsplit=1)[0] for line in lines]
    first = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    rest = [f"and {len(lines) - _LINES:,} more"] if len(lines) > _LINES else []
    return [f"messages: {first}", *lines[:_LINES], *rest]


def _differing(before: dict[Key, Item], after: dict[Key, Item]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if not same(old, new):
            kind = "added" if old is None else "removed" if new is None else "changed"
            yield f"{kind:8}{_line(new or old or {})}"


def _line(message: Item) -> str:
    """``jerry#tom  2026-01-01T09:00:00.000Z  Tom: Hi``; a message that was put by hand may lack some of it."""
    conversation, sender = (safe_name(message.get(name, "?")) for name in ("ConversationId", "FromUser"))
    return (
        f"{conversation}  {safe(message.get('SentAt', '?'))}  {sender}: {short(safe(message.get('Body', '')), _BODY)}"
    )
