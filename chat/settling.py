"""Reindexes what the failure queue is about; a message goes once its lists are right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chat.failure_queue import Failure, FailureQueue, NotARecord, RecordsGone, failed_conversations, is_record
from chat.reindex import Reindexed
from cli.output import count

Say = Callable[[str], None]


@dataclass
class Settled:
    """How many messages of the queue are dealt with, and how many stay."""

    settled: int = 0
    kept: int = 0
    reindexed: Reindexed = field(default_factory=Reindexed)


def settle(queue: FailureQueue, streams: Any, reindex: Callable[[list[str]], Reindexed], *, say: Say) -> Settled:
    """Reindex the conversations of each message, and delete the message when that succeeds.

    A message whose records the stream has forgotten stays: only reading every
    conversation helps then, which may be dear, so it is for the caller to ask
    for (``settle_all``).
    """
    result, kept, forgotten = Settled(), list[Failure](), 0
    for failure in queue.receive():
        try:
            came = reindex(failed_conversations(streams, failure))
        except NotARecord:
            say(f"message {failure.id} of the failure queue is none of Lambda's; it stays there")
            kept.append(failure)
            continue
        except RecordsGone:
            forgotten += 1
            kept.append(failure)
            continue
        result.reindexed.add(came)
        if came.failed:
            kept.append(failure)
        else:
            queue.delete(failure)
            result.settled += 1
    # Not sooner, or they would be received again.
    for failure in kept:
        queue.put_back(failure)
    result.kept = len(kept)
    if forgotten:
        say(
            f"the stream has forgotten the records of {count(forgotten, 'failure')}, which it "
            "keeps for 24 hours; `python -m chat reindex --failed --all` reads every conversation "
            "instead"
        )
    return result


def settle_all(queue: FailureQueue, reindex: Callable[[], Reindexed], *, say: Say) -> Settled:
    """Reindex every conversation, then delete the messages that were in the queue before."""
    before = list(queue.receive())
    # A full reindex may take longer than they can be hidden.
    for failure in before:
        queue.put_back(failure)
    result = Settled(reindexed=reindex())
    if result.reindexed.failed:
        result.kept = len(before)
        return result
    known = {failure.id for failure in before if is_record(failure)}
    later = []
    for failure in queue.receive():
        if failure.id in known:
            queue.delete(failure)
            result.settled += 1
        else:
            later.append(failure)
    for failure in later:
        queue.put_back(failure)
    result.kept = len(later)
    if later:
        number = count(len(later), "message")
        say(f"the failure queue keeps {number} that came meanwhile or is none of Lambda's")
    return result
