"""What LocalStack recorded on AWS for event source mappings of streams, and how it looks here.

Judge: github.com/localstack/localstack (Apache-2.0) at commit 8b9a79f05846835cf4dff63ab7eefdde9df83783 (2026-03-23),
the answers in its *.snapshot.json files and the tests that got them from AWS, most on 2025-11-25:

* DDB: tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_dynamodbstreams
* KINESIS: test_lambda_integration_kinesis beside it, what both kinds of stream share
* SQS: test_lambda_integration_sqs beside it, its invalid filters
* API: tests/aws/services/lambda_/test_lambda_api, TestLambdaEventSourceMappings

Each test of test_recorded_*.py names the recorded ones that it reproduces: all 32 of DDB, 25 of the 28 of KINESIS,
the 4 invalid filters of SQS, 6 of the 8 of API. Left out:

* API test_create_event_source_validation_kinesis, test_create_event_source_self_managed: not DynamoDB
* API TestLambdaTag and test_cfn_resource: tags of mappings, not what they do
* KINESIS test_kinesis_event_filtering_json_pattern: patterns for data in base64, which DynamoDB's is not
* KINESIS test_kinesis_event_source_mapping_with_async_invocation: about the function, not the stream
* KINESIS ..._success_scenarios[empty_string_success]: its function returns nothing, so it records None, not ""
* every TableDescription, and the waits for roles, streams and mappings: not about mappings

The answer recorded in September 2024 lacks EventSourceMappingArn, which later ones and those here have.
BisectBatchOnFunctionError is recorded nowhere: test_event_source_mappings.py tests it from the guide.
"""

import re
from datetime import UTC, datetime
from typing import Any

from embedded_aws.tests.support.steps import eventually
from embedded_aws.tests.support.stream_readers import Streams

Json = dict[str, Any]
KEY = "my_partition_key"
ITEM: Json = {KEY: {"S": "hello world"}, "binary_key": {"B": b"foobar"}}
REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
# What most recorded mappings have.
SETTINGS = {"BatchSize": 1, "MaximumBatchingWindowInSeconds": 1, "MaximumRetryAttempts": 1}
# A function that notes its event, then returns what an expression is worth.
CODE = """
import json, os

def handler(event, context):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps({{"event": event}}) + "\\n")
    return {}
"""
RETURNING_NONE, RAISING = CODE.format(None), CODE.format("1 / 0")


def shown(answer: Any) -> Json:
    """The answer of a call, without what differs in every run."""
    answer.pop("ResponseMetadata", None)
    answer.pop("LastModified")
    return dict(answer)


def mapping_of(streams: Streams, uuid: str, **changed: Any) -> Json:
    """Every member of a mapping as AWS shows it, most with their defaults."""
    account = "us-east-1:000000000000"
    defaults: Json = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": streams.stream,
        "EventSourceMappingArn": f"arn:aws:lambda:{account}:event-source-mapping:{uuid}",
        "FunctionArn": f"arn:aws:lambda:{account}:function:{streams.name}-reader",
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Enabled",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
        "UUID": uuid,
    }
    return defaults | changed


def events(streams: Streams, count: int) -> list[list[Json]]:
    """The records of each invocation, of which there must be ``count``."""
    found = eventually(lambda: len(each := streams.invocations()) >= count and each)
    assert len(found) == count
    return [each["event"]["Records"] for each in found]


def record_of(streams: Streams, name: str = "INSERT", view: str = "NEW_IMAGE", **change: Any) -> Json:
    """Every member of a record as a function gets it, without what differs in every run."""
    return {
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": streams.stream,
        "dynamodb": {"StreamViewType": view} | change,
    }


def without_numbers(record: Json) -> Json:
    """A record without its id, number and time, whose forms are checked."""
    change = record["dynamodb"]
    assert isinstance(change.pop("ApproximateCreationDateTime"), float)
    assert 21 <= len(change.pop("SequenceNumber")) <= 40
    assert len(record.pop("eventID")) == 32
    return record


def batch_info(streams: Streams, records: list[Json]) -> Json:
    """Where the failure record says that the batch stands in the stream."""
    arrivals = [record["dynamodb"]["ApproximateCreationDateTime"] for record in (records[0], records[-1])]
    first, last = (datetime.fromtimestamp(each, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in arrivals)
    return {
        "shardId": "shardId-00000000000000000000-00000000",
        "startSequenceNumber": records[0]["dynamodb"]["SequenceNumber"],
        "endSequenceNumber": records[-1]["dynamodb"]["SequenceNumber"],
        "approximateArrivalOfFirstRecord": first,
        "approximateArrivalOfLastRecord": last,
        "batchSize": len(records),
        "streamArn": streams.stream,
    }


def failure_of(streams: Streams, count: int, records: list[Json], error: str | None = "Unhandled") -> Json:
    """Every member of a failure record after ``count`` invocations, without what differs in every run."""
    return {
        "requestContext": {
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{streams.name}-reader",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": count,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": error},
        "version": "1.0",
        "DDBStreamBatchInfo": batch_info(streams, records),
    }


def without_times(failure: Any) -> Json:
    """A failure record without the request's id and the time, whose form is checked."""
    assert len(failure["requestContext"].pop("requestId")) == 36
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", failure.pop("timestamp"))
    return dict(failure)
