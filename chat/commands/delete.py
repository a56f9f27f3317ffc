"""``delete``: delete a message, or any item by its key."""

import argparse

from chat import items, keys, show, store, writing
from chat.options import Commands, add_message, chosen, command, conversation
from chat.target import Target


def add(commands: Commands) -> None:
    """The command line of ``delete``."""
    parser = command(commands, "delete", "delete a message, or any item by its key")
    add_message(parser, or_key=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Delete it; print its reference or key, or with --json the item that was there."""
    by_key = chosen(arguments)
    if by_key:
        item = items.delete(target.table, keys.key_of(target.table, by_key))
    else:
        key = store.find(
            target.table, conversation(arguments.conversation, target.directory), arguments.message
        )
        item = writing.delete(target.table, key)
    if arguments.json:
        show.document(item)
    else:
        show.lines(["\t".join(map(show.safe, by_key)) if by_key else show.named(item)])
    return 0
