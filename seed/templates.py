"""The seed file as validated, rendered items. Pure; runs at synth.

The same file gives the same items on every machine and on every day: the times
come from the file, the ids from the times.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path

from chat.model import (
    ITEM_BYTES,
    PARTITION_KEY,
    SORT_KEY,
    Item,
    item_bytes,
    message_item,
    parse_time,
)
from seed.document import Value, load
from seed.placeholders import render

_INTERVAL = re.compile(r"([1-9]\d{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def load_items(file: Path) -> list[Item]:
    """The items of the seed ``file``, in its order.

    Raises SeedError, which names the file, the line, the message and the rule.
    """
    root = load(file).fields(("users", "start", "every", "messages"))
    users = {alias: value.text() for alias, value in root["users"].named("users").entries()}
    start_value, every_value = root["start"].named("start"), root["every"].named("every")
    every = _interval(every_value)
    try:
        start = parse_time(start_value.text())
    except ValueError as error:
        raise start_value.error(error) from None

    items: dict[tuple[str, str], Item] = {}
    for number, message in enumerate(root["messages"].named("messages").items("message")):
        try:
            item = _item(message, users, start + number * every)
        except (ValueError, OverflowError) as error:
            raise message.error(error) from None
        key = item[PARTITION_KEY], item[SORT_KEY]
        if key in items:
            raise message.error(f"has the same key as another message: {' / '.join(key)}")
        items[key] = item
    return list(items.values())


def _item(message: Value, users: dict[str, str], sent_at: datetime) -> Item:
    fields = message.fields(("from", "to", "body"))
    names = {side: _user(fields[side], users) for side in ("from", "to")}
    body = render(fields["body"].text(), names)
    if not body.strip():
        raise ValueError("body is empty")
    item = message_item(sender=names["from"], recipient=names["to"], body=body, sent_at=sent_at)
    if (size := item_bytes(item)) > ITEM_BYTES:
        raise ValueError(f"the item has {size} bytes; DynamoDB allows {ITEM_BYTES}")
    return item


def _user(value: Value, users: dict[str, str]) -> str:
    alias = value.text()
    if alias not in users:
        raise value.error(f"unknown user {alias!r}; known are {', '.join(users) or 'none'}")
    return users[alias]


def _interval(value: Value) -> timedelta:
    text = value.text()
    match = _INTERVAL.fullmatch(text)
    if not match:
        raise value.error(f"{text!r} is not a time span like 30s, 1m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
