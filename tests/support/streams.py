"""A table's stream, read with its own API; and its delivery, as Lambda's event sources do it."""

from collections.abc import Callable
from typing import Any

_PAGE = 1000
Index = Callable[[list[dict[str, Any]]], dict[str, Any]]


class Stream:
    """The records of a table's stream from its beginning; ``client`` is of dynamodbstreams."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn
        self._iterators: dict[str, str] = {}

    def read(self) -> list[dict[str, Any]]:
        """The records that were not read before, shard by shard; the shards stay those of now."""
        if not self._iterators:
            described = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]
            self._iterators = {one["ShardId"]: self._first(one["ShardId"]) for one in described["Shards"]}
        return [record for shard in self._iterators for record in self._records(shard)]

    def _first(self, shard: str) -> str:
        answer = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return str(answer["ShardIterator"])

    def _records(self, shard: str) -> list[dict[str, Any]]:
        found = []
        while True:
            page = self._client.get_records(ShardIterator=self._iterators[shard], Limit=_PAGE)
            self._iterators[shard] = page["NextShardIterator"]
            found += page["Records"]
            if len(page["Records"]) < _PAGE:
                return found


def deliver(index: Index, records: list[dict[str, Any]], *, tries: int) -> list[dict[str, Any]]:
    """Hand ``records`` to ``index`` as Lambda does; return those given up after ``tries``.

    From the lowest sequence number that the answer names everything is
    delivered again, what had succeeded behind it too; an exception is one of the
    whole batch
    (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
    """
    for _ in range(tries):
        try:
            failures = index(records)["batchItemFailures"]
        except Exception:  # noqa: BLE001 (Lambda does not ask which)
            continue
        if not failures:
            return []
        lowest = min(int(failure["itemIdentifier"]) for failure in failures)
        records = [one for one in records if int(one["dynamodb"]["SequenceNumber"]) >= lowest]
    return records
