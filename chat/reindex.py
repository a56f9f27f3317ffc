"""Brings users' lists of conversations up to date from the messages, whatever the stream did.

For a table that had messages before it had a stream, for a restored table, and
after failures.

Why this is safe while the stream's function works at the same time. Both write
through ``bring_up_to_date``, and differ in the horizon only: the last message
that a list may be moved back from. Here it is the newest of what both lists
show and of the messages, all read consistently, before anything is written.

* A message that is written after that and is newer has a record of its own,
  which the function handles: here the list is then left alone, or the condition
  of the write does not hold.
* One that is written after that and is older than the horizon, because it is
  dated back or the newest ones were deleted, may be overtaken by a write from
  here. ``bring_up_to_date`` reads the newest message again after it has written,
  and then writes that one.
* A list that shows a deleted message goes back only if no newer message is
  there: the horizon is what it shows, and not later.

Should the program be killed between that write and the second reading, a list
may stay behind until the conversation's next message; running it again mends it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from traceback import extract_tb
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chat.store import last_message
from chat.transfer.bar import Advance
from chat.transfer.patience import tries
from chat.transfer.scanning import Selection, page
from cli.errors import code, explain
from dynamo.changes import Key, key_of
from dynamo.memberships import Unsettled, bring_up_to_date
from dynamo.parallel import After, in_segments, lanes
from dynamo.writer import ask
from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_SORT_KEY,
    PARTITION_KEY,
    SORT_KEY,
    Position,
    is_membership,
    is_message,
    membership_key,
    participants,
)

WORKERS = 8


@dataclass
class Reindexed:
    """What came of the conversations: how many are up to date, and which are not."""

    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    # What lies where conversations do, but is none; no list can show it.
    foreign: list[str] = field(default_factory=list)

    def add(self, other: "Reindexed") -> None:
        """Count what came of other conversations too."""
        self.done += other.done
        self.failed |= other.failed
        self.foreign += other.foreign


def reindex(table: Any, conversation: str, clock: Any = time) -> None:
    """Bring both participants' lists up to date with one conversation, an id.

    ``table`` is a boto3 DynamoDB Table. Throttling is outlasted. Raises
    ValueError for what is no conversation, Unsettled, TimeoutError, and
    botocore's other errors.
    """

    def once() -> None:
        horizon = _horizon(table, conversation)
        if horizon is not None:
            bring_up_to_date(table, conversation, horizon)

    ask(once, tries(f"reindexing {conversation}", clock))


def reindex_all(
    client: Any,
    name: str,
    conversations: Iterable[str],
    *,
    advance: Advance = lambda _: None,
    say: Callable[[str], None],
) -> Reindexed:
    """Reindex several conversations at once; one that fails stops no other.

    ``client`` is that of a boto3 resource. The conversations are read as they
    are used.
    """
    result, table = Reindexed(), table_for_threads(client, name)
    with lanes(WORKERS) as opened:
        running: dict[Future[None], str] = {}
        for conversation in conversations:
            running[opened.submit(reindex, table, conversation)] = conversation
            if len(running) >= 2 * WORKERS:
                _collect(running, result, advance, say)
        while running:
            _collect(running, result, advance, say)
    return result


def all_conversations(client: Any, table: str, *, advance: Advance = lambda _: None) -> Iterator[str]:
    """The ids of all conversations that have messages or are in lists, each of them once.

    ``client`` takes and gives DynamoDB JSON. Reads all keys of the table, and
    counts them by ``advance``; keeps the ids in memory.
    """
    selection, seen = Selection(keys_only=True), set[str]()

    def read(segment: int, after: After) -> tuple[list[Key], After]:
        found = page(client, table, selection, segment, after)
        return [key_of(item) for item in found.items], found.last_key

    with lanes(selection.segments) as opened:
        for _, keys in in_segments(opened, read, dict.fromkeys(range(selection.segments))):
            advance(len(keys))
            for conversation in map(_conversation, keys):
                if conversation is not None and conversation not in seen:
                    seen.add(conversation)
                    yield conversation


def table_for_threads(client: Any, name: str) -> Any:
    """What ``reindex`` needs of a boto3 Table, for any threads.

    Clients may be shared by threads, resources not
    (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/resources.html).
    """
    methods = ("query", "get_item", "update_item", "delete_item")
    return SimpleNamespace(**{m: partial(getattr(client, m), TableName=name) for m in methods})


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


def _collect(
    running: "dict[Future[None], str]", result: Reindexed, advance: Advance, say: Callable[[str], None]
) -> None:
    """Wait for at least one conversation, and note what came of it."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        conversation = running.pop(future)
        try:
            future.result()
            result.done += 1
        except ValueError as error:
            result.foreign.append(conversation)
            say(f"left out: {error}; delete what is under {PARTITION_KEY} {CONVERSATION_PREFIX}{conversation}")
        # Whatever it is: the others are to be reindexed all the same, unless the table is gone.
        except Exception as error:
            if isinstance(error, ClientError) and code(error) == "ResourceNotFoundException":
                raise
            result.failed[conversation] = _reason(error)
            say(f"conversation {conversation}: {result.failed[conversation]}")
        advance(1)


def _reason(error: Exception) -> str:
    """What to say of a failure; of one that nobody expected, also where it happened."""
    if isinstance(error, ClientError | BotoCoreError):
        return explain(error)
    if isinstance(error, Unsettled | TimeoutError):
        return str(error)
    where = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
