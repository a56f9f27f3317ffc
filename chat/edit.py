"""``edit``: give a message another body."""

import argparse
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from chat.items import add_message, is_refusal, item_name, print_done
from chat.queries import find, named
from chat.target import Commands, Target, body, command
from cli.errors import OpsError
from model.messages import PARTITION_KEY, format_time


def add(commands: Commands) -> None:
    """The command line of ``edit``."""
    parser = command(commands, "edit", "change the body of a message; also sets EditedAt", writes=True)
    add_message(parser)
    parser.add_argument("body", help="the text; - reads standard input; put -- before a text that starts with a hyphen")


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Change the message; print its reference, or the changed item."""
    text = body(arguments.body)
    key = find(target.table, target.conversation(arguments.conversation), arguments.message)
    try:
        item = target.table.update_item(
            Key=key,
            UpdateExpression="SET Body = :body, EditedAt = :at",
            ConditionExpression=f"attribute_exists({PARTITION_KEY})",
            ExpressionAttributeValues={":body": text, ":at": format_time(datetime.now(UTC))},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except ClientError as error:
        if not is_refusal(error):
            raise
        raise OpsError(f"{item_name(target.table, key)} does not exist") from None
    return print_done("edited", named(item), item, arguments)
