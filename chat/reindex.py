"""``reindex``: brings users' lists of conversations up to date from the messages.

For a table that had messages before it had a stream, for a restored table, and after failures.

Why this is safe while the stream's function works at the same time. Both write through ``bring_up_to_date``, and
differ in the horizon only: the last message that a list may be moved back from. Here it is the newest of what both
lists show and of the messages, all read consistently, before anything is written.

* A message that is written after that and is newer has a record of its own, which the function handles: here the
  list is then left alone, or the condition of the write does not hold.
* One that is written after that and is older than the horizon, because it is dated back or the newest ones were
  deleted, may be overtaken by a write from here. ``bring_up_to_date`` reads the newest message again after it has
  written, and then writes that one.
* A list that shows a deleted message goes back only if no newer message is there: the horizon is what it shows,
  and not later.

If the program is killed between that write and the second reading, a list may stay stale until the conversation's
next message; running it again corrects it.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chat.failure_queue import Say, settle, settle_all
from chat.queries import last_message
from chat.target import Commands, Target, command, pair
from chat.transfer import Advance, bar, describe, read_segments, scans
from cli.errors import OpsError, UsageError, code, explain
from cli.output import count
from dynamo.memberships import Unsettled, bring_up_to_date
from dynamo.parallel import lanes, patiently
from model import messages as model
from model.wire import Typed

_WORKERS = 8


@dataclass
class Reindexed:
    """How many conversations are up to date, and which are not."""

    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    # Keys that look like those of a conversation, but are not; no list can show them.
    foreign: list[str] = field(default_factory=list)


def add(commands: Commands) -> None:
    """The command line of ``reindex``."""
    parser = command(
        commands, "reindex", "rebuild the users' conversation lists from the messages; safe at any time", writes=True
    )
    text = "two users joined by #; default: all, which reads every key of the table"
    parser.add_argument("conversations", nargs="*", metavar="CONVERSATION", type=pair, help=text)
    text = "only conversations whose records failed; deletes their messages from the failure queue"
    parser.add_argument("--failed", action="store_true", help=text)
    text = "with --failed: all conversations, then empty the queue; for failures older than the stream's 24 hours"
    parser.add_argument("--all", action="store_true", help=text)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Reindex; exit status 1 when a list could not be brought up to date, or a message stays in the queue."""
    if arguments.conversations and (arguments.failed or arguments.all):
        raise UsageError("name conversations, or pass --failed or --all, not both")
    result, settled = Reindexed(), dict[str, int]()

    def some(conversations: Iterable[str], advance: Advance = lambda _: None) -> bool:
        """Reindex these; whether none of them failed."""
        failed = len(result.failed)
        reindex_all(target.client, target.table_name, conversations, result, advance=advance, say=target.say)
        return len(result.failed) == failed

    def everything() -> bool:
        describe(target.typed_client, target.table_name)  # which refuses a table with other keys
        with bar(f"reindexing {target.table_name}", None) as advance:
            return some(all_conversations(target.typed_client, target.table_name), advance)

    if arguments.failed:
        queue = target.clients("sqs"), target.stack_output("FailureQueueUrl")
        if arguments.all:
            settled = settle_all(*queue, everything, say=target.say)
        else:
            settled = settle(*queue, target.clients("dynamodbstreams"), some, say=target.say)
    elif arguments.conversations:
        some([target.conversation(text) for text in arguments.conversations])
    else:
        everything()
    if arguments.json:
        found = {"reindexed": result.done, "left_out": result.foreign, "failed": result.failed}
        print(json.dumps(found | settled, indent=2, ensure_ascii=False))
    else:
        parts = [f"{count(result.done, 'conversation')} reindexed"]
        parts += [f"{len(result.foreign):,} left out"] if result.foreign else []
        parts += [f"{len(result.failed):,} failed"] if result.failed else []
        parts += [f"{count(number, 'failure')} {outcome}" for outcome, number in settled.items()]
        print(", ".join(parts))
    return 1 if result.failed or settled.get("kept") else 0


def reindex(table: Any, conversation: str) -> None:
    """Bring both participants' lists in a boto3 Table up to date with one conversation, an id; wait out throttling.

    Raises ValueError for what is not a conversation, Unsettled, TimeoutError, and botocore's other errors.
    """

    def once() -> None:
        last = last_message(table, conversation)
        found = [model.Position.of(last[model.SORT_KEY])] if last else []
        for user in model.participants(conversation):
            answer = table.get_item(Key=model.membership_key(user, conversation), ConsistentRead=True)
            if row := answer.get("Item"):
                found.append(model.Position(str(row.get(model.INDEX_SORT_KEY, "")), str(row.get("LastMessageId", ""))))
        if found:
            bring_up_to_date(table, conversation, max(found))

    patiently(f"reindexing {conversation}", once)


def reindex_all(
    client: Any, name: str, conversations: Iterable[str], result: Reindexed, *, advance: Advance, say: Say
) -> None:
    """Reindex several conversations at once, read as they are used; one that fails does not stop the others.

    ``client`` is that of a boto3 resource; ``result`` counts them.
    """
    table = table_for_threads(client, name)

    def attempt(conversation: str) -> tuple[str, Exception | None]:
        try:
            reindex(table, conversation)
            return conversation, None
        except (ValueError, ClientError, BotoCoreError, Unsettled, TimeoutError) as error:
            return conversation, error

    with lanes(_WORKERS) as opened:
        for conversation, error in opened.map(attempt, conversations):
            advance(1)
            if error is None:
                result.done += 1
            elif isinstance(error, ValueError):
                result.foreign.append(conversation)
                say(f"left out: {error}; delete the items with pk {model.conversation_key(conversation)}")
            elif isinstance(error, ClientError) and code(error) == "ResourceNotFoundException":
                raise error  # the table is gone
            else:
                result.failed[conversation] = explain(error)
                say(f"conversation {conversation}: {explain(error)}")


def all_conversations(client: Any, table: str, *, advance: Advance = lambda _: None) -> Iterator[str]:
    """The ids of all conversations that have messages or are in lists, each of them once; they are kept in memory.

    ``client`` takes and returns DynamoDB JSON. Reads all keys of the table, and counts them by ``advance``.
    """
    names = {"#pk": model.PARTITION_KEY, "#sk": model.SORT_KEY}
    calls = scans(client, ProjectionExpression="#pk, #sk", ExpressionAttributeNames=names)
    seen = set[str]()
    try:
        for _, items, _ in read_segments(table, calls, dict.fromkeys(range(len(calls)))):
            advance(len(items))
            new = dict.fromkeys(filter(None, map(_conversation, items)))
            yield from (conversation for conversation in new if conversation not in seen)
            seen.update(new)
    except TimeoutError as error:
        raise OpsError(str(error)) from None


def table_for_threads(client: Any, name: str) -> Any:
    """What ``reindex`` needs of a boto3 Table, for any threads, which may share clients only
    (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/resources.html).
    """
    methods = ("query", "get_item", "update_item", "delete_item")
    return SimpleNamespace(**{m: partial(getattr(client, m), TableName=name) for m in methods})


def _conversation(item: Typed) -> str | None:
    """The conversation to which an item belongs; None for another item."""
    pk, sk = model.key_of(item)
    if model.is_message(pk, sk):
        return pk.removeprefix(model.CONVERSATION_PREFIX)
    return sk.removeprefix(model.CONVERSATION_PREFIX) if model.is_membership(pk, sk) else None
