"""``delete``: delete a message, or any item by its key."""

import argparse

from chat import items
from chat.queries import named
from chat.target import Commands, Target, command
from cli import output
from dynamo.table import note_lost_tries


def add(commands: Commands) -> None:
    """The command line of ``delete``."""
    parser = command(commands, "delete", "delete a message, or any item by its key", writes=True)
    items.add_message(parser, or_key=True)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Delete it; print its reference or key, or with --json the deleted item."""
    note_lost_tries(target.client)
    item = items.delete(target.table, items.named_key(arguments, target))
    name = "\t".join(map(output.safe, arguments.key or ())) or named(item)
    return items.print_done("deleted", name, item, arguments)
