"""Distributed Maps with batches, and the functions that they call."""

import gzip
import json
from types import SimpleNamespace

import pytest

from embedded_aws.stepfunctions.distributed_map import batched
from embedded_aws.tests.support.steps import allow, create_function, eventually, log_groups, package, policy

# Answers with what it got; a batch with "fail" fails, one with "slow" takes its time.
CODE = """
import time
class Refused(Exception): pass
def handler(event, _):
    texts = [item["Value"] for item in event["Items"]]
    print("got", texts)
    if "slow" in texts:
        time.sleep(2)
    if "fail" in texts:
        raise Refused("not: that\\nbatch")
    return [event["BatchInput"], [item["Index"] for item in event["Items"]]]
"""


@pytest.fixture
def function(client, name, role):
    """The ARN of the function of CODE, which may not make a log group."""
    return create_function(client, name, role("lambda.amazonaws.com"), package(("code.py", CODE, 0o644)))


@pytest.fixture
def load(client, name, role, function):
    """``load('"a"', '"b"', MaxConcurrency=3)``: run a Map over these lines; its execution, Map Run and batches."""
    sfn, s3 = client("stepfunctions"), client("s3")
    allowed = ("s3:GetObject", "lambda:InvokeFunction", "states:StartExecution")

    def run(*lines, while_running=lambda _: None, key="d", packed=False, **more):
        s3.create_bucket(Bucket=name)
        body = "\n".join(lines).encode()
        s3.put_object(Bucket=name, Key=key, Body=gzip.compress(body) if packed else body)
        granted = role("states.amazonaws.com", *allowed, suffix="machine")
        states = {"Load": loading(function, name, key) | more}
        definition = json.dumps({"StartAt": "Load", "States": states})
        machine = sfn.create_state_machine(name=name, roleArn=granted, definition=definition)
        started = sfn.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"Given": 5}')["executionArn"]
        while_running(started)

        def ended():
            shown = sfn.describe_execution(executionArn=started)
            return None if shown["status"] == "RUNNING" else shown

        execution, run, counts, failed = eventually(ended), {}, {}, []
        for found in sfn.list_map_runs(executionArn=started)["mapRuns"]:
            run = sfn.describe_map_run(mapRunArn=found["mapRunArn"])
            counts = {key: n for key, n in run["itemCounts"].items() if n}
            batches = sfn.list_executions(mapRunArn=found["mapRunArn"], statusFilter="FAILED")["executions"]
            failed = [sfn.describe_execution(executionArn=batch["executionArn"]) for batch in batches]
        return SimpleNamespace(**{"error": "", **execution}, run=run, counts=counts, failed=failed)

    return run


def loading(function, bucket, key):
    """The state that reads an object's lines and calls the function with two of them at a time."""
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": bucket, "Key": key},
    }
    return {
        "Type": "Map",
        "End": True,
        "MaxConcurrency": 1,
        "ItemReader": reader,
        "ItemSelector": {"Index.$": "$$.Map.Item.Index", "Value.$": "$$.Map.Item.Value"},
        "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"Given.$": "$.Given"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Write",
            "States": {"Write": {"Type": "Task", "Resource": function, "End": True}},
        },
    }


@pytest.mark.parametrize("packed", [False, True])
def test_lines_come_in_batches_each_with_its_index_also_from_a_packed_object(client, load, name, packed):
    done = load('"a"', '"b"', '"c"', key="d.jsonl.gz" if packed else "d", packed=packed)
    assert done.status == "SUCCEEDED"
    assert json.loads(done.output) == [[{"Given": 5}, [0, 1]], [{"Given": 5}, [2]]]
    assert done.counts == {"total": 3, "succeeded": 3}
    assert done.run["executionCounts"]["total"] == 2
    assert (done.run["status"], done.run["maxConcurrency"]) == ("SUCCEEDED", 1)
    assert log_groups(client, name) == [], "the role may not make one"


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        (['"a"'], {"key": "d.jsonl", "packed": True}),
        (['"a"'], {"key": "d.jsonl.gz", "packed": False}),
        (['"a"', "{"], {}),
    ],
)
def test_an_object_that_cannot_be_read_fails_the_reading(load, lines, more):
    done = load(*lines, **more)
    assert (done.error, done.run) == ("States.ItemReaderFailed", {})


def test_a_failed_batch_ends_the_run_and_has_the_functions_error(load):
    done = load('"a"', '"fail"', '"c"', '"d"', '"e"')
    assert done.error == "States.ExceedToleratedFailureThreshold"
    assert done.counts == {"total": 5, "failed": 2, "aborted": 3}
    (failed,) = done.failed
    assert failed["error"] == "Refused"
    assert json.loads(failed["cause"])["errorMessage"] == "not: that\nbatch"


def test_failures_below_the_threshold_are_tolerated(load):
    done = load('"a"', '"fail"', '"c"', '"d"', ToleratedFailurePercentage=50)
    assert (done.status, done.counts) == ("SUCCEEDED", {"total": 4, "failed": 2, "succeeded": 2})


def test_the_functions_error_can_be_caught_by_its_name(load, function):
    task = {"Type": "Task", "End": True, "Resource": function, "Catch": [{"ErrorEquals": ["Refused"], "Next": "Ok"}]}
    caught = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED"},
        "StartAt": "Write",
        "States": {"Write": task, "Ok": {"Type": "Succeed"}},
    }
    assert load('"fail"', ItemProcessor=caught).status == "SUCCEEDED"


def test_a_stopped_execution_starts_no_more_batches(client, load):
    sfn = client("stepfunctions")

    def stop(arn):
        run = eventually(lambda: sfn.list_map_runs(executionArn=arn)["mapRuns"])[0]["mapRunArn"]
        eventually(lambda: sfn.describe_map_run(mapRunArn=run)["itemCounts"]["running"])
        sfn.stop_execution(executionArn=arn)
        eventually(lambda: sfn.describe_map_run(mapRunArn=run)["status"] == "ABORTED")

    done = load(*['"slow"'] * 6, while_running=stop)
    assert (done.status, done.counts) == ("ABORTED", {"total": 6, "succeeded": 2, "aborted": 4})


@pytest.fixture
def list_objects(client, name, role):
    """``list_objects("s3:ListBucket")``: run a Map over the objects below p/ with a role that may do these actions."""
    sfn, s3 = client("stepfunctions"), client("s3")

    def run(*allowed, config=None, keys=("p/a", "p/b", "q"), prefix="p/"):
        s3.create_bucket(Bucket=name)
        for key in keys:
            s3.put_object(Bucket=name, Key=key, Body=b'{"n": 1}\n{"n": 2}\n')
        granted = role("states.amazonaws.com", *allowed, suffix="machine")
        if prefix:
            of_prefix = {"StringEquals": {"s3:prefix": prefix}}
            listing = policy(allow("s3:ListBucket", on=f"arn:aws:s3:::{name}", Condition=of_prefix))
            client("iam").put_role_policy(RoleName=f"{name}-machine", PolicyName="list", PolicyDocument=listing)
        reader = {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Parameters": {"Bucket": name, "Prefix": "p/"},
            **({"ReaderConfig": config} if config else {}),
        }
        inner = {"StartAt": "Same", "States": {"Same": {"Type": "Pass", "End": True}}}
        processor = inner | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
        state = {"Type": "Map", "End": True, "Label": "Each", "ItemReader": reader, "ItemProcessor": processor}
        definition = json.dumps({"StartAt": "M", "States": {"M": state}})
        machine = sfn.create_state_machine(name=name, roleArn=granted, definition=definition)
        arn = sfn.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]

        def ended():
            shown = sfn.describe_execution(executionArn=arn)
            return None if shown["status"] == "RUNNING" else shown

        done = eventually(ended)
        runs = sfn.list_map_runs(executionArn=arn)["mapRuns"]
        counts = [sfn.describe_map_run(mapRunArn=each["mapRunArn"])["itemCounts"]["succeeded"] for each in runs]
        return SimpleNamespace(**{"error": "", **done}, counts=counts)

    return run


def test_a_map_over_a_prefix_gets_what_s3_lists(list_objects):
    done = list_objects("states:StartExecution")
    found = json.loads(done.output)
    assert [each["Key"] for each in found] == ["p/a", "p/b"]
    assert found[0].keys() == {"Etag", "Key", "LastModified", "Size", "StorageClass"}
    assert done.counts == [2]


def test_a_map_over_nothing_succeeds_with_no_output(list_objects):
    done = list_objects("states:StartExecution", keys=())
    assert (done.status, json.loads(done.output), done.counts) == ("SUCCEEDED", [], [0])


LOADING = {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"}


def test_loaded_objects_are_one_list_of_items(list_objects):
    done = list_objects("states:StartExecution", "s3:GetObject", config=LOADING)
    assert json.loads(done.output) == [{"n": 1}, {"n": 2}] * 2


@pytest.mark.parametrize(
    ("more", "action"),
    [({"prefix": ""}, "s3:ListBucket"), ({"prefix": "q"}, "s3:ListBucket"), ({"config": LOADING}, "s3:GetObject")],
    ids=["no prefix", "another prefix", "reading"],
)
def test_the_role_must_be_allowed_to_list_the_prefix_and_to_read_what_is_loaded(list_objects, more, action):
    done = list_objects("states:StartExecution", **more)
    assert (done.error, done.counts) == ("States.ItemReaderFailed", [])
    assert f"not authorized to perform: {action}" in done.cause


def test_a_batch_ends_at_either_limit_and_an_item_that_fits_none_is_refused():
    assert [b["Items"] for b in batched([1, 2, 3], {"MaxItemsPerBatch": 2}, None)] == [[1, 2], [3]]
    room = len('{"BatchInput":{},"Items":[]}') + len('"aaaa",') * 2
    found = list(batched(["aaaa"] * 5, {"MaxInputBytesPerBatch": room}, {}))
    assert [len(batch["Items"]) for batch in found] == [2, 2, 1]
    assert all(len(json.dumps(batch, separators=(",", ":"))) <= room for batch in found)
    with pytest.raises(ValueError, match="does not fit a batch of 30"):
        list(batched(["x" * 40], {"MaxInputBytesPerBatch": 30}, None))
