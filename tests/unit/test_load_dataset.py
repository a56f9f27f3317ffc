"""The custom resource that loads a dataset, against scripted responses of Step Functions."""

import json
from types import SimpleNamespace
from unittest.mock import ANY, Mock

import pytest
from botocore.exceptions import ClientError

from functions import load_dataset
from functions.load_dataset import LoadFailed

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:Load"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:Load:"
COUNTS = {"total": 9, "succeeded": 4, "failed": 3}


class Missing(ClientError):
    def __init__(self):
        super().__init__({"Error": {"Code": "AccessDeniedException"}}, "Operation")


@pytest.fixture
def api(monkeypatch):
    """A client for which no load runs, and whose load has a Map Run."""
    client = Mock()
    names = ("ExecutionDoesNotExist", "ExecutionAlreadyExists", "StateMachineDoesNotExist")
    client.exceptions = SimpleNamespace(**dict.fromkeys(names, Missing))
    client.get_paginator.return_value.paginate.return_value = [{"executions": []}]
    client.list_map_runs.return_value = {"mapRuns": [{"mapRunArn": "run"}]}
    client.describe_map_run.return_value = {"mapRunArn": "run", "itemCounts": COUNTS}
    client.list_executions.return_value = {"executions": []}
    monkeypatch.setattr(load_dataset.boto3, "client", lambda _: client)
    return client


def event(request="Create", **more):
    return {
        "RequestType": request,
        "RequestId": "r1",
        "LogicalResourceId": "Dataset",
        "ResourceProperties": {"Bucket": "b", "Key": "k", "TableName": "T", "StateMachineArn": MACHINE},
        **more,
    }


def running(api, *names):
    found = [{"executionArn": EXECUTION + name, "name": name} for name in names]
    api.get_paginator.return_value.paginate.return_value = [{"executions": found}]


def ends(api, status, **more):
    api.describe_execution.return_value = {"status": status, **more}


@pytest.mark.parametrize("runs", [(), ("r1",)], ids=["first event", "the same event again"])
def test_create_starts_one_load_under_the_requests_name(api, runs):
    running(api, *runs)
    api.start_execution.side_effect = Missing() if runs else None
    assert load_dataset.on_event(event(), None) == {"PhysicalResourceId": "Dataset-dataset"}
    api.stop_execution.assert_not_called()
    api.start_execution.assert_called_once_with(
        stateMachineArn=MACHINE, name="r1", input=json.dumps({"Bucket": "b", "Key": "k", "Table": "T"})
    )


@pytest.mark.parametrize(("request_type", "starts"), [("Update", 1), ("Delete", 0)])
def test_update_and_delete_stop_the_load_of_an_abandoned_deployment_and_keep_the_id(api, request_type, starts):
    running(api, "r0")
    sent = event(request_type, PhysicalResourceId="given")
    assert load_dataset.on_event(sent, None) == {"PhysicalResourceId": "given"}
    api.stop_execution.assert_called_once_with(executionArn=EXECUTION + "r0", cause=ANY)
    assert api.start_execution.call_count == starts
    if request_type == "Delete":
        assert load_dataset.is_complete(sent, None) == {"IsComplete": True}


def test_delete_succeeds_when_the_state_machine_is_gone(api):
    api.get_paginator.return_value.paginate.side_effect = Missing()
    assert load_dataset.on_event(event("Delete"), None) == {"PhysicalResourceId": "Dataset-dataset"}


def test_a_running_load_is_not_complete_and_its_progress_is_logged(api, capsys):
    ends(api, "RUNNING")
    assert load_dataset.is_complete(event(), None) == {"IsComplete": False}
    api.describe_execution.assert_called_with(executionArn=EXECUTION + "r1")
    line = json.loads(capsys.readouterr().out)
    assert line.items() >= {"message": "loading", "total": 9, "succeeded": 4}.items()
    # Step Functions may not show the load yet.
    api.list_map_runs.return_value = {"mapRuns": []}
    assert load_dataset.is_complete(event(), None) == {"IsComplete": False}
    api.describe_execution.side_effect = Missing()
    assert load_dataset.is_complete(event(), None) == {"IsComplete": False}


@pytest.mark.parametrize(("output", "counts"), [([[5, 1, 0], [2, 0, 1]], [9, 7, 1, 1]), ([], [0, 0, 0, 0])])
def test_a_load_that_succeeded_gives_the_sums(api, output, counts):
    ends(api, "SUCCEEDED", output=json.dumps(output))
    answer = load_dataset.is_complete(event(), None)
    assert answer["IsComplete"]
    names = ("DatasetTotal", "DatasetWritten", "DatasetUnchanged", "DatasetPreserved")
    assert [answer["Data"][name] for name in names] == counts


def failure() -> str:
    with pytest.raises(LoadFailed) as caught:
        load_dataset.is_complete(event(), None)
    return str(caught.value)


def test_a_failed_load_names_the_line_the_error_and_how_many_failed(api):
    cause = json.dumps({"errorMessage": "line 7: body is empty", "errorType": "DatasetError"})
    whole = {"status": "FAILED", "error": "States.ExceedToleratedFailureThreshold", "cause": "the threshold"}
    api.list_executions.return_value = {"executions": [{"executionArn": "child"}]}
    child = {"error": "DatasetError", "cause": cause}
    api.describe_execution.side_effect = lambda executionArn: child if executionArn == "child" else whole
    assert failure() == (
        "DatasetError: line 7: body is empty; loading s3://b/k into T ended FAILED: "
        "States.ExceedToleratedFailureThreshold: the threshold; 3 of 9 items failed, 4 were written"
    )
    api.list_executions.assert_called_with(mapRunArn="run", statusFilter="FAILED", maxResults=1)


def test_a_failed_load_says_so_without_the_cause_of_a_batch(api):
    ends(api, "TIMED_OUT")
    api.list_executions.side_effect = Missing()
    assert "ended TIMED_OUT" in failure()
    ends(api, "FAILED", error="States.ItemReaderFailed", cause="x" * 5000)
    api.list_map_runs.return_value = {"mapRuns": []}
    text = failure()
    assert "States.ItemReaderFailed: xxx" in text
    assert len(text) == 1000


def test_an_object_under_a_customer_key_fails_with_what_to_do(api):
    cause = "not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/x"
    ends(api, "FAILED", error="States.ItemReaderFailed", cause=cause)
    api.list_map_runs.return_value = {"mapRuns": []}
    text = failure()
    assert text.startswith(
        "s3://b/k is encrypted with a customer managed KMS key, which the load cannot use; copy it "
        "with `aws s3 cp s3://b/k s3://BUCKET/KEY --sse AES256` and set seed_dataset to the copy; "
    )
    assert cause in text
