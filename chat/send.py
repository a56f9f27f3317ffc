"""``send``: write a message."""

import argparse
import uuid
from datetime import UTC, datetime
from typing import Any

from chat.items import held, moment, named, print_done, reference, refusal
from chat.target import Commands, Target, body, command, usage_errors, user_name
from cli.errors import OpsError
from dynamo.values import same
from model.messages import PARTITION_KEY, SORT_KEY, message_item


def add(commands: Commands) -> None:
    """The command line of ``send``."""
    parser = command(commands, "send", "send a message; the first one begins the conversation", writes=True)
    parser.add_argument("--from", required=True, dest="sender", metavar="USER", type=user_name, help="the sender")
    parser.add_argument("--to", required=True, dest="recipient", metavar="USER", type=user_name, help="the recipient")
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="when it was sent: ISO 8601 with a zone (default: now)"
    )
    parser.add_argument("body", help="the text; - reads standard input, -- goes before a hyphen")
    parser.set_defaults(run=run)


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
    return print_done("sent as", named(item), item, arguments)


def send(table: Any, item: dict[str, Any]) -> None:
    """Write a new message to a boto3 Table. Raises OpsError when another one is under its key.

    A lost answer makes the SDK send again, which the first one's success refuses: then what is there is the
    message itself.
    """
    error = refusal(table, item, "attribute_not_exists(#0)", {"#0": PARTITION_KEY}, {})
    key = {name: item[name] for name in (PARTITION_KEY, SORT_KEY)}
    if error and not same(held(table, key, error), item):
        raise OpsError(
            f"conversation {item['ConversationId']} already has message {reference(item[SORT_KEY])}; nothing written"
        )
