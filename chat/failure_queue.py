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
from model.messages import CONVERSATION_PREFIX, Key, is_message, key_of

# How long a received message is hidden from other receivers.
_HIDDEN_SECONDS = 300
# A request that does not wait asks only some of the servers that have messages
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
_WAIT_SECONDS = 2
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
# Pages of a stream may be empty; after this many in a row no record is expected.
_EMPTY_PAGES = 100
_FORGOTTEN = (
    "the stream no longer has its records, which it keeps for 24 hours; "
    "run `python -m chat reindex --failed --all`, which reads every conversation"
)

Message = dict[str, Any]
Say = Callable[[str], None]


class Unreadable(Exception):
    """The records of a message cannot be read; the text says why."""


def settle(sqs: Any, url: str, streams: Any, reindex: Callable[[list[str]], bool], *, say: Say) -> dict[str, int]:
    """Reindex the conversations of each message in the queue ``url``, and delete the message when that succeeds.

    ``sqs`` and ``streams`` are boto3 clients; ``reindex`` returns whether all lists are right. A message whose
    records the stream no longer has is kept: ``settle_all`` reads every conversation, which may be expensive.
    """

    def is_settled(message: Message) -> bool:
        try:
            return reindex(failed_conversations(streams, message))
        except Unreadable as error:
            say(f"message {message['MessageId']} in the failure queue: {error}")
            return False

    return _settle(sqs, url, is_settled)


def settle_all(sqs: Any, url: str, reindex: Callable[[], bool], *, say: Say) -> dict[str, int]:
    """Reindex every conversation, then delete the messages that were in the queue before."""
    before: list[str] = []

    def note(message: Message) -> bool:
        if _batch(message):
            before.append(message["MessageId"])
        return False

    # All are put back: a full reindex may take longer than they can be hidden.
    found = _settle(sqs, url, note)
    if not reindex():
        return found
    settled = _settle(sqs, url, lambda message: message["MessageId"] in before)
    if settled["kept"]:
        number = count(settled["kept"], "message")
        say(f"{number} left in the failure queue: new since the start, or not sent by Lambda")
    return settled


def _settle(sqs: Any, url: str, is_settled: Callable[[Message], bool]) -> dict[str, int]:
    """Delete every message that ``is_settled``, keep the others; how many are "settled" and "kept"."""
    seen, kept = set[str](), list[str]()
    request = {"MaxNumberOfMessages": 10, "VisibilityTimeout": _HIDDEN_SECONDS, "WaitTimeSeconds": _WAIT_SECONDS}
    while True:
        found = sqs.receive_message(QueueUrl=url, **request).get("Messages", [])
        new = [message for message in found if message["MessageId"] not in seen]
        if not new:
            break
        seen.update(message["MessageId"] for message in new)
        for message in new:
            if is_settled(message):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            else:
                kept.append(message["ReceiptHandle"])
    # Not sooner, or they would be received again. Others, and the next run, see them at once.
    for handle in kept:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return {"settled": len(seen) - len(kept), "kept": len(kept)}


def failed_conversations(streams: Any, message: Message) -> list[str]:
    """The ids of the conversations of a message's records. Raises Unreadable."""
    if not (batch := _batch(message)):
        raise Unreadable("not sent by Lambda; left in place")
    try:
        keys = list(_keys(streams, **batch))
    except ParamValidationError:
        raise Unreadable("not sent by Lambda; left in place") from None
    except ClientError as error:
        if code(error) in _GONE:
            raise Unreadable(_FORGOTTEN) from None
        raise
    return list(dict.fromkeys(pk.removeprefix(CONVERSATION_PREFIX) for pk, sk in keys if is_message(pk, sk)))


def _batch(message: Message) -> dict[str, Any] | None:
    """Where the records of a message are; None for a message that Lambda did not send."""
    try:
        batch = json.loads(message["Body"])["DDBStreamBatchInfo"]
        first, last = str(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
        int(first)  # which stays text: its leading zeros count
        return {"stream": batch["streamArn"], "shard": batch["shardId"], "first": first, "last": last}
    except (ValueError, TypeError, KeyError):
        return None


def _keys(streams: Any, *, stream: str, shard: str, first: str, last: int) -> Iterator[Key]:
    """The keys of the records from the ``first`` sequence number to the ``last``. Raises Unreadable."""
    iterator = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first
    )["ShardIterator"]
    empty = 0
    while iterator and empty < _EMPTY_PAGES:
        answer = streams.get_records(ShardIterator=iterator)
        for record in answer["Records"]:
            number = int(record["dynamodb"]["SequenceNumber"])
            if number <= last:
                yield key_of(record["dynamodb"]["Keys"])
            if number >= last:
                return
        empty = 0 if answer["Records"] else empty + 1
        iterator = answer.get("NextShardIterator")
    raise Unreadable(_FORGOTTEN)
