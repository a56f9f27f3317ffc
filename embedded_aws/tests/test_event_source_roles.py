"""What the function's role must allow, or a mapping is not made, and what happens without it later.

Sources: see embedded_aws/streams/mappings.py.
"""

import json

import pytest

from embedded_aws.tests.support.steps import eventually, refused
from embedded_aws.tests.support.stream_readers import LISTING, READING


def _refusal(stream):
    return (
        400,
        "InvalidParameterValueException",
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
    )


@pytest.mark.parametrize("missing", [*READING, *LISTING])
def test_a_role_that_may_not_read_the_stream_gets_no_mapping(streams, client, missing):
    allowed = [action for action in READING + LISTING if action != missing]
    function = streams.function(streams.role(*allowed))
    found = refused(
        client("lambda").create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=streams.stream,
        StartingPosition="LATEST",
    )
    assert found == _refusal(streams.stream)
    listed = client("lambda").list_event_source_mappings(FunctionName=function)
    assert listed["EventSourceMappings"] == []


def test_permission_to_list_streams_on_the_arn_of_a_stream_gives_nothing(streams, client):
    """The Service Authorization Reference lists no resource type for ListStreams."""
    function = streams.function(streams.role(*READING))
    allowed = {"Effect": "Allow", "Action": LISTING, "Resource": streams.stream}
    client("iam").put_role_policy(
        RoleName=f"{streams.name}-role",
        PolicyName="listing",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    found = refused(
        client("lambda").create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=streams.stream,
        StartingPosition="LATEST",
    )
    assert found == _refusal(streams.stream)


def test_a_role_that_may_not_send_to_the_destination_gets_no_mapping(streams, client):
    _, queue = streams.queue()
    function = streams.function(streams.role(*READING, *LISTING))
    found = refused(
        client("lambda").create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=streams.stream,
        StartingPosition="LATEST",
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    text = "The function execution role does not have permissions to call SendMessage on SQS"
    assert found == (400, "InvalidParameterValueException", text)


def test_a_destination_that_the_role_may_not_send_to_cannot_be_added(streams, client):
    _, queue = streams.queue()
    mapping = streams.map(streams.function(streams.role(*READING, *LISTING)))
    status, code, _ = refused(
        client("lambda").update_event_source_mapping,
        UUID=mapping,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    assert (status, code) == (400, "InvalidParameterValueException")


def test_a_role_that_lost_its_grant_reads_no_more_until_it_has_it_again(streams, client):
    mapping = streams.reader()
    role = f"{streams.name}-reader"
    streams.put("a")
    streams.sent("a")
    streams.grant(role)
    streams.put("b")

    def problem():
        shown = client("lambda").get_event_source_mapping(UUID=mapping)
        return "Cannot access stream" in shown["LastProcessingResult"]

    eventually(problem)
    streams.grant(role, *READING)
    assert streams.sent("b") == [["a"], ["b"]]


@pytest.mark.usefixtures("no_stream_pause")
def test_the_record_of_a_discarded_batch_is_lost_when_the_role_lost_its_grant(streams):
    url, queue = streams.queue()
    streams.reader(BatchSize=1, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}})
    streams.grant(f"{streams.name}-reader", *READING)
    streams.put("raise", "a")
    streams.sent("a")
    streams.grant(f"{streams.name}-reader", *READING, "sqs:SendMessage")
    streams.put("raise again")
    first = streams.received(url)["DDBStreamBatchInfo"]["startSequenceNumber"]
    assert first == _number(streams, "raise again")


@pytest.mark.usefixtures("no_stream_pause")
def test_a_queue_that_takes_messages_through_tls_alone_gets_the_record(streams, client):
    """As sqs.Queue(enforce_ssl=True) of the CDK."""
    url, queue = _guarded(streams, client, {"Bool": {"aws:SecureTransport": "false"}})
    streams.reader(MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}})
    streams.put("raise")
    assert streams.received(url)["requestContext"]["condition"] == "RetryAttemptsExhausted"


@pytest.mark.usefixtures("no_stream_pause")
def test_a_queue_may_refuse_the_record(streams, client):
    arn = {"StringLike": {"aws:PrincipalArn": f"*{streams.name}-reader"}}
    url, queue = _guarded(streams, client, arn)
    streams.reader(BatchSize=1, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}})
    streams.put("raise", "a")
    streams.sent("a")
    shown = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    assert shown["Attributes"] == {"ApproximateNumberOfMessages": "0"}


def _guarded(streams, client, condition):
    """The URL and the ARN of a queue whose policy denies sending under a condition."""
    url, queue = streams.queue()
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return url, queue


def _number(streams, name):
    (found,) = (i["event"] for i in streams.invocations() if i["names"] == [name])
    return found["Records"][0]["dynamodb"]["SequenceNumber"]


def test_a_function_has_one_mapping_of_a_stream(streams, client):
    mapping = streams.reader()
    function = f"{streams.name}-reader"
    status, code, text = refused(
        client("lambda").create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=streams.stream,
        StartingPosition="LATEST",
    )
    assert (status, code) == (409, "ResourceConflictException")
    assert text == (
        f'The event source arn (" {streams.stream} ") and function (" {function} ") provided '
        "mapping already exists. Please update or delete the existing mapping with UUID "
        f"{mapping}"
    )


def test_a_mapping_needs_a_stream_that_exists(streams, client):
    stream = f"{streams.stream[:-1]}x"
    function = streams.function(streams.role(*READING, *LISTING))
    found = refused(
        client("lambda").create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=stream,
        StartingPosition="LATEST",
    )
    assert found == (400, "InvalidParameterValueException", f"Stream not found: {stream}")


def test_a_filter_that_is_no_pattern_is_refused(streams, client):
    function = streams.function(streams.role(*READING, *LISTING))
    found = refused(
        client("lambda").create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=streams.stream,
        StartingPosition="LATEST",
        FilterCriteria={"Filters": [{"Pattern": "single-string"}]},
    )
    text = "Invalid filter pattern definition."
    assert found == (400, "InvalidParameterValueException", text)


def test_a_mapping_shows_the_defaults_of_streams(streams, client):
    shown = client("lambda").get_event_source_mapping(UUID=streams.reader())
    assert {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
    }.items() <= shown.items()
