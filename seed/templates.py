"""The seed file as validated, rendered items; runs at synth.

The same file gives the same items on every machine and on every day: the times
come from the file, the ids from the times.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import TypeVar

from dynamo.changes import key_of
from model.dataset import shown
from model.messages import Attribute, Item, message_item, parse_time
from model.time_span import parse_span
from model.users import check_user
from seed.document import MOST_BYTES, Fields, Value, load

# The condition of a rewrite names every attribute of an item, and an expression
# has at most 4 KB.
_ATTRIBUTES = 100
T = TypeVar("T")


@dataclass(frozen=True)
class _Clock:
    """When a group's messages are sent: at ``start``, then one after each ``every``."""

    start: datetime | None = None
    every: timedelta | None = None

    def read(self, fields: Fields, name: str) -> "_Clock":
        """This clock with the start and every of ``fields``."""
        start, every = fields.get("start"), fields.get("every")
        return _Clock(
            _read(parse_time, start.named(f"{name}start")) if start else self.start,
            _read(parse_span, every.named(f"{name}every")) if every else self.every,
        )

    def at(self, index: int) -> datetime:
        """When the message of that index, from 0, is sent. Raises ValueError."""
        if self.start is None:
            raise ValueError("has no 'at', and there is no 'start'")
        if index and self.every is None:
            raise ValueError("has no 'at', and there is no 'every'")
        try:
            return self.start + index * (self.every or timedelta())
        except OverflowError:
            raise ValueError("would be sent after year 9999: check 'start' and 'every'") from None


def load_items(file: Path, *, most: int | None = MOST_BYTES) -> list[Item]:
    """The items of the seed ``file``, in its order.

    Raises SeedError, which names the file, the line, the message and the rule,
    also for a file of more than ``most`` bytes.
    """
    document = load(file, most=most)
    root = document.fields(("users",), ("start", "every", "messages", "conversations"))
    if not {"messages", "conversations"} & root.keys():
        raise document.error("has neither 'messages' nor 'conversations'")
    users = {alias: _read(_checked_user, value) for alias, value in root["users"].named("users").entries()}
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
        sent_at=_read(parse_time, fields["at"]) if "at" in fields else clock.at(index),
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


def _checked_user(name: str) -> str:
    check_user(name)
    return name


def _user(value: Value, users: dict[str, str]) -> str:
    alias = value.text()
    if alias not in users:
        raise value.error(f"unknown user {shown(alias)}; known are {', '.join(users) or 'none'}")
    return users[alias]


def _read(parse: Callable[[str], T], value: Value) -> T:
    """The text of ``value`` as ``parse`` reads it; its error then names the line."""
    try:
        return parse(value.text())
    except ValueError as error:
        raise value.error(error) from None


def render(template: str, values: Mapping[str, str]) -> str:
    """``template`` with each ``{name}`` replaced; ``{{`` and ``}}`` are literal braces.

    Nothing but a plain name is allowed between braces: unlike str.format, no
    attribute, index, conversion or format, so that a data file cannot reach
    into objects. Raises ValueError that says what is wrong.
    """
    known = ", ".join(f"{{{name}}}" for name in values)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(
            f"malformed placeholder ({error}); known are {known}; a literal brace is written twice"
        ) from None
    rendered = ""
    for literal, field, spec, conversion in parts:
        rendered += literal
        if field is None:
            continue
        if field not in values or spec or conversion:
            shown = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise ValueError(f"unknown placeholder {{{shown}}}; known are {known}")
        rendered += values[field]
    return rendered
