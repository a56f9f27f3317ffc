"""Failed batches: which answers fail one, and what its destination gets, as recorded on AWS.

The judge and what is left out: embedded_aws/tests/support/recorded.py.
"""

import json
import time
from datetime import datetime

import pytest

from embedded_aws.tests.support.recorded import (
    CODE,
    ITEM,
    KEY,
    RAISING,
    REPORTING,
    RETURNING_NONE,
    SETTINGS,
    events,
    failure_of,
    mapping_of,
    shown,
    without_times,
)
from embedded_aws.tests.support.steps import allow, eventually, policy


def test_a_queue_gets_every_member_of_a_failure_record(recorded, client):
    """DDB test_dynamodb_event_source_mapping_with_on_failure_destination_config."""
    url, queue = recorded.queue()
    uuid = recorded.reader(failures=queue, code=RAISING, **SETTINGS)
    found = client("lambda").get_event_source_mapping(UUID=uuid)
    assert shown(found) == mapping_of(
        recorded, uuid, DestinationConfig={"OnFailure": {"Destination": queue}}, **SETTINGS
    )
    recorded.put("hello world")
    found = without_times(recorded.received(url))
    records = events(recorded, 2)
    assert records[0] == records[1]
    assert found == failure_of(recorded, 2, records[0])


def test_a_topic_gets_the_same_failure_record(recorded, client):
    """DDB test_dynamodb_event_source_mapping_with_sns_on_failure_destination_config."""
    (url, queue), sns = recorded.queue(), client("sns")
    topic = sns.create_topic(Name=recorded.name)["TopicArn"]
    let_in = policy(allow("sqs:SendMessage", on=queue, Principal={"Service": "sns.amazonaws.com"}))
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": let_in})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    recorded.reader(failures=topic, code=RAISING, MaximumRetryAttempts=1)
    recorded.put("hello world")
    notification = recorded.received(url)
    records, _ = events(recorded, 2)
    assert without_times(json.loads(notification.pop("Message"))) == failure_of(recorded, 2, records)
    assert (notification.pop("Type"), notification.pop("SignatureVersion")) == ("Notification", "1")
    assert notification.pop("TopicArn") == topic
    assert set(notification) == {"MessageId", "Signature", "SigningCertURL", "Timestamp", "UnsubscribeURL"}


def test_a_bucket_gets_the_records_too(recorded, client):
    """DDB test_dynamodb_event_source_mapping_with_s3_on_failure_destination."""
    s3 = client("s3")
    s3.create_bucket(Bucket=recorded.name)
    uuid = recorded.reader(failures=f"arn:aws:s3:::{recorded.name}", code=RAISING, MaximumRetryAttempts=1)
    recorded.put("hello world")
    (written,) = eventually(lambda: s3.list_objects_v2(Bucket=recorded.name).get("Contents"))
    failure = json.loads(s3.get_object(Bucket=recorded.name, Key=written["Key"])["Body"].read())
    s3.delete_object(Bucket=recorded.name, Key=written["Key"])
    s3.delete_bucket(Bucket=recorded.name)
    moment = datetime.fromisoformat(failure["timestamp"])
    shard = failure["DDBStreamBatchInfo"]["shardId"]
    start = f"aws/lambda/{uuid}/{shard}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}"
    assert written["Key"].startswith(start)
    records, _ = events(recorded, 2)
    assert without_times(failure) == failure_of(recorded, 2, records) | {"payload": {"Records": records}}


def test_the_reported_record_alone_is_sent_again(recorded):
    """DDB test_dynamodb_report_batch_item_failures, also ..._with_on_failure_destination_config; KINESIS the same."""
    code = CODE.format(
        '{"batchItemFailures": [{"itemIdentifier": each["dynamodb"]["SequenceNumber"]} for each in event["Records"] '
        'if each["dynamodb"]["NewImage"]["should_fail"]["BOOL"]]}'
    )
    url, queue = recorded.queue()
    for number in range(6):
        recorded.write({KEY: {"S": f"testId{number}"}, "should_fail": {"BOOL": number == 5}})
    window = {"BatchSize": 3, "MaximumBatchingWindowInSeconds": 1}
    recorded.reader(failures=queue, code=code, MaximumRetryAttempts=3, **window, **REPORTING)
    found = without_times(recorded.received(url))
    *_, last = batches = events(recorded, 6)
    sent = [record["dynamodb"]["Keys"][KEY]["S"] for batch in batches for record in batch]
    assert sent == [f"testId{number}" for number in (0, 1, 2, 3, 4, 5, 5, 5, 5, 5)]
    assert [record["dynamodb"]["SizeBytes"] for record in batches[0]] == [58, 58, 58]
    assert found == failure_of(recorded, 4, last, error=None)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        pytest.param({"batchItemFailures": [{"itemIdentifier": 123}]}, None, id="item_identifier_not_present_failure"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": ""}]}, None, id="empty_string_item_identifier_failure"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": None}]}, None, id="null_item_identifier_failure"),
        pytest.param({"batchItemFailures": [{"foo": 123}]}, None, id="invalid_key_foo_failure"),
        pytest.param({"batchItemFailures": [{"foo": None}]}, None, id="invalid_key_foo_null_value_failure"),
        pytest.param("1 / 0", "Unhandled", id="unhandled_exception_in_function"),
    ],
)
def test_this_answer_fails_the_batch(recorded, expression, error):
    """DDB test_dynamodb_report_batch_item_failure_scenarios, KINESIS the same."""
    url, queue = recorded.queue()
    recorded.reader(failures=queue, code=CODE.format(expression), BatchSize=3, MaximumRetryAttempts=3, **REPORTING)
    recorded.write(ITEM)
    found = without_times(recorded.received(url))
    assert found == failure_of(recorded, 4, events(recorded, 4)[0], error)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([], id="empty_list_success"),
        pytest.param(None, id="null_success"),
        pytest.param({}, id="empty_dict_success"),
        pytest.param({"batchItemFailures": []}, id="empty_batch_item_failure_success"),
        pytest.param({"batchItemFailures": None}, id="null_batch_item_failure_success"),
    ],
)
def test_this_answer_finishes_the_batch(recorded, client, answer):
    """DDB test_dynamodb_report_batch_item_success_scenarios, KINESIS the same, and test_kinesis_empty_provided."""
    uuid = recorded.reader(code=CODE.format(answer), BatchSize=1, MaximumRetryAttempts=2, **REPORTING)
    recorded.write(ITEM)
    recorded.write(ITEM | {KEY: {"S": "end"}})
    events(recorded, 2)
    get = client("lambda").get_event_source_mapping
    eventually(lambda: get(UUID=uuid)["LastProcessingResult"] == "OK")


@pytest.mark.parametrize(
    ("older", "count"),
    [pytest.param(0, None, id="expire-while-retrying"), pytest.param(90, 1, id="expire-before-ingestion")],
)
def test_a_failure_record_of_a_batch_that_became_too_old_has_no_response(recorded, client, setting, older, count):
    """KINESIS test_kinesis_maximum_record_age_exceeded; its 60 seconds pass at once here."""
    setting("stream_records_older_seconds", older)
    url, queue = recorded.queue()
    recorded.put("hello world")
    limits = {"BatchSize": 1, "MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": -1 if count is None else 0}
    uuid = recorded.reader(failures=queue, code=RAISING, MaximumBatchingWindowInSeconds=1, **limits)
    if count is None:
        eventually(lambda: len(recorded.invocations()) >= 3)
        result = client("lambda").get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
        assert result == "PROBLEM: Function call failed"
        setting("stream_records_older_seconds", 90)
    failure = without_times(recorded.received(url))
    invocations = recorded.invocations()
    assert len(invocations) == 0 if count else len(invocations) >= 3
    context, info = failure.pop("requestContext"), failure.pop("DDBStreamBatchInfo")
    assert failure == {"version": "1.0"}
    assert context.pop("approximateInvokeCount") == (count or len(invocations) + 1)
    assert context.pop("functionArn").endswith(f":function:{recorded.name}-reader")
    assert context == {"condition": "RecordAgeExceeded"}
    assert (info["batchSize"], info["startSequenceNumber"]) == (1, info["endSequenceNumber"])


def test_only_the_records_of_a_batch_that_are_too_old_are_discarded(recorded, setting):
    """KINESIS test_kinesis_maximum_record_age_exceeded_discard_records."""
    url, queue = recorded.queue()
    recorded.put("old")
    # Times of arrival are whole seconds: the first record is 60 seconds old, the others are 50 to 52, and are read
    # before they are 60, also on a busy machine.
    time.sleep(10)
    recorded.put(*(f"{number}" for number in range(5)))
    setting("stream_records_older_seconds", 50.5)
    limits = {"BatchSize": 10, "MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    recorded.reader(failures=queue, code=RETURNING_NONE, **limits)
    failure = recorded.received(url)
    assert failure["requestContext"]["condition"] == "RecordAgeExceeded"
    assert failure["requestContext"]["approximateInvokeCount"] == 1
    assert failure["DDBStreamBatchInfo"]["batchSize"] == 1
    (found,) = events(recorded, 1)
    assert [record["dynamodb"]["Keys"][KEY]["S"] for record in found] == [f"{number}" for number in range(5)]
