"""Permissions that the function's role needs, for a new mapping and later.

Sources: see embedded_aws/streams/mappings.py.
"""

import pytest

from embedded_aws.tests.support.steps import INVALID, allow, grant, policy, refused
from embedded_aws.tests.support.stream_readers import LISTING, READING

NO_SENDING = "The function execution role does not have permissions to call SendMessage on SQS"


@pytest.fixture
def mapping_of(streams, client):
    """``mapping_of(function)``: how Lambda refuses the request for a mapping of the stream."""
    request = {"EventSourceArn": streams.stream, "StartingPosition": "LATEST"}
    create = client("lambda").create_event_source_mapping
    return lambda function, **more: refused(create, FunctionName=function, **(request | more))


def test_a_role_that_may_list_streams_on_one_arn_alone_gets_no_mapping(streams, client, mapping_of):
    """The Service Authorization Reference lists no resource type for ListStreams: an ARN allows nothing."""
    function = streams.function(*READING)
    on_arn = policy(allow(*LISTING, on=streams.stream))
    client("iam").put_role_policy(RoleName=function, PolicyName="listing", PolicyDocument=on_arn)
    text = (
        f"Cannot access stream {streams.stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )
    assert mapping_of(function) == (400, INVALID, text)
    assert client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == []


def test_a_boundary_of_the_role_limits_what_it_may_read(streams, client, mapping_of, name):
    """IAM User Guide, "Permissions boundaries for IAM entities"."""
    function, iam = streams.function(*READING, *LISTING), client("iam")
    for actions, refused_ in (([*READING, *LISTING], False), (LISTING, True)):
        document = policy(allow(*actions))
        limit = iam.create_policy(PolicyName=f"{name}-{len(actions)}", PolicyDocument=document)["Policy"]["Arn"]
        iam.put_role_permissions_boundary(RoleName=function, PermissionsBoundary=limit)
        if refused_:
            assert mapping_of(function)[2].startswith(f"Cannot access stream {streams.stream}.")
        else:
            client("lambda").delete_event_source_mapping(UUID=streams.map(function))


def to(destination):
    return {"DestinationConfig": {"OnFailure": {"Destination": destination}}}


def test_a_mapping_needs_a_destination_that_its_role_may_send_to(streams, client, mapping_of):
    """A bucket needs s3:ListBucket too (guide, services-dynamodb-errors); that text names PutObject is assumed."""
    _, queue = streams.queue()
    function, bucket = streams.function(*READING, *LISTING, "s3:PutObject"), "arn:aws:s3:::a-bucket"
    assert mapping_of(function, **to(queue)) == (400, INVALID, NO_SENDING)
    no_writing = "The function execution role does not have permissions to call PutObject on S3"
    assert mapping_of(function, **to(bucket)) == (400, INVALID, no_writing)
    mapping = streams.map(function)
    found = refused(client("lambda").update_event_source_mapping, UUID=mapping, **to(queue))
    assert found == (400, INVALID, NO_SENDING)


def test_tumbling_windows_are_refused(streams, mapping_of):
    """AWS has them; here a function would get other events."""
    status, code, _ = mapping_of(streams.function(*READING, *LISTING), TumblingWindowInSeconds=30)
    assert (status, code) == (400, INVALID)


def test_a_record_of_a_discarded_batch_reaches_its_queue_only_if_role_and_policy_allow_it(streams, client):
    """The first policy is as sqs.Queue(enforce_ssl=True) of the CDK makes it."""
    (url, queue), role = streams.queue(), f"{streams.name}-reader"
    streams.reader(BatchSize=1, MaximumRetryAttempts=0, failures=queue)

    def denying(**condition):
        denial = allow("sqs:SendMessage", on=queue, Effect="Deny", Principal="*", Condition=condition)
        client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(denial)})

    def received():
        """The items of the discarded batch whose record came."""
        first = streams.received(url)["DDBStreamBatchInfo"]["startSequenceNumber"]
        events = [each["event"]["Records"][0] for each in streams.invocations()]
        return [
            event["dynamodb"]["Keys"]["pk"]["S"] for event in events if event["dynamodb"]["SequenceNumber"] == first
        ]

    not_tls = {"Bool": {"aws:SecureTransport": "false"}}
    denying(**not_tls)
    streams.put("raise")
    assert received() == ["raise"]
    denying(StringLike={"aws:PrincipalArn": f"*{role}"})
    streams.put("raise denied", "a")
    streams.sent("a")
    denying(**not_tls)
    grant(client, role, *READING)
    streams.put("raise ungranted", "b")
    streams.sent("b")
    grant(client, role, *READING, "sqs:SendMessage")
    streams.put("raise again")
    assert received() == ["raise again"]
