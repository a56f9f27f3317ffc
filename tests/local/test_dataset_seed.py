"""A dataset, loaded through real CloudFormation and Step Functions."""

import gzip
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aws_cdk import Duration
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import log_groups, log_lines
from model.dataset import line_item
from stacks import dataset_seed
from tests.conftest import PROJECT
from tests.support.deployment import Deployment, DeploymentFailed

START = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 3_000

pytestmark = pytest.mark.usefixtures("bootstrapped")


@pytest.fixture
def deployment(client, name, monkeypatch):
    monkeypatch.setattr(dataset_seed, "POLL_INTERVAL", Duration.seconds(1))
    return Deployment(client, f"pr-{name}")


def message(number: int) -> dict:
    """A message of one of a hundred conversations."""
    return {
        "from": f"User {number % 100}",
        "to": "Tom",
        "body": f"Message {number}",
        "at": (START + timedelta(seconds=number)).isoformat(),
    }


@pytest.fixture
def dataset(tmp_path):
    """``dataset(1000)``: the path of a file of 1000 messages; ``lines`` replace some."""

    def write(count: int, **lines: str) -> str:
        file = tmp_path / f"{count}-{len(lines)}.jsonl"
        with file.open("w") as written:
            for number in range(count):
                text = lines.get(f"line{number + 1}") or json.dumps(message(number))
                written.write(text + "\n")
        return str(file)

    return write


@pytest.fixture
def uploaded(client, name):
    """``uploaded(file, "a/b")``: the address of an object, compressed if its key says so."""

    def upload(file: str, key: str) -> str:
        content = Path(file).read_bytes()
        client("s3").create_bucket(Bucket=name)
        client("s3").put_object(Bucket=name, Key=key, Body=gzip.compress(content) if key.endswith(".gz") else content)
        return f"s3://{name}/{key}"

    return upload


def counts(outputs) -> tuple[int, ...]:
    names = ("Total", "Written", "Unchanged", "Preserved")
    return tuple(int(outputs[f"Dataset{name}"]) for name in names)


def message_count(client, deployment) -> int:
    """How many messages the table has; the lists of conversations follow in their own time."""
    request = {
        "TableName": deployment.stack,
        "Select": "COUNT",
        "ConsistentRead": True,
        "FilterExpression": "begins_with(pk, :messages)",
        "ExpressionAttributeValues": {":messages": {"S": "CONVERSATION#"}},
    }
    pages = client("dynamodb").get_paginator("scan").paginate(**request)
    return sum(page["Count"] for page in pages)


def key(number: int):
    item = line_item(message(number))
    return {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}


def cdk(aws, tmp_path, *arguments):
    command = ["cdk", "-o", str(tmp_path / "cdk.out"), *arguments]
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=aws.environment(),
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_thousands_of_messages_and_a_thousand_more(aws, client, deployment, dataset, tmp_path):
    stage = ("-c", f"stage={deployment.stage}")
    first = dataset(MANY)
    done = cdk(aws, tmp_path, "deploy", *stage, "-c", f"seed_dataset={first}", "--require-approval", "never")
    assert done.returncode == 0, done.stdout
    assert counts(deployment.outputs()) == (MANY, MANY, 0, 0)
    assert message_count(client, deployment) == MANY + 5
    (loaded,) = log_lines(client, deployment.stack, "loaded")
    assert loaded["DatasetWritten"] == MANY
    progress = log_lines(client, deployment.stack, "loading")[0]
    assert progress["status"] == "RUNNING"

    edited = {**key(7), "Body": {"S": "mine"}}
    client("dynamodb").put_item(TableName=deployment.stack, Item=edited)
    updated = deployment.deploy([], seed_dataset=dataset(MANY + 1000))
    assert counts(updated) == (MANY + 1000, 1000, MANY - 1, 1)
    assert client("dynamodb").get_item(TableName=deployment.stack, Key=key(7))["Item"] == edited

    deployment.deploy([])
    assert message_count(client, deployment) == MANY + 1000
    deployment.destroy()
    assert log_groups(client, deployment.stack) == []


def failed(deployment, **settings) -> str:
    """Why the deployment failed; it must have left nothing."""
    with pytest.raises(DeploymentFailed, match="ROLLBACK_COMPLETE") as caught:
        deployment.deploy([], **settings)
    return str(caught.value)


def test_a_wrong_line_fails_the_deployment_and_is_named(client, deployment, dataset, uploaded):
    # Two messages that are a thousand lines apart, in batches of their own.
    line = json.dumps(message(2) | {"body": "Another"})
    reason = failed(deployment, seed_dataset=uploaded(dataset(3000, line1500=line), "d.jsonl"))
    assert (
        "DatasetError: line 1500: is another message of the same users and time as line 3; "
        "give one of them an 'id' of its own, or remove one"
    ) in reason
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("dynamodb").describe_table(TableName=deployment.stack)


def test_compressed_objects_in_s3_and_files_are_loaded(deployment, dataset, uploaded, tmp_path):
    outputs = deployment.deploy([], seed_dataset=uploaded(dataset(300), "a/b.jsonl.gz"))
    assert counts(outputs) == (300, 300, 0, 0)
    file = tmp_path / "d.jsonl.gz"
    file.write_bytes(gzip.compress(Path(dataset(301)).read_bytes()))
    assert counts(deployment.deploy([], seed_dataset=str(file))) == (301, 1, 300, 0)


def test_an_update_that_fails_goes_back_to_the_old_dataset(client, deployment, dataset):
    deployment.deploy([], seed_dataset=dataset(100))
    reason = failed(deployment, seed_dataset="s3://no-such-bucket/messages.jsonl")
    assert "loading s3://no-such-bucket/messages.jsonl" in reason
    assert "UPDATE_ROLLBACK_COMPLETE" in reason
    assert counts(deployment.outputs())[0] == 100
    assert message_count(client, deployment) == 100
