"""Sizes, ages, amounts and tables of text, for people."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

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
    """One line for each row, its cells below one another; the last is not padded."""
    listed = list(rows)
    widths = [max(map(len, cells)) for cells in zip(*listed, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]


def table(names: Sequence[str], rows: Iterable[Sequence[str]], *, indent: int = 0) -> None:
    """Print a table that fits the terminal, in whose cells long text is folded.

    Without ``names`` it has no header.
    """
    # Here, because they take a twentieth of a second that pipes do not need.
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    made = Table(box=None, header_style="bold", pad_edge=False, show_header=bool(names))
    for name in names or [""] * len(listed[0]):
        made.add_column(name, overflow="fold")
    for row in listed:
        # Text, and not str, which rich would read for its markup.
        made.add_row(*map(Text, row))
    Console(file=sys.stdout).print(Padding(made, (0, 0, 0, indent)) if indent else made)
