"""The stream, its function and where failures go, in the template."""

import json

from aws_cdk.assertions import Match

from tests.support.templates import only, stack

TABLE, MAPPING = "AWS::DynamoDB::GlobalTable", "AWS::Lambda::EventSourceMapping"
FUNCTION, POLICY, QUEUE = "AWS::Lambda::Function", "AWS::IAM::Policy", "AWS::SQS::Queue"


def indexing_statements(**settings) -> list[dict]:
    policies = stack(**settings).find_resources(POLICY)
    (policy,) = [p for name, p in policies.items() if name.startswith("ConversationsIndexing")]
    return policy["Properties"]["PolicyDocument"]["Statement"]


def test_the_table_has_the_index_of_the_data_model_and_a_stream_of_both_images():
    table = only(stack(), TABLE)["Properties"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "ConversationsByRecency"
    assert index["KeySchema"] == [
        {"AttributeName": "User", "KeyType": "HASH"},
        {"AttributeName": "LastMessageAt", "KeyType": "RANGE"},
    ]
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_a_provisioned_index_gets_the_tables_capacity():
    table = only(stack(billing_mode="provisioned", write_capacity=7, max_write_capacity=9), TABLE)
    properties = table["Properties"]
    (index,) = properties["GlobalSecondaryIndexes"]
    name = "WriteProvisionedThroughputSettings"
    assert index[name] == properties[name]


def test_a_failing_batch_is_split_retried_within_bounds_and_kept():
    mapping = only(stack(), MAPPING)["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
    (queue,) = stack().find_resources(QUEUE)
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == {"Fn::GetAtt": [queue, "Arn"]}


def test_the_stream_is_read_from_its_beginning():
    """A seed's records may be older than the mapping."""
    assert only(stack(), MAPPING)["Properties"]["StartingPosition"] == "TRIM_HORIZON"


def test_what_the_function_writes_itself_does_not_invoke_it():
    (rule,) = only(stack(), MAPPING)["Properties"]["FilterCriteria"]["Filters"]
    assert json.loads(rule["Pattern"]) == {
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "CONVERSATION#"}]}, "sk": {"S": [{"prefix": "MESSAGE#"}]}}}
    }


def test_the_failure_queue_keeps_for_two_weeks_encrypted_and_takes_tls_only():
    queue = only(stack(), QUEUE)["Properties"]
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["SqsManagedSseEnabled"] is True
    stack().has_resource_properties(
        "AWS::SQS::QueuePolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})]
                )
            }
        },
    )


def test_the_function_may_do_exactly_what_it_does():
    allowed = [action for statement in indexing_statements() for action in _actions(statement)]
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
    wide = [one for one in indexing_statements() if "*" in json.dumps(one["Resource"])]
    assert [_actions(one) for one in wide] == [["dynamodb:ListStreams"]]


def test_streams_are_listed_on_every_resource_because_the_action_takes_none():
    (statement,) = [s for s in indexing_statements() if "dynamodb:ListStreams" in _actions(s)]
    assert statement["Resource"] == "*"


def test_with_a_customer_key_the_function_may_use_it_for_table_and_stream():
    keys = [
        statement
        for statement in indexing_statements(customer_key=True, region="eu-west-1")
        if any(action.startswith("kms:") for action in _actions(statement))
    ]
    assert {"kms:Decrypt"} <= set.intersection(*(set(_actions(s)) for s in keys))


def _actions(statement: dict) -> list[str]:
    actions = statement["Action"]
    return sorted([actions] if isinstance(actions, str) else actions)
