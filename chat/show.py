"""What commands print: JSON for programs, plain lines for pipes, tables on a terminal.

Text of the table may hold anything: what a terminal would act on is spelled
out, and nothing in it is markup.
"""

import contextlib
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chat import json_text, naming
from chat.directory import Names
from chat.model import SORT_KEY, Position
from chat.references import reference
from chat.user_names import hidden
from ops.errors import OpsError
from ops.show import table as _table

# The characters that turn the direction of writing are no control characters
# by their category, but hide what is written.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ID_SHOWN = 8


def prepare() -> None:
    """Let standard output replace what its encoding lacks, for example the arrow in Latin-1."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def after(done: str) -> Iterator[None]:
    """Print the result of what is ``done``, for example "sent as TIME#ID".

    Raises OpsError that says so when standard output fails: repeating the
    command would do it twice.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        raise OpsError(f"{done}; only the output failed: {error.strerror}") from None


def safe(value: object) -> str:
    """``value`` on one line, with nothing in it that a terminal acts on."""
    return "".join(map(_spelled_out, str(value)))


def safe_name(value: object) -> str:
    """A user's name, or the names of a conversation, on one line: nothing in it is hidden."""
    name = str(value)
    places = hidden(name)
    return "".join(_spelled_out(character, always=place in places)
                   for place, character in enumerate(name))  # fmt: skip


def array(items: Iterable[Any]) -> None:
    """A JSON array, printed as its items come."""
    opening = "[\n"
    for item in items:
        text = json_text.text(item, indent=2, ascii_only=_ascii_only())
        sys.stdout.write(opening + "  " + text.replace("\n", "\n  "))
        opening = ",\n"
    print("[]" if opening == "[\n" else "\n]")


def document(value: Any) -> None:
    """One value as JSON."""
    print(json_text.text(value, indent=2, ascii_only=_ascii_only()))


def json_lines(items: Iterable[Any]) -> None:
    """JSON lines, at once."""
    lines(json_text.text(item, ascii_only=_ascii_only()) for item in items)


def lines(texts: Iterable[str]) -> None:
    """Lines, at once: a pipe would hold them back."""
    for text in texts:
        print(text)
    sys.stdout.flush()


def message_line(message: Mapping[str, Any], users: Names) -> str:
    """``Tom → Jerry: Hi``, as other programs read it."""
    sender, recipient = (_name(message, side, users) for side in ("FromUser", "ToUser"))
    return f"{sender} → {recipient}: {safe(message.get('Body', ''))}"


def history(messages: Iterable[Mapping[str, Any]], users: Names) -> None:
    """Messages for people: a line each, or a table."""
    if not _on_terminal():
        lines(message_line(message, users) for message in messages)
        return
    rows = (
        [
            safe(position.sent_at),
            _name(message, "FromUser", users),
            _name(message, "ToUser", users),
            safe(message.get("Body", "")) + (" (edited)" if "EditedAt" in message else ""),
            safe(position.message_id[:_ID_SHOWN]),
        ]
        for message in messages
        for position in [Position.of(str(message[SORT_KEY]))]
    )
    _table(["sent (UTC)", "from", "to", "message", "id"], rows)


def conversations(rows: Iterable[Mapping[str, Any]], marks: Sequence[str], users: Names) -> None:
    """A user's conversations for people, each with its mark, if any: tab-separated, or a table."""
    shown = [
        [
            safe(row["LastMessageAt"]),
            safe_name(row.get("ConversationId", "?")),
            safe_name(row.get("OtherUser", "?")),
            safe(row.get("LastMessageBody", "")),
            *([mark] if mark else []),
        ]
        for row, mark in zip(naming.rows(rows, users), marks, strict=True)
    ]
    if _on_terminal():
        _table(["last message (UTC)", "conversation", "with", "message", ""], shown)
    else:
        lines("\t".join(row) for row in shown)


def item(item: Mapping[str, Any]) -> None:
    """One item for people: an attribute on each line."""
    rows = [[safe(name), _cell(value)] for name, value in item.items()]
    if _on_terminal():
        _table(["attribute", "value"], rows)
    else:
        lines(f"{name}: {value}" for name, value in rows)


def item_line(keys: Sequence[str], item: Mapping[str, Any]) -> str:
    """One item on a line: its key, then the rest as JSON, separated by tabs."""
    rest = {name: value for name, value in item.items() if name not in keys}
    return "\t".join([*(_cell(item[name]) for name in keys), safe(json_text.text(rest))])


def named(message: Mapping[str, Any]) -> str:
    """The reference by which other commands know the message."""
    return safe(reference(str(message[SORT_KEY])))


def _name(item: Mapping[str, Any], side: str, users: Names) -> str:
    """Who is on that side; an item that was put by hand may say nothing, or no text."""
    found = item.get(side)
    return safe_name(users.names([found])[found] if isinstance(found, str) else "?")


def _cell(value: Any) -> str:
    return safe(value if isinstance(value, str) else json_text.text(value))


def _spelled_out(character: str, *, always: bool = False) -> str:
    category = unicodedata.category(character)
    if always or character in _TURNING or category in ("Cc", "Zl", "Zp", "Cs"):
        code = ord(character)
        spelled = f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
        return _ESCAPES.get(character, f"\\x{code:02x}" if code < 0x100 else spelled)
    return character


def _on_terminal() -> bool:
    # Not rich's own answer: FORCE_COLOR would put tables into pipes.
    return sys.stdout.isatty()


def _ascii_only() -> bool:
    """Whether standard output can take nothing but ASCII without changing it."""
    return (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
