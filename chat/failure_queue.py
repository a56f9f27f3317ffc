"""Reads the failure queue: each message points to stream records that the stream's function could not process.

Lambda sends their place in the stream, not the records
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), which keeps them for 24 hours
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from cli.errors import code
from cli.output import count
from model.messages import CONVERSATION_PREFIX, PARTITION_KEY, SORT_KEY, is_message

# How long a received message is hidden from other receivers.
_HIDDEN_SECONDS = 300
# A request that does not wait asks only some of the servers that have messages
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
_WAIT_SECONDS = 2
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
# Pages of a stream may be empty; after this many in a row no record is expected.
_EMPTY_PAGES = 100

Message = dict[str, Any]
Say = Callable[[str], None]


class RecordsGone(Exception):
    """The stream no longer has the records."""


class NotARecord(Exception):
    """The queue's message was not sent by Lambda."""


class FailureQueue:
    """The messages of one queue, through a boto3 SQS client."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url

    def settle(self, is_settled: Callable[[Message], bool]) -> dict[str, int]:
        """Delete every message that ``is_settled``, keep the others; how many are "settled" and "kept"."""
        settled, kept = 0, list[Message]()
        for message in self._receive():
            if is_settled(message):
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                settled += 1
            else:
                kept.append(message)
        # Not sooner, or they would be received again. Others, and the next run, see them at once.
        for message in kept:
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return {"settled": settled, "kept": len(kept)}

    def _receive(self) -> Iterator[Message]:
        """Every message there is, once; each is hidden from other receivers for a while."""
        seen: set[str] = set()
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
            )
            new = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
            if not new:
                return
            seen.update(message["MessageId"] for message in new)
            yield from new


def settle(queue: FailureQueue, streams: Any, reindex: Callable[[list[str]], bool], *, say: Say) -> dict[str, int]:
    """Reindex the conversations of each message, and delete the message when that succeeds.

    ``streams`` is a boto3 DynamoDB Streams client; ``reindex`` returns whether all lists are right. A message
    whose records the stream no longer has is kept: only reading every conversation helps then, which may be
    expensive, so the caller asks for it (``settle_all``).
    """
    gone = 0

    def is_settled(message: Message) -> bool:
        nonlocal gone
        try:
            return reindex(failed_conversations(streams, message))
        except NotARecord:
            say(f"message {message['MessageId']} in the failure queue was not sent by Lambda; left in place")
        except RecordsGone:
            gone += 1
        return False

    settled = queue.settle(is_settled)
    if gone:
        say(
            f"the stream no longer has the records of {count(gone, 'failure')}: it keeps them for 24 hours; "
            "`python -m chat reindex --failed --all` reads every conversation instead"
        )
    return settled


def settle_all(queue: FailureQueue, reindex: Callable[[], bool], *, say: Say) -> dict[str, int]:
    """Reindex every conversation, then delete the messages that were in the queue before."""
    before: set[str] = set()

    def note(message: Message) -> bool:
        if _batch(message):
            before.add(message["MessageId"])
        return False

    # All are put back: a full reindex may take longer than they can be hidden.
    found = queue.settle(note)
    if not reindex():
        return found
    settled = queue.settle(lambda message: message["MessageId"] in before)
    if settled["kept"]:
        number = count(settled["kept"], "message")
        say(f"{number} left in the failure queue: new since the start, or not sent by Lambda")
    return settled


def failed_conversations(streams: Any, message: Message) -> list[str]:
    """The ids of the conversations of a message's records. Raises NotARecord and RecordsGone."""
    batch = _batch(message)
    if batch is None:
        raise NotARecord
    try:
        keys = list(_keys(streams, **batch))
    except ParamValidationError:
        raise NotARecord from None
    except ClientError as error:
        if code(error) in _GONE:
            raise RecordsGone from None
        raise
    found = [key[0].removeprefix(CONVERSATION_PREFIX) for key in keys if is_message(*key)]
    return list(dict.fromkeys(found))


def _batch(message: Message) -> dict[str, Any] | None:
    """Where the records of a message are; None for a message that Lambda did not send."""
    try:
        batch = json.loads(message["Body"])["DDBStreamBatchInfo"]
        first, last = str(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
        int(first)
        return {"stream": batch["streamArn"], "shard": batch["shardId"], "first": first, "last": last}
    except (ValueError, TypeError, KeyError):
        return None


def _keys(streams: Any, *, stream: str, shard: str, first: str, last: int) -> Iterator[tuple[str, str]]:
    """The keys of the records from the ``first`` sequence number to the ``last``. Raises RecordsGone."""
    iterator = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first
    )["ShardIterator"]
    empty = 0
    while iterator and empty < _EMPTY_PAGES:
        answer = streams.get_records(ShardIterator=iterator)
        for record in answer["Records"]:
            number = int(record["dynamodb"]["SequenceNumber"])
            if number <= last:
                keys = record["dynamodb"]["Keys"]
                yield keys[PARTITION_KEY]["S"], keys[SORT_KEY]["S"]
            if number >= last:
                return
        empty = 0 if answer["Records"] else empty + 1
        iterator = answer.get("NextShardIterator")
    raise RecordsGone
