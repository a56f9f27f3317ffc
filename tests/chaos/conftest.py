"""Faults between the seeding function and the embedded AWS."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.process import Running
from tests.support import burst as bursts
from tests.support.burst import Burst
from tests.support.relay import relaying
from tests.support.withholding import Withholding

Bodies = dict[str, str]


@pytest.fixture(scope="session")
def one_burst(aws: Running) -> Iterator[Burst]:
    with bursts.running(aws) as started:
        yield started


@pytest.fixture
def burst(one_burst: Burst) -> Iterator[Burst]:
    """A microburst without rules, and without any after the test."""
    one_burst.clear()
    yield one_burst
    one_burst.clear()


@pytest.fixture
def withholding(aws: Running) -> Iterator[Withholding]:
    """A relay that withholds 30 % of every batch and refuses 30 % of the transactions."""
    relay = Withholding()
    relay.share = 0.3
    with relaying(aws, relay):
        yield relay


@pytest.fixture
def stored(client: Callable[..., Any]) -> Callable[[str], Bodies]:
    """``stored(table)``: the bodies of all its items by sort key, read without faults."""

    def read(table: str) -> Bodies:
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=table,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": "p"}},
            )
        )
        items = [item for page in pages for item in page["Items"]]
        count = client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"]
        assert count == len(items), "an item lies outside the partition of the seed"
        return {item["sk"]["S"]: item["Body"]["S"] for item in items}

    return read


@pytest.fixture
def edit(client: Callable[..., Any]) -> Callable[..., None]:
    """``edit(table, "a", "by hand")``: what a person does, without faults."""

    def write(table: str, sk: str, body: str) -> None:
        item = {"pk": {"S": "p"}, "sk": {"S": sk}, "Body": {"S": body}}
        client("dynamodb").put_item(TableName=table, Item=item)

    return write
