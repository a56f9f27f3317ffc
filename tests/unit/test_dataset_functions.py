"""The functions that check, load and write a dataset, against scripted responses of S3 and Step Functions."""

import gzip
import io
import json
from types import SimpleNamespace
from unittest.mock import ANY, Mock

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from botocore.response import StreamingBody

from functions import check_dataset, load_dataset
from functions.load_dataset import LoadFailed
from functions.write_dataset import batch_entries
from model.dataset import DatasetError

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:Load"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:Load:"
COUNTS = {"total": 9, "succeeded": 4, "failed": 3}
GOOD = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}


def lines(count: int) -> bytes:
    """A dataset of ``count`` lines."""
    return "\n".join(json.dumps(GOOD | {"id": f"m-{number}"}) for number in range(count)).encode()


def packed(count: int) -> bytes:
    return gzip.compress(lines(count), mtime=0)


@pytest.fixture
def check(monkeypatch):
    """``check(content)``: the answer to an object of this content, of which ``sent`` bytes come."""

    def run(content: bytes, key="a/messages.jsonl", left=900_000, sent=None):
        body = StreamingBody(io.BytesIO(content[:sent]), len(content))
        monkeypatch.setattr("boto3.client", lambda _: SimpleNamespace(get_object=lambda **_: {"Body": body}))
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: left)
        return check_dataset.check({"Bucket": "b", "Key": key, "Table": "T"}, context)

    return run


def test_every_line_of_a_plain_or_compressed_object_is_checked_and_counted(check):
    assert check(lines(205)) == 205
    assert check(packed(3), key="messages.jsonl.gz") == 3
    with pytest.raises(IncompleteReadError):  # not an error in the dataset
        check(lines(3), sent=100)


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        (packed(3), "messages.jsonl", "its key does not end with .gz; rename it"),
        (lines(3), "messages.jsonl.gz", "but its key ends with .gz; rename it"),
        (packed(3)[:-9], "messages.jsonl.gz", "is damaged gzip after line"),
        (b"", "messages.jsonl", "is empty; it needs one message a line"),
    ],
    ids=["gzip by no name", "gzip by name only", "damaged", "empty"],
)
def test_what_step_functions_could_not_read_is_refused_with_what_to_do(check, content, key, said):
    with pytest.raises(DatasetError, match=said):
        check(content, key)


def test_more_lines_than_the_time_is_for_are_refused_with_how_many_fit(check, monkeypatch):
    monkeypatch.setattr(check_dataset, "_LINES", 100)
    with pytest.raises(DatasetError, match=r"time limit \(100 lines\); split .* at most 100 l"):
        check(lines(200), left=1_000)


def batch(**numbered):
    """A batch of lines, of which some fields differ: ``batch(line3={"body": "Ho"})``."""
    return [{"Index": int(line[4:]) - 1, "Message": GOOD | fields} for line, fields in numbered.items()]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (batch(line3={}, line9={}), r"line 9: has the same users .* in line 3; .* 'id'"),
        (batch(line3={}, line9={"body": "Ho"}), r"line 9: has the same users .* in line 3; .* 'id'"),
        (batch(line1500={}, line1501={"body": ""}), r"^line 1501: body is empty$"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_in_the_dataset(lines, said):
    with pytest.raises(DatasetError, match=said):
        batch_entries(lines)


class Missing(ClientError):
    def __init__(self):
        super().__init__({"Error": {"Code": "AccessDeniedException"}}, "Operation")


@pytest.fixture
def api(monkeypatch):
    """A client of Step Functions for which no load runs, and whose load has a Map Run."""
    client = Mock()
    names = ("ExecutionDoesNotExist", "ExecutionAlreadyExists", "StateMachineDoesNotExist")
    client.exceptions = SimpleNamespace(**dict.fromkeys(names, Missing))
    client.get_paginator.return_value.paginate.return_value = [{"executions": []}]
    client.list_map_runs.return_value = {"mapRuns": [{"mapRunArn": "run", "startDate": 1}]}
    client.describe_map_run.return_value = {"mapRunArn": "run", "itemCounts": COUNTS}
    client.list_executions.return_value = {"executions": []}
    monkeypatch.setattr("boto3.client", lambda _: client)
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
    # A Delete succeeds also if the state machine no longer exists.
    api.get_paginator.return_value.paginate.side_effect = Missing()
    assert load_dataset.on_event(sent, None) == {"PhysicalResourceId": "given"}
    if request_type == "Delete":
        assert load_dataset.is_complete(sent, None) == {"IsComplete": True}


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
    names = (f"Dataset{name}" for name in ("Total", "Written", "Unchanged", "Preserved"))
    answer = load_dataset.is_complete(event(), None)
    assert answer == {"IsComplete": True, "Data": dict(zip(names, counts, strict=True))}


def failure(key="k") -> str:
    sent = event()
    sent["ResourceProperties"]["Key"] = key
    with pytest.raises(LoadFailed) as caught:
        load_dataset.is_complete(sent, None)
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


def test_a_failed_load_says_so_without_the_cause_of_a_batch_or_a_map_run(api):
    ends(api, "TIMED_OUT")
    api.list_executions.side_effect = Missing()
    assert "ended TIMED_OUT" in failure()
    api.list_map_runs.return_value = {"mapRuns": []}
    ends(api, "FAILED", error="States.ItemReaderFailed", cause="x" * 5000)
    assert "States.ItemReaderFailed: xxx" in failure()
    assert len(failure()) == 1000
    cause = "not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/x"
    ends(api, "FAILED", error="States.ItemReaderFailed", cause=cause)
    assert failure().startswith(
        "s3://b/k is encrypted with a customer managed KMS key, which the load cannot use; copy it "
        "with `aws s3 cp s3://b/k s3://BUCKET/KEY --sse AES256` and set seed_dataset to the copy; "
    )
    assert cause in failure()


def test_a_failed_load_of_an_export_says_whether_anything_was_written(api):
    runs = [
        {"mapRunArn": f"mapRun:M/{label}:1", "startDate": start} for label, start in (("Objects", 2), ("Checks", 1))
    ]
    api.describe_map_run.side_effect = lambda mapRunArn: {"mapRunArn": mapRunArn, "itemCounts": COUNTS}
    ends(api, "FAILED", error="E", cause="x")
    api.list_map_runs.return_value = {"mapRuns": runs}
    assert failure("p/").endswith("loading s3://b/p/ into T ended FAILED: E: x; 3 of 9 objects failed, 4 were written")
    api.list_map_runs.return_value = {"mapRuns": runs[1:]}
    assert failure("p/").endswith("; 3 of 9 objects failed, 4 are valid; nothing was written")
    api.list_executions.return_value = {"executions": [{"executionArn": "child"}]}
    denied = {"error": "ClientError", "cause": "not authorized to perform: kms:Decrypt on resource: x"}
    api.describe_execution.side_effect = lambda executionArn: (
        denied if executionArn == "child" else {"status": "FAILED", "error": "E", "cause": "x"}
    )
    assert "copy it with `aws s3 cp s3://b/p/ s3://BUCKET/PREFIX/ --recursive --sse AES256`" in failure("p/")


def test_an_export_without_data_is_refused(api):
    ends(api, "SUCCEEDED", output="[[], []]")
    assert failure("p/").startswith(
        "s3://b/p/ has no data of an export (*.json.gz); set seed_dataset to the export's own"
    )
    sent = event()
    sent["ResourceProperties"]["Key"] = "p/"
    ends(api, "SUCCEEDED", output="[[], [1, 2, 3], [0, 0, 0]]")
    assert load_dataset.is_complete(sent, None)["Data"]["DatasetTotal"] == 6
