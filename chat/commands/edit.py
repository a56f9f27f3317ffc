"""``edit``: give a message another body."""

import argparse
from datetime import UTC, datetime

from chat import show, writing
from chat.options import Commands, add_message, body, command, key_of_message
from chat.target import Target
from cli import output


def add(commands: Commands) -> None:
    """The command line of ``edit``."""
    parser = command(commands, "edit", "give a message another body; sets Body and EditedAt", writes=True)
    add_message(parser)
    parser.add_argument("body", help="the text; - reads standard input, -- goes before a hyphen")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Change the message; print its reference, or the item as it is then."""
    text = body(arguments.body)
    key = key_of_message(arguments, target)
    item = writing.edit(target.table, key, text, at=datetime.now(UTC))
    name = show.named(item)
    with output.after(f"edited {name}"):
        if arguments.json:
            output.document(item)
        else:
            output.lines([name])
    return 0
