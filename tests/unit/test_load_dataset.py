"""The custom resource of a dataset against a Step Functions that answers as it is told."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.stub import ANY, Stubber

from functions import load_dataset
from functions.load_dataset import LoadFailed

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:Load"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:Load:"
RUN = "arn:aws:states:us-east-1:000000000000:mapRun:Load/Batches:1"
START = {"executionArn": EXECUTION + "r1", "startDate": 0}
ITEMS = {
    "total": 9,
    "succeeded": 4,
    "failed": 3,
    "pending": 1,
    "running": 1,
    "timedOut": 0,
    "aborted": 0,
    "resultsWritten": 0,
}


@pytest.fixture
def api(monkeypatch):
    """A stubbed client: it expects the calls that a test adds, in their order, and no other."""
    client = boto3.client(
        "stepfunctions",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    monkeypatch.setattr(load_dataset.boto3, "client", lambda _: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def event(request="Create", **more):
    properties = {"Bucket": "b", "Key": "k", "TableName": "T", "StateMachineArn": MACHINE}
    return {
        "RequestType": request,
        "RequestId": "r1",
        "LogicalResourceId": "Dataset",
        "ResourceProperties": properties,
        **more,
    }


def running(api, *names):
    found = [
        {
            "executionArn": EXECUTION + name,
            "name": name,
            "stateMachineArn": MACHINE,
            "status": "RUNNING",
            "startDate": 0,
        }
        for name in names
    ]
    api.add_response("list_executions", {"executions": found}, {"stateMachineArn": MACHINE, "statusFilter": "RUNNING"})


def stops(api, name):
    api.add_response("stop_execution", {"stopDate": 0}, {"executionArn": EXECUTION + name, "cause": ANY})


def starts(api):
    api.add_response(
        "start_execution",
        START,
        {"stateMachineArn": MACHINE, "name": "r1", "input": json.dumps({"Bucket": "b", "Key": "k", "Table": "T"})},
    )


def ends(api, status, **more):
    described = {**START, "stateMachineArn": MACHINE, "name": "r1", "status": status, **more}
    api.add_response("describe_execution", described, {"executionArn": EXECUTION + "r1"})


def runs(api):
    api.add_response(
        "list_map_runs",
        {"mapRuns": [{"executionArn": EXECUTION + "r1", "mapRunArn": RUN, "stateMachineArn": MACHINE, "startDate": 0}]},
    )
    api.add_response(
        "describe_map_run",
        {
            "mapRunArn": RUN,
            "executionArn": EXECUTION + "r1",
            "status": "RUNNING",
            "startDate": 0,
            "maxConcurrency": 5,
            "toleratedFailurePercentage": 0,
            "toleratedFailureCount": 0,
            "itemCounts": ITEMS,
            "executionCounts": ITEMS,
        },
        {"mapRunArn": RUN},
    )


def test_create_starts_one_load_under_the_requests_name(api):
    running(api)
    starts(api)
    assert load_dataset.on_event(event(), None) == {"PhysicalResourceId": "Dataset-dataset"}


def test_an_event_that_comes_twice_starts_no_second_load(api):
    running(api, "r1")
    api.add_client_error("start_execution", "ExecutionAlreadyExists")
    assert load_dataset.on_event(event(), None) == {"PhysicalResourceId": "Dataset-dataset"}


def test_update_ends_what_an_abandoned_deployment_left_and_keeps_the_id(api):
    running(api, "r0")
    stops(api, "r0")
    starts(api)
    answer = load_dataset.on_event(event("Update", PhysicalResourceId="given"), None)
    assert answer == {"PhysicalResourceId": "given"}


def test_delete_stops_a_load_that_runs_and_starts_none(api):
    running(api, "r0")
    stops(api, "r0")
    gone = event("Delete", PhysicalResourceId="given")
    assert load_dataset.on_event(gone, None) == {"PhysicalResourceId": "given"}
    assert load_dataset.is_complete(gone, None) == {"IsComplete": True}


def test_delete_succeeds_when_the_state_machine_is_gone(api):
    api.add_client_error("list_executions", "StateMachineDoesNotExist")
    answer = load_dataset.on_event(event("Delete"), None)
    assert answer == {"PhysicalResourceId": "Dataset-dataset"}


def test_a_running_load_is_not_complete_and_its_progress_is_logged(api, capsys):
    ends(api, "RUNNING")
    runs(api)
    assert load_dataset.is_complete(event(), None) == {"IsComplete": False}
    line = json.loads(capsys.readouterr().out)
    assert line.items() >= {"message": "loading", "total": 9, "succeeded": 4}.items()


def test_a_load_without_its_map_run_yet_is_not_complete(api):
    ends(api, "RUNNING")
    api.add_response("list_map_runs", {"mapRuns": []})
    assert load_dataset.is_complete(event(), None) == {"IsComplete": False}


def test_a_load_that_cannot_be_seen_yet_is_not_complete(api):
    api.add_client_error("describe_execution", "ExecutionDoesNotExist")
    assert load_dataset.is_complete(event(), None) == {"IsComplete": False}


@pytest.mark.parametrize(("output", "counts"), [([[5, 1, 0], [2, 0, 1]], (9, 7, 1, 1)), ([], (0, 0, 0, 0))])
def test_a_load_that_succeeded_gives_the_sums(api, output, counts):
    ends(api, "SUCCEEDED", output=json.dumps(output))
    names = ("DatasetTotal", "DatasetWritten", "DatasetUnchanged", "DatasetPreserved")
    assert load_dataset.is_complete(event(), None) == {
        "IsComplete": True,
        "Data": dict(zip(names, counts, strict=True)),
    }


def failure() -> str:
    with pytest.raises(LoadFailed) as caught:
        load_dataset.is_complete(event(), None)
    return str(caught.value)


def test_a_failed_load_names_the_line_the_error_and_how_many_failed(api):
    ends(api, "FAILED", error="States.ExceedToleratedFailureThreshold", cause="the threshold")
    runs(api)
    child = {**START, "stateMachineArn": MACHINE, "name": "c", "status": "FAILED"}
    api.add_response(
        "list_executions", {"executions": [child]}, {"mapRunArn": RUN, "statusFilter": "FAILED", "maxResults": 1}
    )
    cause = json.dumps({"errorMessage": "line 7: body is empty", "errorType": "DatasetError"})
    api.add_response("describe_execution", {**child, "error": "DatasetError", "cause": cause})
    assert failure() == (
        "DatasetError: line 7: body is empty; loading s3://b/k into T ended FAILED: "
        "States.ExceedToleratedFailureThreshold: the threshold; 3 of 9 items failed, 4 are done"
    )


def test_a_failed_load_says_so_even_if_the_cause_cannot_be_read(api):
    ends(api, "TIMED_OUT")
    runs(api)
    api.add_client_error("list_executions", "AccessDeniedException")
    assert "ended TIMED_OUT" in failure()


def test_a_failure_before_the_first_batch_has_its_cause(api):
    ends(api, "FAILED", error="States.ItemReaderFailed", cause="x" * 5000)
    api.add_response("list_map_runs", {"mapRuns": []})
    text = failure()
    assert "States.ItemReaderFailed: xxx" in text
    assert len(text) == 1000


def test_an_object_under_a_customer_key_fails_with_what_to_do(api):
    cause = "not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/x"
    ends(api, "FAILED", error="States.ItemReaderFailed", cause=cause)
    api.add_response("list_map_runs", {"mapRuns": []})
    text = failure()
    assert text.startswith(
        "s3://b/k is encrypted with a customer managed KMS key, which the load cannot use; copy it "
        "with `aws s3 cp s3://b/k s3://BUCKET/KEY --sse AES256` and set seed_dataset to the copy; "
    )
    assert cause in text
