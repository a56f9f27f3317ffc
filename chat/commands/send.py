"""``send``: write a message."""

import argparse
import uuid
from datetime import UTC, datetime

from chat import show, writing
from chat.options import Commands, body, command, person, user_name
from chat.references import moment
from chat.target import Target
from cli import output
from cli.errors import UsageError
from model.messages import message_item


def add(commands: Commands) -> None:
    """The command line of ``send``."""
    parser = command(commands, "send", "send a message; the first one begins the conversation", writes=True)
    parser.add_argument("--from", required=True, dest="sender", metavar="USER", type=user_name, help="who sends it")
    parser.add_argument("--to", required=True, dest="recipient", metavar="USER", type=user_name, help="who gets it")
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="when it was sent: ISO 8601 with a zone (default: now)"
    )
    parser.add_argument("body", help="the text; - reads standard input, -- goes before a hyphen")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Write the message; print its reference, or the item."""
    text, users = body(arguments.body), target.directory
    try:
        item = message_item(
            sender=person(arguments.sender, users),
            recipient=person(arguments.recipient, users),
            body=text,
            sent_at=arguments.at or datetime.now(UTC),
            message_id=str(uuid.uuid4()),
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    writing.send(target.table, item)
    name = show.named(item)
    with output.after(f"sent as {name}"):
        if arguments.json:
            output.document(item)
        else:
            output.lines([name])
    return 0
