"""A dataset, loaded through real CloudFormation and Step Functions."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from aws_cdk import Duration

from embedded_aws.tests.support.steps import log_groups, log_lines
from model.dataset import line_item
from seed.templates import load_items
from stacks import dataset_seed
from tests.conftest import PROJECT
from tests.support.deployment import DeploymentFailed

START = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 1_500  # more than a batch

pytestmark = pytest.mark.usefixtures("bootstrapped")


@pytest.fixture(autouse=True)
def poll_often(monkeypatch):
    monkeypatch.setattr(dataset_seed, "POLL_INTERVAL", Duration.seconds(1))


def message(number: int) -> dict:
    """A message of one of a hundred conversations."""
    return {
        "from": f"User {number % 100}",
        "to": "Tom",
        "body": f"Message {number}",
        "at": (START + timedelta(seconds=number)).isoformat(),
    }


def dataset(count: int) -> bytes:
    return "".join(json.dumps(message(number)) + "\n" for number in range(count)).encode()


def counts(outputs) -> tuple[int, ...]:
    return tuple(int(outputs[f"Dataset{name}"]) for name in ("Total", "Written", "Unchanged", "Preserved"))


@pytest.fixture
def message_count(client, stage):
    """``message_count()``: how many messages the table has, without the lists of conversations."""

    def read() -> int:
        request = {
            "TableName": stage.stack,
            "Select": "COUNT",
            "ConsistentRead": True,
            "FilterExpression": "begins_with(pk, :messages)",
            "ExpressionAttributeValues": {":messages": {"S": "CONVERSATION#"}},
        }
        return sum(page["Count"] for page in client("dynamodb").get_paginator("scan").paginate(**request))

    return read


def test_more_messages_than_a_batch_and_some_more(client, stage, message_count, tmp_path):
    file = tmp_path / "d.jsonl"
    file.write_bytes(dataset(MANY))
    loaded = stage.deploy(load_items(PROJECT / "seed/messages.yaml"), seed_dataset=str(file))
    assert counts(loaded) == (MANY, MANY, 0, 0)
    assert message_count() == MANY + 5
    (line,) = log_lines(client, stage.stack, "loaded")
    assert line["DatasetWritten"] == MANY
    assert log_lines(client, stage.stack, "loading")[0]["status"] == "RUNNING"

    item = line_item(message(7))
    key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
    edited = {**key, "Body": {"S": "mine"}}
    client("dynamodb").put_item(TableName=stage.stack, Item=edited)
    file.write_bytes(dataset(MANY + 300))
    assert counts(stage.deploy([], seed_dataset=str(file))) == (MANY + 300, 300, MANY - 1, 1)
    assert client("dynamodb").get_item(TableName=stage.stack, Key=key)["Item"] == edited

    stage.deploy([])
    assert message_count() == MANY + 300
    stage.destroy()
    assert log_groups(client, stage.stack) == []


def test_compressed_datasets_are_loaded_and_a_wrong_one_is_named_and_rolled_back(
    client, stage, name, message_count, tmp_path
):
    client("s3").create_bucket(Bucket=name)
    client("s3").put_object(Bucket=name, Key="a/b.jsonl.gz", Body=gzip.compress(dataset(300)))
    outputs = stage.deploy([], seed_dataset=f"s3://{name}/a/b.jsonl.gz")
    assert counts(outputs) == (300, 300, 0, 0)
    file = tmp_path / "d.jsonl.gz"
    file.write_bytes(gzip.compress(dataset(301)))
    assert counts(stage.deploy([], seed_dataset=str(file))) == (301, 1, 300, 0)

    # Two messages that are a thousand lines apart, in batches of their own.
    repeated = dataset(1499) + json.dumps(message(2) | {"body": "Another"}).encode() + b"\n" + dataset(1)
    client("s3").put_object(Bucket=name, Key="d.jsonl", Body=repeated)
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    client("s3").put_object(Bucket=name, Key="e.jsonl", Body=dataset(1), **encrypted)
    said = (
        "DatasetError: line 1500: has the same users and time as the message in line 3; "
        "give one of them an 'id' of its own, or remove one",
        "loading s3://no-such-bucket/messages.jsonl",
        f"is not authorized to perform: kms:Decrypt on resource: {key}",
    )
    addresses = (f"s3://{name}/d.jsonl", "s3://no-such-bucket/messages.jsonl", f"s3://{name}/e.jsonl")
    for address, reason in zip(addresses, said, strict=True):
        with pytest.raises(DeploymentFailed, match=r"^UPDATE_ROLLBACK_COMPLETE") as caught:
            stage.deploy([], seed_dataset=address)
        assert reason in str(caught.value)
        assert counts(stage.outputs())[0] == 301
        assert message_count() == 301
