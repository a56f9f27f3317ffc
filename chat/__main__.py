"""``python -m chat``: the table's conversations from the command line."""

import argparse
import json
import sys

from chat.model import conversation_id
from chat.store import messages
from ops.cli import Parser, add_target, status_of
from ops.clients import Clients, session
from ops.errors import OpsError, UsageError
from ops.stack import deployed, stack_name


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = Parser(prog="python -m chat", description="Read the Messages table.")
    commands = top.add_subparsers(required=True, metavar="history", parser_class=Parser)
    history = commands.add_parser("history", help="the messages of a conversation, oldest first")
    history.add_argument("conversation", help="the two users, for example jerry#tom")
    add_target(history, table=True)
    history.add_argument("--json", action="store_true", help="print the items as JSON")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed, 2 wrong usage."""
    arguments = parser().parse_args(argv)
    return status_of(lambda: _history(arguments))


def _history(arguments: argparse.Namespace) -> int:
    conversation = _conversation(arguments.conversation)
    name = _table_name(arguments)
    aws = session(region=arguments.region, profile=arguments.profile)
    try:
        dynamodb = aws.resource("dynamodb")
    except ValueError as error:  # a malformed endpoint
        raise OpsError(f"{error}; check AWS_ENDPOINT_URL") from None
    found = list(messages(dynamodb.Table(name), conversation))
    if not found:
        raise OpsError(f"conversation {conversation} has no messages in table {name}")
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for message in found:
            print(f"{message['FromUser']} → {message['ToUser']}: {message['Body']}")
    return 0


def _conversation(text: str) -> str:
    users = text.split("#")
    if len(users) != 2:
        raise UsageError(f"{text!r} is not a conversation: two users joined by #, like jerry#tom")
    try:
        return conversation_id(*users)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _table_name(arguments: argparse.Namespace) -> str:
    if arguments.table:
        return str(arguments.table)
    clients = Clients(region=arguments.region, profile=arguments.profile)
    name = stack_name(stage=arguments.stage, stack=arguments.stack)
    return deployed(clients, name).output("TableName")


if __name__ == "__main__":
    sys.exit(main())
