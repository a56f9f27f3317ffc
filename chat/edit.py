"""``edit``: give a message another body."""

import argparse
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from chat.items import add_message, is_refusal, key_of_message, missing, named, print_done
from chat.target import Commands, Target, body, command
from model.messages import PARTITION_KEY, format_time


def add(commands: Commands) -> None:
    """The command line of ``edit``."""
    parser = command(commands, "edit", "give a message another body; sets Body and EditedAt", writes=True)
    add_message(parser)
    parser.add_argument("body", help="the text; - reads standard input, -- goes before a hyphen")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Change the message; print its reference, or the changed item."""
    text = body(arguments.body)
    item = edit(target.table, key_of_message(arguments, target), text, at=datetime.now(UTC))
    return print_done("edited", named(item), item, arguments)


def edit(table: Any, key: dict[str, str], body: str, *, at: datetime) -> dict[str, Any]:
    """Change the body of the message under ``key`` in a boto3 Table; return the changed message.

    Raises OpsError when there is none.
    """
    try:
        answer = table.update_item(
            Key=key,
            UpdateExpression="SET Body = :body, EditedAt = :at",
            ConditionExpression=f"attribute_exists({PARTITION_KEY})",
            ExpressionAttributeValues={":body": body, ":at": format_time(at)},
            ReturnValues="ALL_NEW",
        )
    except ClientError as error:
        if not is_refusal(error):
            raise
        raise missing(table, key) from None
    return dict(answer["Attributes"])
