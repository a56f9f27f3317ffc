"""``send``: write a message."""

import argparse
import uuid
from datetime import UTC, datetime
from typing import Any

from chat.items import print_done, put_if_absent
from chat.queries import moment
from chat.target import Commands, Target, body, command, usage_errors, user_name
from model.messages import PARTITION_KEY, SORT_KEY, message_item


def add(commands: Commands) -> None:
    """The command line of ``send``."""
    parser = command(commands, "send", "send a message; the first one begins the conversation", writes=True)
    parser.add_argument("--from", required=True, dest="sender", metavar="USER", type=user_name, help="the sender")
    parser.add_argument("--to", required=True, dest="recipient", metavar="USER", type=user_name, help="the recipient")
    text = "when it was sent: ISO 8601 with a zone (default: now)"
    parser.add_argument("--at", metavar="TIME", type=moment, help=text)
    parser.add_argument("body", help="the text; - reads standard input; put -- before a text that starts with a hyphen")


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Write the message; print its reference, or the item."""
    text = body(arguments.body)
    sender, recipient = target.person(arguments.sender), target.person(arguments.recipient)
    with usage_errors():
        item = message_item(
            sender=sender,
            recipient=recipient,
            body=text,
            sent_at=arguments.at or datetime.now(UTC),
            message_id=str(uuid.uuid4()),
        )
    send(target.table, item)
    return print_done("sent as", f"{item['SentAt']}#{item['MessageId']}", item, arguments)


def send(table: Any, item: dict[str, Any]) -> None:
    """Write a new message to a boto3 Table. Raises OpsError when another one is under its key."""
    put_if_absent(table, item, {name: item[name] for name in (PARTITION_KEY, SORT_KEY)}, is_unique=True)
