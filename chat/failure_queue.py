"""What the stream's function gave up on: messages of the failure queue, and the records they mean.

Lambda does not send the records themselves, but where they stand in the stream
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html),
which keeps them for 24 hours
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from cli.errors import code
from model.messages import CONVERSATION_PREFIX, PARTITION_KEY, SORT_KEY, is_message

# A message that is received is nobody else's for so long.
_HIDDEN_SECONDS = 300
# Not all servers are asked for messages by a request that waits for none
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
_WAIT_SECONDS = 2
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
_NUMBERS = ("startSequenceNumber", "endSequenceNumber")
# Pages of a stream may be empty; so many one after the other do not come before a record.
_EMPTY_PAGES = 100


class RecordsGone(Exception):
    """The stream no longer has the records."""


class NotARecord(Exception):
    """The queue's message is not one that Lambda sends."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One message of the queue; ``handle`` is of this receipt only."""

    id: str
    handle: str
    body: str


class FailureQueue:
    """The messages of one queue, through a boto3 SQS client."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url

    def receive(self) -> Iterator[Failure]:
        """Every message there is, once; each is hidden from others until it is put back."""
        seen: set[str] = set()
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
            )
            found = [
                Failure(id=m["MessageId"], handle=m["ReceiptHandle"], body=m["Body"])
                for m in answer.get("Messages", [])
            ]
            new = [failure for failure in found if failure.id not in seen]
            seen.update(failure.id for failure in new)
            yield from new
            if not new:
                return

    def delete(self, failure: Failure) -> None:
        """Remove a message that is dealt with."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=failure.handle)

    def put_back(self, failure: Failure) -> None:
        """Let others, and the next run, see a message at once."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=failure.handle, VisibilityTimeout=0)


def is_record(failure: Failure) -> bool:
    """Whether it is a message of Lambda's."""
    try:
        _batch(failure)
    except NotARecord:
        return False
    return True


def failed_conversations(streams: Any, failure: Failure) -> list[str]:
    """The ids of the conversations whose records a failure means.

    ``streams`` is a boto3 DynamoDB Streams client. Raises NotARecord and RecordsGone.
    """
    batch = _batch(failure)
    try:
        keys = list(_keys(streams, batch))
    except ParamValidationError:
        raise NotARecord(failure.id) from None
    except ClientError as error:
        if code(error) in _GONE:
            raise RecordsGone(code(error)) from None
        raise
    found = [key[0].removeprefix(CONVERSATION_PREFIX) for key in keys if is_message(*key)]
    return list(dict.fromkeys(found))


def _batch(failure: Failure) -> dict[str, str]:
    try:
        batch = json.loads(failure.body)["DDBStreamBatchInfo"]
        found = {name: str(batch[name]) for name in ("streamArn", "shardId", *_NUMBERS)}
        for name in _NUMBERS:
            int(found[name])
    except (ValueError, TypeError, KeyError):
        raise NotARecord(failure.id) from None
    return found


def _keys(streams: Any, batch: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The keys of the records from the batch's first to its last. Raises RecordsGone."""
    iterator = streams.get_shard_iterator(
        StreamArn=batch["streamArn"],
        ShardId=batch["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch["startSequenceNumber"],
    )["ShardIterator"]
    last, empty = int(batch["endSequenceNumber"]), 0
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
    raise RecordsGone("the shard ends before the last of them")
