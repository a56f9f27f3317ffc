"""Ways to write many items to a new table: this project's, others', and the fastest possible."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from dynamo.writer import CLIENT, ITEMS_PER_BATCH, Table, apply
from embedded_aws.process import Running
from model.wire import Typed, from_wire

# Sockets to one host that the SDK for JavaScript opens at most: what "all at once" means there.
SOCKETS = 50
THREADS = (1, 2, 4, 8)
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@dataclass(frozen=True)
class Way:
    """One way: it writes the items of a seed file's lines to a table."""

    name: str
    write: Callable[[str], None]
    share: float = 1.0  # of the items: the slow ones get fewer, for the same figure


class Ways:
    """All of them, for one seed and one endpoint. What is not the writing is prepared here."""

    def __init__(self, aws: Running, endpoint: str, lines: Sequence[str]) -> None:
        self._at = {"endpoint_url": endpoint, "verify": aws.ca_file, **KEYS}
        self._lines = lines
        self._typed: list[Typed] = [from_wire(json.loads(line)) for line in lines]
        plain = TypeDeserializer()
        self._plain = [{name: plain.deserialize(value) for name, value in item.items()} for item in self._typed]
        self._ours = self._client(CLIENT)
        self._theirs = self._client(Config(max_pool_connections=SOCKETS))
        self._raw = self._client(Config(parameter_validation=False, max_pool_connections=max(THREADS)))

    def all(self) -> list[Way]:
        """Every way, the fastest possible ones last."""
        return [
            Way("this project", self.project),
            Way("put_item, one by one", self.one_by_one, share=0.1),
            Way("boto3 batch_writer", self.batch_writer),
            Way("@cloudcomponents' way", self.all_at_once),
            *(Way(f"raw, {n} thread{'s'[: n > 1]}", partial(self.raw, n)) for n in THREADS),
        ]

    def project(self, table: str) -> None:
        """As the Lambda function does it, from the lines of the file on."""
        new = (from_wire(json.loads(line)) for line in self._lines)
        apply(Table(self._ours, table), old=None, new=new)

    def one_by_one(self, table: str) -> None:
        """A loop over put_item, with the first tenth of the items."""
        for item in self._typed[: len(self._typed) // 10]:
            self._theirs.put_item(TableName=table, Item=item)

    def batch_writer(self, table: str) -> None:
        """What boto3 has for many items; one connection."""
        resource = boto3.resource("dynamodb", **self._at)
        with resource.Table(table).batch_writer() as batch:
            for item in self._plain:
                batch.put_item(Item=item)

    def all_at_once(self, table: str) -> None:
        """Batches, all in parallel; what comes back unprocessed is ignored.

        The algorithm of @cloudcomponents/cdk-dynamodb-seeder 2.4.0.
        """
        with ThreadPoolExecutor(SOCKETS) as pool:
            send = partial(_send, self._theirs, table)
            list(pool.map(send, _batches(self._typed)))

    def raw(self, threads: int, table: str) -> None:
        """Ready batches, nothing checked, nothing looked at: the most that botocore can do."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(partial(_send, self._raw, table), _batches(self._typed)))

    def small(self, table: str) -> tuple[Callable[[int], None], Callable[[int], None]]:
        """This project and one bare transaction, each with five messages of the n-th run."""
        five = self._typed[:5]

        def copies(run: int) -> list[Typed]:
            return [{**item, "pk": {"S": f"{run}"}} for item in five]

        def project(run: int) -> None:
            apply(Table(self._ours, table), old=None, new=copies(run))

        def transaction(run: int) -> None:
            condition = {"TableName": table, "ConditionExpression": "attribute_not_exists(pk)"}
            self._ours.transact_write_items(
                TransactItems=[{"Put": {**condition, "Item": item}} for item in copies(run)]
            )

        return project, transaction

    def _client(self, config: Config) -> Any:
        return boto3.client("dynamodb", config=config, **self._at)


def _batches(items: Sequence[Typed]) -> list[Sequence[Typed]]:
    return [items[i : i + ITEMS_PER_BATCH] for i in range(0, len(items), ITEMS_PER_BATCH)]


def _send(client: Any, table: str, items: Sequence[Typed]) -> None:
    client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": i}} for i in items]})
