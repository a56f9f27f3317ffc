"""The stream, its function and the failure queue, in the template."""

import json

from tests.support.templates import properties, stack

MAPPING, QUEUE = "AWS::Lambda::EventSourceMapping", "AWS::SQS::Queue"


def test_a_failing_batch_is_split_retried_within_bounds_and_kept():
    mapping = properties(stack(), MAPPING)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
    (queue,) = stack().find_resources(QUEUE)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [queue, "Arn"]}
    # A seed's records may be older than the mapping.
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


def test_what_the_function_writes_itself_does_not_invoke_it():
    (rule,) = properties(stack(), MAPPING)["FilterCriteria"]["Filters"]
    assert json.loads(rule["Pattern"]) == {
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "CONVERSATION#"}]}, "sk": {"S": [{"prefix": "MESSAGE#"}]}}}
    }
