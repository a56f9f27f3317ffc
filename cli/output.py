"""What commands print: JSON for programs, plain lines for pipes, tables on a terminal."""

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from cli.errors import OpsError
from dynamo import values
from model.users import hidden

# Control characters, line ends, halves of surrogate pairs, and what changes the direction of text, which can hide some.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNITS = ("B", "KB", "MB", "GB", "TB")


def size(count: int) -> str:
    """``count`` bytes: ``0 B``, ``1.5 KB``, ``12 GB``."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    shown = f"{amount:.0f}" if not unit or amount >= 100 else f"{amount:.3g}"
    return f"{shown} {_UNITS[unit]}"


def age(began: datetime | None, now: datetime) -> str:
    """The time since ``began``, in its largest unit: ``5 s``, ``3 min``, ``2 h``, ``40 d``."""
    if began is None:
        return "?"
    seconds = max(0, int((now - began).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def money(dollars: float) -> str:
    """``$0.00``, ``<$0.01``, ``$1.25``."""
    return "<$0.01" if 0 < dollars < 0.005 else f"${dollars:.2f}"


def count(number: int, noun: str) -> str:
    """``1 item``, ``2 items``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """One line for each row, with aligned cells; the last one is not padded."""
    listed = list(rows)
    widths = [max(map(len, cells)) for cells in zip(*listed, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in listed]


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table that fits the terminal; long text is wrapped in its cell."""
    # Imported here: it takes a twentieth of a second, which pipes do not need.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        made.add_column(name, overflow="fold")
    for row in rows:
        # Text, and not str, which rich would read for its markup.
        made.add_row(*map(Text, row))
    Console(file=sys.stdout).print(made)


def prepare() -> None:
    """Have standard output escape characters that its encoding lacks, for example the arrow in Latin-1."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def after(done: str) -> Iterator[None]:
    """Print a result after ``done``, as "sent as TIME#ID": if only that fails, the command must not be repeated."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        raise OpsError(f"{done}, but the result could not be printed: {error.strerror}") from None


def lines(texts: Iterable[str]) -> None:
    """Print lines, and flush them: a pipe would hold them back."""
    for text in texts:
        print(text)
    sys.stdout.flush()


def json_lines(items: Iterable[Any]) -> None:
    """Print one line of JSON for each item."""
    lines(map(_json, items))


def array(items: Iterable[Any]) -> None:
    """Print a JSON array, each item as soon as it arrives."""
    opening = "[\n"
    for item in items:
        sys.stdout.write(opening + "  " + _json(item, indent=2).replace("\n", "\n  "))
        opening = ",\n"
    print("[]" if opening == "[\n" else "\n]")


def document(value: Any) -> None:
    """Print one value as JSON."""
    print(_json(value, indent=2))


def _json(value: Any, *, indent: int | None = None) -> str:
    """``value`` as JSON: in ASCII, unless standard output takes every character."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    return values.text(value, indent=indent, ascii_only=ascii_only)


def safe(value: object) -> str:
    """``value`` on one line; characters that a terminal would act on are escaped."""
    return _UNSAFE.sub(lambda found: _escaped(found[0]), str(value))


def safe_name(value: object) -> str:
    """A user's name, or the names of a conversation, on one line; invisible characters are escaped."""
    name = str(value)
    places = hidden(name)
    return "".join(_escaped(character) if place in places else character for place, character in enumerate(name))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def on_terminal() -> bool:
    """Whether to print tables; not rich's own answer: FORCE_COLOR would put tables into pipes."""
    return sys.stdout.isatty()
