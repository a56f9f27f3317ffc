"""Faults between the seeding function and the embedded AWS."""

from random import uniform

import pytest

from tests.support import burst as bursts
from tests.support.relay import relaying
from tests.support.withholding import Withholding


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pauses between tries, which would add up to minutes, are short."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: uniform(0, 0.03))
    monkeypatch.setattr("dynamo.parallel._LONGEST_PAUSE", 0.05)


@pytest.fixture(scope="session")
def one_burst(aws):
    with bursts.running(aws) as started:
        yield started


@pytest.fixture
def burst(one_burst):
    """A microburst without rules, and without any after the test."""
    one_burst.clear()
    yield one_burst
    one_burst.clear()


@pytest.fixture
def withholding(aws):
    """A relay that withholds 30 % of every batch and refuses 30 % of the transactions."""
    relay = Withholding()
    relay.share = 0.3
    with relaying(aws, relay):
        yield relay


@pytest.fixture
def stored(client):
    """``stored(table)``: the bodies in one of its partitions by sort key, read without faults."""

    def read(table, partition="p"):
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=table,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": partition}},
            )
        )
        items = [item for page in pages for item in page["Items"]]
        if partition == "p":
            count = client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"]
            assert count == len(items), "an item lies outside the partition of the seed"
        return {item["sk"]["S"]: item["Body"]["S"] for item in items}

    return read


@pytest.fixture
def edit(client):
    """``edit(table, "a", "by hand")``: what a person does, without faults; None deletes."""

    def write(table, sk, body):
        key = {"pk": {"S": "p"}, "sk": {"S": sk}}
        if body is None:
            client("dynamodb").delete_item(TableName=table, Key=key)
        else:
            client("dynamodb").put_item(TableName=table, Item=key | {"Body": {"S": body}})

    return write
