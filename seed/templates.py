"""The seed file as validated, rendered items. Pure; runs at synth.

The same file gives the same items on every machine and on every day: the times
come from the file, the ids from the times.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from dynamo.changes import key_of
from model.dataset import shown
from model.messages import Attribute, Item, check_user, message_item, parse_time
from model.time_span import parse_span
from seed.document import MOST_BYTES, Fields, Value, load
from seed.placeholders import render

# The condition of a rewrite names every attribute of an item, and an expression
# has at most 4 KB.
_ATTRIBUTES = 100


@dataclass(frozen=True)
class _Clock:
    """When a group's messages are sent: ``start``, then one ``every`` so often."""

    start: datetime | None = None
    every: timedelta | None = None

    def read(self, fields: Fields, name: str) -> "_Clock":
        """This clock with what ``fields`` say of start and every."""
        clock = self
        if "start" in fields:
            clock = replace(clock, start=_time(fields["start"].named(f"{name}start")))
        if "every" in fields:
            clock = replace(clock, every=_interval(fields["every"].named(f"{name}every")))
        return clock

    def at(self, index: int) -> datetime:
        """When the message of that index, from 0, is sent. Raises ValueError."""
        if self.start is None:
            raise ValueError("has no 'at', and there is no 'start'")
        if index and self.every is None:
            raise ValueError("has no 'at', and there is no 'every'")
        try:
            return self.start + index * (self.every or timedelta())
        except OverflowError:
            raise ValueError("would be sent after year 9999: mind 'start' and 'every'") from None


def load_items(file: Path, *, most: int | None = MOST_BYTES) -> list[Item]:
    """The items of the seed ``file``, in its order.

    Raises SeedError, which names the file, the line, the message and the rule,
    also for a file of more than ``most`` bytes.
    """
    document = load(file, most=most)
    root = document.fields(("users",), ("start", "every", "messages", "conversations"))
    if not {"messages", "conversations"} & root.keys():
        raise document.error("has neither 'messages' nor 'conversations'")
    users = {alias: _name(value) for alias, value in root["users"].named("users").entries()}
    items: dict[tuple[str, str], Item] = {}
    for message, item in _messages(root, users):
        key = key_of(item)
        if key in items:
            raise message.error(f"has the same key as an earlier message: {' / '.join(key)}")
        items[key] = item
    return list(items.values())


def _messages(root: Fields, users: dict[str, str]) -> Iterator[tuple[Value, Item]]:
    clock = _Clock().read(root, "")
    if "messages" in root:
        yield from _group(root["messages"].named("messages"), "message", users, clock)
    if "conversations" in root:
        groups = root["conversations"].named("conversations").items("conversation")
        for number, group in enumerate(groups, 1):
            fields = group.fields(("messages",), ("start", "every"))
            own = clock.read(fields, f"conversation {number}: ")
            messages = fields["messages"].named(f"conversation {number}: messages")
            yield from _group(messages, f"conversation {number}: message", users, own)


def _group(messages: Value, each: str, users: dict[str, str], clock: _Clock) -> Iterator[tuple[Value, Item]]:
    for index, message in enumerate(messages.items(each)):
        try:
            yield message, _item(message, users, clock, index)
        except ValueError as error:
            raise message.error(error) from None


def _item(message: Value, users: dict[str, str], clock: _Clock, index: int) -> Item:
    fields = message.fields(("from", "to", "body"), ("at", "id", "attributes"))
    names = {side: _user(fields[side], users) for side in ("from", "to")}
    return message_item(
        sender=names["from"],
        recipient=names["to"],
        body=render(fields["body"].text(), names),
        sent_at=_time(fields["at"]) if "at" in fields else clock.at(index),
        message_id=fields["id"].text() if "id" in fields else None,
        attributes=_attributes(fields),
    )


def _attributes(fields: Fields) -> dict[str, Attribute]:
    if "attributes" not in fields:
        return {}
    found = dict(fields["attributes"].entries())
    if len(found) > _ATTRIBUTES:
        raise fields["attributes"].error(f"has {len(found)} attributes; at most {_ATTRIBUTES}")
    return {name: value.attribute() for name, value in found.items()}


def _name(value: Value) -> str:
    name = value.text()
    try:
        check_user(name)
    except ValueError as error:
        raise value.error(error) from None
    return name


def _user(value: Value, users: dict[str, str]) -> str:
    alias = value.text()
    if alias not in users:
        raise value.error(f"unknown user {shown(alias)}; known are {', '.join(users) or 'none'}")
    return users[alias]


def _time(value: Value) -> datetime:
    try:
        return parse_time(value.text())
    except ValueError as error:
        raise value.error(error) from None


def _interval(value: Value) -> timedelta:
    try:
        return parse_span(value.text())
    except ValueError as error:
        raise value.error(error) from None
