"""The stream, its function and the failure queue, in the template."""

import json

from aws_cdk.assertions import Match

from tests.support.templates import TABLE, granted, properties, stack

MAPPING, QUEUE = "AWS::Lambda::EventSourceMapping", "AWS::SQS::Queue"


def test_the_table_has_the_index_of_the_data_model_and_a_stream_of_both_images():
    table = properties(stack(), TABLE)
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "ConversationsByRecency"
    assert index["KeySchema"] == [
        {"AttributeName": "User", "KeyType": "HASH"},
        {"AttributeName": "LastMessageAt", "KeyType": "RANGE"},
    ]
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


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


def test_the_failure_queue_keeps_for_two_weeks_encrypted_and_accepts_tls_only():
    queue = properties(stack(), QUEUE)
    assert (queue["MessageRetentionPeriod"], queue["SqsManagedSseEnabled"]) == (14 * 24 * 3600, True)
    denied = Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    stack().has_resource_properties(
        "AWS::SQS::QueuePolicy", {"PolicyDocument": {"Statement": Match.array_with([denied])}}
    )


def test_the_function_may_do_exactly_what_it_does():
    allowed = granted(stack(), "ConversationsIndexing")
    assert sorted(allowed) == [
        "dynamodb:DeleteItem",
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    ]
    assert [action for action, on in allowed.items() if "*" in str(on)] == ["dynamodb:ListStreams"]
