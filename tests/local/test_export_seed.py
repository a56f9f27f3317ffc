"""From stage to stage: a table's export by DynamoDB, loaded by the deployment of another stage."""

import gzip
import json

import pytest
from aws_cdk import Duration

from chat.export import line_of
from embedded_aws.tests.support.steps import eventually, log_lines
from model.dataset import line_item
from model.messages import is_message, message_key
from stacks import dataset_seed
from tests.local.test_dataset_seed import counts, dataset
from tests.support.chat_steps import everything, run, store, typed
from tests.support.deployment import Deployment, DeploymentFailed

pytestmark = pytest.mark.usefixtures("bootstrapped")
MANY = 60  # in as many conversations


@pytest.fixture(autouse=True)
def quick(on_aws, monkeypatch, setting):  # noqa: ARG001
    monkeypatch.setattr(dataset_seed, "POLL_INTERVAL", Duration.seconds(1))
    setting("export_seconds", 0)


@pytest.fixture
def other(client, name):
    """A second stage."""
    return Deployment(client, f"pr-{name}-b")


def messages(table):
    return {key: item for key, item in everything(table).items() if is_message(*key)}


def lists(table):
    return {key: item for key, item in everything(table).items() if not is_message(*key)}


def test_an_exported_table_is_the_seed_of_another_stage(capsys, stage, other, bucket, tmp_path):
    file = tmp_path / "d.jsonl"
    file.write_bytes(dataset(MANY))
    stage.deploy([], seed_dataset=str(file))
    odd = {"Sound": {"B": b"\x00\xff"}, "Tags": {"SS": ["a", "b"]}, "Stars": {"N": "1" * 38}}
    key = message_key("jerry#tom", "2026-02-01T00:00:00.000Z", "m-1")
    store(stage.stack, {name: {"S": text} for name, text in key.items()} | odd)
    eventually(lambda: len(lists(stage.stack)) == 2 * MANY + 2, 60)
    result = run(capsys, "export", "--table", stage.stack, "--to", f"s3://{bucket}/p", "--json").json
    assert result["items"] == MANY + 1 + 2 * MANY + 2

    loaded = other.deploy([], seed_dataset=result["dataset"])
    assert counts(loaded) == (MANY + 1, MANY + 1, 0, 0)
    assert messages(other.stack) == messages(stage.stack)
    eventually(lambda: lists(other.stack) == lists(stage.stack), 60)

    # Again, from the folder of the data alone: nothing is overwritten.
    edited = messages(other.stack)[key["pk"], key["sk"]] | {"Body": {"S": "mine"}}
    store(other.stack, edited)
    assert counts(other.deploy([], seed_dataset=f"{result['dataset']}data/")) == (MANY + 1, 0, MANY, 1)
    assert messages(other.stack)[key["pk"], key["sk"]] == edited


def test_a_bad_export_is_refused_by_object_and_line_before_anything_is_written(client, stage, bucket):
    item = {"Item": {"pk": {"S": "CONVERSATION#jerry#tom"}, "sk": {"S": "MESSAGE#2026-01-01T00:00:00.000Z#a"}}}
    s3 = client("s3")

    def refusal(address):
        with pytest.raises(DeploymentFailed, match=r"^(UPDATE_)?ROLLBACK_COMPLETE") as caught:
            stage.deploy([], seed_dataset=f"s3://{bucket}/{address}")
        assert not stage.status() or everything(stage.stack) == {}
        return str(caught.value)

    def put(key, *lines):
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress("\n".join(map(json.dumps, lines)).encode()))

    stage.deploy([])
    put("p/AWSDynamoDB/1/data/a.json.gz", item)
    put("p/AWSDynamoDB/1/data/b.json.gz", item, {"Item": {"pk": {"S": "x"}, "sk": {"S": "y"}}})
    said = refusal("p/AWSDynamoDB/1/")
    assert f"s3://{bucket}/p/AWSDynamoDB/1/data/b.json.gz: line 2: the item 'x', 'y' is not a message; load it" in said
    assert "1 of 2 objects failed, 1 are valid; nothing was written" in said
    said = refusal("p/")
    assert f"s3://{bucket}/p/ has no data of an export (*.json.gz); set seed_dataset to the export's own folder" in said


def test_an_object_for_which_one_call_has_no_time_is_loaded_by_several(client, stage, bucket):
    lines = [line_of(typed(line_item(json.loads(line)))) for line in dataset(2_500).splitlines()]
    client("s3").put_object(Bucket=bucket, Key="e/x.json.gz", Body=gzip.compress(b"".join(lines)))

    def hurry(stack):
        """Leave the worker so little time that it ends after 1,000 lines."""
        stack.dataset.node.find_child("Worker").function.node.default_child.timeout = 7 * 60

    assert counts(stage.deploy([], seed_dataset=f"s3://{bucket}/e/", change=hurry)) == (2_500, 2_500, 0, 0)
    calls = [line for line in log_lines(client, stage.stack, "loaded") if "object" in line]
    assert [(call["lines"], call["done"]) for call in calls] == [(1000, False), (2000, False), (2500, True)]
