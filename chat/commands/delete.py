"""``delete``: delete a message, or any item by its key."""

import argparse

from chat import items, show
from chat.options import Commands, add_message, command, key_of_item
from chat.target import Target
from cli import output


def add(commands: Commands) -> None:
    """The command line of ``delete``."""
    parser = command(commands, "delete", "delete a message, or any item by its key", writes=True)
    add_message(parser, or_key=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Delete it; print its reference or key, or with --json the item that was there."""
    item = items.delete(target.table, key_of_item(arguments, target))
    name = "\t".join(map(output.safe, arguments.key or ())) or show.named(item)
    with output.after(f"deleted {name}"):
        if arguments.json:
            output.document(item)
        else:
            output.lines([name])
    return 0
