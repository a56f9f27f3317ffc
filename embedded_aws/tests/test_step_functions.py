"""Distributed Maps with batches, and the functions that they call."""

import gzip
import json
from types import SimpleNamespace

import pytest

from embedded_aws.stepfunctions.distributed_map import batched
from embedded_aws.tests.support.steps import create_function, eventually, package

# Answers with what it got; a batch with "fail" fails, one with "slow" takes its time.
CODE = """
import time
class Refused(Exception): pass
def handler(event, _):
    texts = [item["Value"] for item in event["Items"]]
    print("got", texts)
    if "slow" in texts:
        time.sleep(0.5)
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
    """``load('"a"', '"b"', MaxConcurrency=3)``: run a Map over these lines; its execution and Map Run."""
    sfn, s3 = client("stepfunctions"), client("s3")
    allowed = ("s3:GetObject", "lambda:InvokeFunction", "states:StartExecution")

    def run(*lines, without="", while_running=lambda _: None, key="d", packed=False, **more):
        s3.create_bucket(Bucket=name)
        body = "\n".join(lines).encode()
        s3.put_object(Bucket=name, Key=key, Body=gzip.compress(body) if packed else body)
        actions = [action for action in allowed if action != without]
        granted = role("states.amazonaws.com", *actions, suffix="machine")
        machine = sfn.create_state_machine(
            name=name, roleArn=granted, definition=json.dumps(definition(function, name, key, more))
        )["stateMachineArn"]
        arn = sfn.start_execution(stateMachineArn=machine, input='{"Given": 5}')["executionArn"]
        while_running(arn)
        ended = eventually(lambda: finished(sfn, arn))
        runs = sfn.list_map_runs(executionArn=arn)["mapRuns"]
        run = sfn.describe_map_run(mapRunArn=runs[0]["mapRunArn"]) if runs else None
        return SimpleNamespace(execution=ended, run=run)

    return run


def finished(sfn, arn):
    shown = sfn.describe_execution(executionArn=arn)
    return None if shown["status"] == "RUNNING" else shown


def definition(function, bucket, key, more):
    write = {"Type": "Task", "Resource": function, "End": True}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": bucket, "Key": key},
    }
    batches = {
        "Type": "Map",
        "End": True,
        "Label": "Batches",
        "MaxConcurrency": 1,
        "ItemReader": reader,
        "ItemSelector": {"Index.$": "$$.Map.Item.Index", "Value.$": "$$.Map.Item.Value"},
        "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"Given.$": "$.Given"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Write",
            "States": {"Write": write},
        },
    }
    return {"StartAt": "Load", "States": {"Load": batches | more}}


def counted(run):
    return {key: n for key, n in run["itemCounts"].items() if n}


def test_lines_come_in_batches_each_with_its_index(client, load, name):
    done = load('"a"', '"b"', '"c"')
    assert done.execution["status"] == "SUCCEEDED"
    assert json.loads(done.execution["output"]) == [[{"Given": 5}, [0, 1]], [{"Given": 5}, [2]]]
    assert counted(done.run) == {"total": 3, "succeeded": 3}
    assert done.run["executionCounts"]["total"] == 2
    assert (done.run["status"], done.run["maxConcurrency"]) == ("SUCCEEDED", 1)
    groups = client("logs").describe_log_groups()["logGroups"]
    assert [group for group in groups if name in group["logGroupName"]] == [], "the role may not make one"


def test_an_object_is_unpacked_by_the_end_of_its_key(load):
    done = load('"a"', '"b"', key="d.jsonl.gz", packed=True)
    assert json.loads(done.execution["output"]) == [[{"Given": 5}, [0, 1]]]


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
    assert done.execution["error"] == "States.ItemReaderFailed"
    assert done.run is None


def test_a_failed_batch_ends_the_run_and_has_the_functions_error(client, load):
    done = load('"a"', '"fail"', '"c"', '"d"', '"e"')
    assert done.execution["error"] == "States.ExceedToleratedFailureThreshold"
    assert counted(done.run) == {"total": 5, "failed": 2, "aborted": 3}
    sfn = client("stepfunctions")
    run = done.run["mapRunArn"]
    (failed,) = sfn.list_executions(mapRunArn=run, statusFilter="FAILED")["executions"]
    child = sfn.describe_execution(executionArn=failed["executionArn"])
    assert child["error"] == "Refused"
    assert json.loads(child["cause"])["errorMessage"] == "not: that\nbatch"


def test_failures_below_the_threshold_are_tolerated(load):
    done = load('"a"', '"fail"', '"c"', '"d"', ToleratedFailurePercentage=50)
    assert done.execution["status"] == "SUCCEEDED"
    assert counted(done.run) == {"total": 4, "failed": 2, "succeeded": 2}


def test_the_functions_error_can_be_caught_by_its_name(load, function):
    task = {"Type": "Task", "End": True, "Resource": function, "Catch": [{"ErrorEquals": ["Refused"], "Next": "Ok"}]}
    caught = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED"},
        "StartAt": "Write",
        "States": {"Write": task, "Ok": {"Type": "Succeed"}},
    }
    assert load('"fail"', ItemProcessor=caught).execution["status"] == "SUCCEEDED"


def test_a_stopped_execution_starts_no_more_batches(client, load):
    sfn = client("stepfunctions")

    def stop(arn):
        runs = eventually(lambda: sfn.list_map_runs(executionArn=arn)["mapRuns"])
        run = runs[0]["mapRunArn"]
        eventually(lambda: sfn.describe_map_run(mapRunArn=run)["itemCounts"]["running"])
        sfn.stop_execution(executionArn=arn)
        eventually(lambda: sfn.describe_map_run(mapRunArn=run)["status"] == "ABORTED")

    done = load(*['"slow"'] * 6, while_running=stop)
    assert done.execution["status"] == "ABORTED"
    assert counted(done.run) == {"total": 6, "succeeded": 2, "aborted": 4}


@pytest.mark.parametrize(
    ("action", "error"), [("s3:GetObject", "States.ItemReaderFailed"), ("states:StartExecution", "States.Runtime")]
)
def test_a_state_machine_has_only_the_permissions_of_its_role(load, action, error):
    done = load('"a"', without=action)
    assert done.execution["error"] == error
    assert f"not authorized to perform: {action}" in done.execution["cause"]


def test_a_function_is_called_as_the_role(client, load):
    done = load('"a"', without="lambda:InvokeFunction")
    assert counted(done.run) == {"total": 1, "failed": 1}
    sfn = client("stepfunctions")
    (child,) = sfn.list_executions(mapRunArn=done.run["mapRunArn"])["executions"]
    cause = sfn.describe_execution(executionArn=child["executionArn"])["cause"]
    assert "not authorized to perform: lambda:InvokeFunction" in cause


def test_a_batch_ends_at_either_limit():
    assert [b["Items"] for b in batched([1, 2, 3], {"MaxItemsPerBatch": 2}, None)] == [[1, 2], [3]]
    room = len('{"BatchInput":{},"Items":[]}') + len('"aaaa",') * 2
    found = list(batched(["aaaa"] * 5, {"MaxInputBytesPerBatch": room}, {}))
    assert [len(batch["Items"]) for batch in found] == [2, 2, 1]
    assert all(len(json.dumps(batch, separators=(",", ":"))) <= room for batch in found)


def test_an_item_that_fits_no_batch_is_refused():
    with pytest.raises(ValueError, match="does not fit a batch of 30"):
        list(batched(["x" * 40], {"MaxInputBytesPerBatch": 30}, None))
