"""``history``: the messages of a conversation."""

import argparse
import json

from chat.options import Commands, command, conversation
from chat.store import messages
from chat.target import Target
from ops.errors import OpsError


def add(commands: Commands) -> None:
    """The command line of ``history``."""
    parser = command(commands, "history", "the messages of a conversation, oldest first")
    parser.add_argument("conversation", help="the two users, for example jerry#tom")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the messages, oldest first."""
    wanted = conversation(arguments.conversation, target.directory)
    found = list(messages(target.table, wanted))
    if not found:
        raise OpsError(f"conversation {wanted} has no messages in table {target.table_name}")
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for message in found:
            print(f"{message['FromUser']} → {message['ToUser']}: {message['Body']}")
    return 0
