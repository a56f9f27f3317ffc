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

If the program is killed between that write and the second reading, a list may stay behind until the conversation's
next message; running it again corrects it.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chat.failure_queue import FailureQueue, settle, settle_all
from chat.store import last_message
from chat.target import Commands, Target, command, pair
from chat.transfer import CONTINUES, Advance, bar, describe, patiently, tries
from cli.errors import OpsError, UsageError, code, explain
from cli.output import count
from dynamo.memberships import Unsettled, bring_up_to_date
from dynamo.parallel import After, ask, in_segments, lanes
from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_SORT_KEY,
    PARTITION_KEY,
    SORT_KEY,
    Key,
    Position,
    conversation_key,
    is_membership,
    is_message,
    key_of,
    membership_key,
    participants,
)

_WORKERS = 8
_SEGMENTS = 4


@dataclass
class Reindexed:
    """How many conversations are up to date, and which are not."""

    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    # Keys that look like those of a conversation, but are not; no list can show them.
    foreign: list[str] = field(default_factory=list)

    def add(self, other: "Reindexed") -> bool:
        """Count other conversations too; whether none of these failed."""
        self.done += other.done
        self.failed |= other.failed
        self.foreign += other.foreign
        return not other.failed


def add(commands: Commands) -> None:
    """The command line of ``reindex``."""
    parser = command(
        commands, "reindex", "rebuild the users' conversation lists from the messages; safe at any time", writes=True
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
        help="only conversations whose records failed; deletes their messages from the failure queue",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="with --failed: all conversations, then empty the queue; for failures older than a "
        "day, which the stream no longer has",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Reindex; exit status 1 when a list could not be brought up to date, or a message stays in the queue."""
    if arguments.conversations and (arguments.failed or arguments.all):
        raise UsageError("name conversations, or pass --failed or --all, not both")
    result, settled = Reindexed(), dict[str, int]()

    def some(conversations: Iterable[str]) -> bool:
        return result.add(reindex_all(target.client, target.table_name, conversations, say=target.say))

    def everything() -> bool:
        return result.add(_reindex_everything(target))

    if arguments.failed:
        queue = FailureQueue(target.service("sqs"), target.stack_output("FailureQueueUrl"))
        if arguments.all:
            settled = settle_all(queue, everything, say=target.say)
        else:
            settled = settle(queue, target.service("dynamodbstreams"), some, say=target.say)
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
    """Bring both participants' lists up to date with one conversation, an id.

    ``table`` is a boto3 DynamoDB Table. Waits out throttling. Raises ValueError for what is not a conversation,
    Unsettled, TimeoutError, and botocore's other errors.
    """

    def once() -> None:
        horizon = _horizon(table, conversation)
        if horizon is not None:
            bring_up_to_date(table, conversation, horizon)

    ask(once, tries(f"reindexing {conversation}"))


def reindex_all(
    client: Any,
    name: str,
    conversations: Iterable[str],
    *,
    advance: Advance = lambda _: None,
    say: Callable[[str], None],
) -> Reindexed:
    """Reindex several conversations at once, read as they are used; one that fails does not stop the others.

    ``client`` is that of a boto3 resource.
    """
    table, result = table_for_threads(client, name), Reindexed()

    def attempt(conversation: str) -> tuple[str, Exception | None]:
        try:
            reindex(table, conversation)
        except (ValueError, ClientError, BotoCoreError, Unsettled, TimeoutError) as error:
            return conversation, error
        return conversation, None

    with lanes(_WORKERS) as opened:
        for conversation, error in opened.map(attempt, conversations):
            advance(1)
            if error is None:
                result.done += 1
            elif isinstance(error, ValueError):
                result.foreign.append(conversation)
                say(f"left out: {error}; delete the items with {PARTITION_KEY} {conversation_key(conversation)}")
            elif isinstance(error, ClientError) and code(error) == "ResourceNotFoundException":
                raise error  # the table is gone
            else:
                reason = explain(error) if isinstance(error, ClientError | BotoCoreError) else str(error)
                result.failed[conversation] = reason
                say(f"conversation {conversation}: {reason}")
    return result


def all_conversations(client: Any, table: str, *, advance: Advance = lambda _: None) -> Iterator[str]:
    """The ids of all conversations that have messages or are in lists, each of them once.

    ``client`` takes and returns DynamoDB JSON. Reads all keys of the table, and counts them by ``advance``; keeps
    the ids in memory.
    """
    request = {
        "TableName": table,
        "ConsistentRead": True,
        "TotalSegments": _SEGMENTS,
        "ProjectionExpression": "#pk, #sk",
        "ExpressionAttributeNames": {"#pk": PARTITION_KEY, "#sk": SORT_KEY},
    }

    def read(segment: int, after: After) -> tuple[list[Key], After]:
        begin = {} if after is None else {"ExclusiveStartKey": after}
        page = patiently(client.scan, {**request, **begin, "Segment": segment}, doing=f"reading {table}")
        return list(map(key_of, page["Items"])), page.get("LastEvaluatedKey")

    seen = set[str]()
    with lanes(_SEGMENTS) as opened:
        for _, keys in in_segments(opened, read, dict.fromkeys(range(_SEGMENTS))):
            advance(len(keys))
            for conversation in map(_conversation, keys):
                if conversation is not None and conversation not in seen:
                    seen.add(conversation)
                    yield conversation


def table_for_threads(client: Any, name: str) -> Any:
    """What ``reindex`` needs of a boto3 Table, for any threads.

    Clients may be shared by threads, resources may not
    (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/resources.html).
    """
    methods = ("query", "get_item", "update_item", "delete_item")
    return SimpleNamespace(**{m: partial(getattr(client, m), TableName=name) for m in methods})


def _reindex_everything(target: Target) -> Reindexed:
    describe(target.typed_client, target.table_name)  # which refuses a table with other keys
    found = all_conversations(target.typed_client, target.table_name)
    try:
        with bar(f"reindexing {target.table_name}", None) as advance:
            return reindex_all(target.client, target.table_name, found, advance=advance, say=target.say)
    except TimeoutError as error:  # of the reading; a conversation's own is among the failed
        raise OpsError(f"{error}; {CONTINUES}") from None


def _horizon(table: Any, conversation: str) -> Position | None:
    """The newest of the last message and of what both lists show; None when there is nothing."""
    last = last_message(table, conversation)
    found = [Position.of(last[SORT_KEY])] if last else []
    for user in participants(conversation):
        answer = table.get_item(Key=membership_key(user, conversation), ConsistentRead=True)
        if row := answer.get("Item"):
            found.append(Position(str(row.get(INDEX_SORT_KEY, "")), str(row.get("LastMessageId", ""))))
    return max(found, default=None)


def _conversation(key: Key) -> str | None:
    """The conversation to which an item's key belongs; None for another item."""
    if is_message(*key):
        return key[0].removeprefix(CONVERSATION_PREFIX)
    return key[1].removeprefix(CONVERSATION_PREFIX) if is_membership(*key) else None
