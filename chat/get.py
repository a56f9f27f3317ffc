"""``get``: read a message, or any item by its key."""

import argparse
from collections.abc import Mapping
from typing import Any

from chat import items
from chat.target import Commands, Target, add_typed, command
from cli import output


def add(commands: Commands) -> None:
    """The command line of ``get``."""
    parser = command(commands, "get", "read a message, or any item by its key")
    items.add_message(parser, or_key=True)
    add_typed(parser)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the item, read consistently."""
    item = items.get(target.table, items.named_key(arguments, target))
    if not items.print_json(item, arguments):
        show(item)
    return 0


def show(item: Mapping[str, Any]) -> None:
    """Print one item for people: an attribute on each line, or a table on a terminal."""
    rows = [[output.safe(name), items.cell(value)] for name, value in item.items()]
    if output.on_terminal():
        output.table(["attribute", "value"], rows)
    else:
        output.lines(f"{name}: {value}" for name, value in rows)
