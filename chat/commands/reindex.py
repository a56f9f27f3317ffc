"""``reindex``: users' lists of conversations from the messages."""

import argparse
import json

from chat.failure_queue import FailureQueue
from chat.options import Commands, command, conversation, pair
from chat.reindex import Reindexed, all_conversations, reindex_all
from chat.settling import settle, settle_all
from chat.target import Target
from chat.transfer.bar import bar
from chat.transfer.patience import CONTINUES
from chat.transfer.tables import describe
from cli.errors import OpsError, UsageError
from cli.output import count


def add(commands: Commands) -> None:
    """The command line of ``reindex``."""
    parser = command(
        commands,
        "reindex",
        "bring the users' lists of conversations up to date from the messages; safe at any time",
        writes=True,
    )
    parser.add_argument(
        "conversations",
        nargs="*",
        metavar="CONVERSATION",
        type=pair,
        help="two users joined by #; default: all, which reads every key of the table",
    )
    parser.add_argument(
        "--failed",
        action="store_true",
        help="only those that the stream's function gave up on, and take them off the stack's failure queue",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="with --failed: all conversations, then empty the queue; for failures older than a "
        "day, which the stream has forgotten",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Reindex; exit status 1 when a list could not be brought up to date."""
    if arguments.conversations and (arguments.failed or arguments.all):
        raise UsageError("name conversations, or pass --failed or --all, not both")
    if arguments.failed:
        return _failed(arguments, target)
    named = [conversation(text, target.directory) for text in arguments.conversations]
    return _show(arguments, _named(target, named) if named else _everything(target))


def _failed(arguments: argparse.Namespace, target: Target) -> int:
    """Reindex what the failure queue is about; exit status 1 when a message stays in it."""
    queue = FailureQueue(target.service("sqs"), target.output("FailureQueueUrl"))
    if arguments.all:
        settled = settle_all(queue, lambda: _everything(target), say=target.say)
    else:
        settled = settle(queue, target.service("dynamodbstreams"), lambda found: _named(target, found), say=target.say)
    numbers = {"settled": settled.settled, "kept": settled.kept}
    return _show(arguments, settled.reindexed, numbers) or (1 if settled.kept else 0)


def _everything(target: Target) -> Reindexed:
    table = describe(target.typed_client, target.table_name)
    found = all_conversations(target.typed_client, table.name)
    try:
        with bar(f"reindexing {table.name}", None) as advance:
            return reindex_all(target.client, table.name, found, advance=advance, say=target.say)
    except TimeoutError as error:  # of the reading; a conversation's own is among the failed
        raise OpsError(f"{error}; {CONTINUES}") from None


def _named(target: Target, conversations: list[str]) -> Reindexed:
    return reindex_all(target.client, target.table_name, conversations, say=target.say)


def _show(arguments: argparse.Namespace, result: Reindexed, failures: dict[str, int] | None = None) -> int:
    if arguments.json:
        found = {"reindexed": result.done, "left_out": result.foreign, "failed": result.failed}
        print(json.dumps(found | (failures or {}), indent=2, ensure_ascii=False))
    else:
        parts = [f"{count(result.done, 'conversation')} reindexed"]
        parts += [f"{len(result.foreign):,} left out"] if result.foreign else []
        parts += [f"{len(result.failed):,} failed"] if result.failed else []
        parts += [f"{count(number, 'failure')} {what}" for what, number in (failures or {}).items()]
        print(", ".join(parts))
    return 1 if result.failed else 0
