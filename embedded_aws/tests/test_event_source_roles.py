"""Permissions that the function's role needs, for a new mapping and later.

Sources: see embedded_aws/streams/mappings.py.
"""

import pytest

from embedded_aws.tests.support.steps import allow, eventually, policy, refused
from embedded_aws.tests.support.stream_readers import LISTING, READING

INVALID = "InvalidParameterValueException"
NO_SENDING = "The function execution role does not have permissions to call SendMessage on SQS"


@pytest.fixture
def mapping_of(streams, client):
    """``mapping_of(function)``: how Lambda answers the request for a mapping of the stream."""

    def ask(function, **more):
        request = {"FunctionName": function, "EventSourceArn": streams.stream, "StartingPosition": "LATEST"} | more
        return refused(client("lambda").create_event_source_mapping, **request)

    return ask


def _refusal(stream):
    return (
        400,
        INVALID,
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
    )


def test_a_role_that_may_not_read_the_stream_gets_no_mapping(streams, client, mapping_of):
    role, name = streams.role(), f"{streams.name}-role"
    function = streams.function(role)
    for missing in READING + LISTING:
        streams.grant(name, *(action for action in READING + LISTING if action != missing))
        assert mapping_of(function) == _refusal(streams.stream)
    # The Service Authorization Reference lists no resource type for ListStreams: an ARN allows nothing.
    streams.grant(name, *READING)
    on_arn = policy(allow(*LISTING, on=streams.stream))
    client("iam").put_role_policy(RoleName=name, PolicyName="listing", PolicyDocument=on_arn)
    assert mapping_of(function) == _refusal(streams.stream)
    assert client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == []


def test_a_mapping_needs_a_destination_a_stream_and_a_pattern_that_are_valid(streams, client, mapping_of):
    """A destination that the role may send to, a stream that exists, a pattern, and no other mapping."""
    _, queue = streams.queue()
    to_queue = {"DestinationConfig": {"OnFailure": {"Destination": queue}}}
    function = streams.function(streams.role(*READING, *LISTING))
    assert mapping_of(function, **to_queue) == (400, INVALID, NO_SENDING)
    stream = f"{streams.stream[:-1]}x"
    assert mapping_of(function, EventSourceArn=stream) == (400, INVALID, f"Stream not found: {stream}")
    no_pattern = {"FilterCriteria": {"Filters": [{"Pattern": "single-string"}]}}
    assert mapping_of(function, **no_pattern) == (400, INVALID, "Invalid filter pattern definition.")
    mapping = streams.map(function)
    status, code, text = mapping_of(function)
    assert (status, code) == (409, "ResourceConflictException")
    assert text == (
        f'The event source arn (" {streams.stream} ") and function (" {function} ") provided '
        f"mapping already exists. Please update or delete the existing mapping with UUID {mapping}"
    )
    found = refused(client("lambda").update_event_source_mapping, UUID=mapping, **to_queue)
    assert found == (400, INVALID, NO_SENDING)


def test_a_mapping_reads_only_while_its_role_has_the_grant(streams, client):
    mapping, role = streams.reader(), f"{streams.name}-reader"
    streams.put("a")
    streams.sent("a")
    streams.grant(role)
    streams.put("b")
    lost = "Cannot access stream"
    get = client("lambda").get_event_source_mapping
    eventually(lambda: lost in get(UUID=mapping)["LastProcessingResult"])
    streams.grant(role, *READING)
    assert streams.sent("b") == [["a"], ["b"]]


@pytest.mark.usefixtures("no_stream_pause")
def test_the_record_of_a_discarded_batch_is_lost_when_the_role_lost_its_grant(streams):
    url, queue = streams.queue()
    streams.reader(BatchSize=1, MaximumRetryAttempts=0, failures=queue)
    streams.grant(f"{streams.name}-reader", *READING)
    streams.put("raise", "a")
    streams.sent("a")
    streams.grant(f"{streams.name}-reader", *READING, "sqs:SendMessage")
    streams.put("raise again")
    first = streams.received(url)["DDBStreamBatchInfo"]["startSequenceNumber"]
    (event,) = (each["event"] for each in streams.invocations() if each["names"] == ["raise again"])
    assert first == event["Records"][0]["dynamodb"]["SequenceNumber"]


@pytest.mark.usefixtures("no_stream_pause")
def test_a_queue_may_demand_tls_and_may_refuse_the_record(streams, client):
    """The first as sqs.Queue(enforce_ssl=True) of the CDK."""
    url, queue = streams.queue()
    for condition, condition_met in (
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"StringLike": {"aws:PrincipalArn": f"*{streams.name}-reader"}}, True),
    ):
        denial = allow("sqs:SendMessage", on=queue, Effect="Deny", Principal="*", Condition=condition)
        client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(denial)})
        if not condition_met:
            streams.reader(BatchSize=1, MaximumRetryAttempts=0, failures=queue)
            streams.put("raise")
            found = streams.received(url, delete=True)
            assert found["requestContext"]["condition"] == "RetryAttemptsExhausted"
        else:
            streams.put("raise more", "a")
            streams.sent("a")
            count = ["ApproximateNumberOfMessages"]
            shown = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=count)
            assert shown["Attributes"] == {"ApproximateNumberOfMessages": "0"}


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
