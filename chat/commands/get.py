"""``get``: read a message, or any item by its key."""

import argparse

from chat import items, show
from chat.options import Commands, add_message, add_typed, command, key_of_item
from chat.target import Target
from cli import output
from dynamo import values


def add(commands: Commands) -> None:
    """The command line of ``get``."""
    parser = command(commands, "get", "read a message, or any item by its key")
    add_message(parser, or_key=True)
    add_typed(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the item, read consistently."""
    item = items.get(target.table, key_of_item(arguments, target))
    if arguments.typed:
        output.document(values.typed(item))
    elif arguments.json:
        output.document(item)
    else:
        show.item(item)
    return 0
