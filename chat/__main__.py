"""``python -m chat``: the table's conversations from the command line."""

import argparse
import json
import os
import sys
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from chat.model import conversation_id
from chat.store import messages
from ops.clients import Clients, session
from ops.errors import OpsError, UsageError, explain
from ops.stack import deployed, stack_name


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = _Parser(prog="python -m chat", description="Read the Messages table.")
    commands = top.add_subparsers(required=True, metavar="history", parser_class=_Parser)
    history = commands.add_parser("history", help="the messages of a conversation, oldest first")
    history.add_argument("conversation", help="the two users, for example jerry#tom")
    target = history.add_mutually_exclusive_group()
    target.add_argument(
        "--stage",
        default=os.environ.get("STAGE") or "dev",
        help="the table of stack Messages-STAGE (default: $STAGE or dev)",
    )
    target.add_argument("--stack", metavar="NAME", help="the table of this stack")
    target.add_argument("--table", metavar="NAME", help="this table")
    history.add_argument("--region", help="default: the environment's or the profile's")
    history.add_argument("--profile", help="a profile of the AWS configuration files")
    history.add_argument("--json", action="store_true", help="print the items as JSON")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit status 0 done, 1 failed, 2 wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _history(arguments)
    except UsageError as error:
        return _fail(str(error), 2)
    except OpsError as error:
        return _fail(str(error), 1)
    except (ClientError, BotoCoreError) as error:
        return _fail(explain(error), 1)


def _history(arguments: argparse.Namespace) -> int:
    conversation = _conversation(arguments.conversation)
    name = _table_name(arguments)
    dynamodb = session(region=arguments.region, profile=arguments.profile).resource("dynamodb")
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


def _fail(text: str, status: int) -> int:
    print(f"error: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
