"""What commands print: JSON for programs, plain lines for pipes, tables on a terminal.

Text of the table may hold anything: what a terminal would act on is spelled
out, and nothing in it is markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chat import naming
from chat.references import reference
from cli import output
from dynamo import values
from model.messages import SORT_KEY, Position
from model.users import Names

_ID_SHOWN = 8


def message_line(message: Mapping[str, Any], users: Names) -> str:
    """``Tom → Jerry: Hi``, as other programs read it."""
    sender, recipient = (_name(message, side, users) for side in ("FromUser", "ToUser"))
    return f"{sender} → {recipient}: {output.safe(message.get('Body', ''))}"


def history(messages: Iterable[Mapping[str, Any]], users: Names) -> None:
    """Messages for people: a line each, or a table."""
    if not output.on_terminal():
        output.lines(message_line(message, users) for message in messages)
        return
    rows = (
        [
            output.safe(position.sent_at),
            _name(message, "FromUser", users),
            _name(message, "ToUser", users),
            output.safe(message.get("Body", "")) + (" (edited)" if "EditedAt" in message else ""),
            output.safe(position.message_id[:_ID_SHOWN]),
        ]
        for message in messages
        for position in [Position.of(str(message[SORT_KEY]))]
    )
    output.table(["sent (UTC)", "from", "to", "message", "id"], rows)


def conversations(rows: Iterable[Mapping[str, Any]], marks: Sequence[str], users: Names) -> None:
    """A user's conversations for people, each with its mark, if any: tab-separated, or a table."""
    shown = [
        [
            output.safe(row["LastMessageAt"]),
            output.safe_name(row.get("ConversationId", "?")),
            output.safe_name(row.get("OtherUser", "?")),
            output.safe(row.get("LastMessageBody", "")),
            *([mark] if mark else []),
        ]
        for row, mark in zip(naming.rows(rows, users), marks, strict=True)
    ]
    if output.on_terminal():
        output.table(["last message (UTC)", "conversation", "with", "message", ""], shown)
    else:
        output.lines("\t".join(row) for row in shown)


def item(item: Mapping[str, Any]) -> None:
    """One item for people: an attribute on each line."""
    rows = [[output.safe(name), _cell(value)] for name, value in item.items()]
    if output.on_terminal():
        output.table(["attribute", "value"], rows)
    else:
        output.lines(f"{name}: {value}" for name, value in rows)


def item_line(keys: Sequence[str], item: Mapping[str, Any]) -> str:
    """One item on a line: its key, then the rest as JSON, separated by tabs."""
    rest = {name: value for name, value in item.items() if name not in keys}
    return "\t".join([*(_cell(item[name]) for name in keys), output.safe(values.text(rest))])


def named(message: Mapping[str, Any]) -> str:
    """The reference by which other commands know the message."""
    return output.safe(reference(str(message[SORT_KEY])))


def _name(item: Mapping[str, Any], side: str, users: Names) -> str:
    """Who is on that side; an item that was put by hand may say nothing, or no text."""
    found = item.get(side)
    return output.safe_name(users.names([found])[found] if isinstance(found, str) else "?")


def _cell(value: Any) -> str:
    return output.safe(value if isinstance(value, str) else values.text(value))
