"""CloudFormation: mappings of streams, and a table that gets its stream and index in an update.

Sources: registry schemas of AWS::Lambda::EventSourceMapping and AWS::DynamoDB::GlobalTable; the
texts from embedded_aws/streams/mappings.py.
"""

import json

import pytest

from embedded_aws.tests.support.stacks import attribute, resource
from embedded_aws.tests.support.steps import KEYED, allow, policy, trust
from embedded_aws.tests.support.stream_readers import LISTING, READING, zipped

STREAM = {"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}
CODE = "def handler(event, context): return None"


def _index(name):
    key = [{"AttributeName": name, "KeyType": "HASH"}]
    return {"IndexName": f"By{name}", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}


def table(*indexes, **more):
    attributes = [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", *indexes)]
    properties = KEYED | {"AttributeDefinitions": attributes, "Replicas": [{"Region": "us-east-1"}]}
    if indexes:
        properties["GlobalSecondaryIndexes"] = [_index(name) for name in indexes]
    return resource("AWS::DynamoDB::GlobalTable", properties | more)


def reader(client, name, without="", **mapping):
    """Role, its policy, function and mapping, as the CDK makes them, ``without`` one grant."""
    client("s3").create_bucket(Bucket=name)
    client("s3").put_object(Bucket=name, Key="code", Body=zipped(CODE))
    grants = [
        *((action, attribute("Table", "StreamArn")) for action in READING),
        *((action, "*") for action in LISTING),
        ("sqs:SendMessage", attribute("Queue", "Arn")),
    ]
    document = json.loads(policy(*(allow(action, on=where) for action, where in grants if action != without)))
    granted = {"PolicyName": "stream", "PolicyDocument": document, "Roles": [{"Ref": "Role"}]}
    function = {
        "Role": attribute("Role", "Arn"),
        "Runtime": "python3.13",
        "Handler": "reader.handler",
        "Code": {"S3Bucket": name, "S3Key": "code"},
    }
    settings = {
        "FunctionName": {"Ref": "Function"},
        "EventSourceArn": attribute("Table", "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "DestinationConfig": {"OnFailure": {"Destination": attribute("Queue", "Arn")}},
    }
    return {
        "Queue": resource("AWS::SQS::Queue", {}),
        "Role": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))}),
        "Policy": resource("AWS::IAM::Policy", granted),
        "Function": resource("AWS::Lambda::Function", function, DependsOn=["Policy"]),
        "Mapping": resource("AWS::Lambda::EventSourceMapping", settings | mapping),
    }


def test_an_update_adds_and_removes_stream_and_index_of_a_table_with_their_reader(client, stack, name):
    dynamodb = client("dynamodb")
    first = stack.create(Table=table()).output("Table")
    dynamodb.put_item(TableName=first, Item={"pk": {"S": "a"}, "User": {"S": "tom"}})
    stack.update(Table=table("User", **STREAM), **reader(client, name))
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.output("Table") == first
    shown = dynamodb.describe_table(TableName=first)["Table"]
    assert shown["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    found = dynamodb.query(
        TableName=first,
        IndexName="ByUser",
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "User"},
        ExpressionAttributeValues={":u": {"S": "tom"}},
    )
    assert found["Count"] == 1
    mapping = client("lambda").get_event_source_mapping(UUID=stack.output("Mapping"))
    assert mapping["EventSourceArn"] == shown["LatestStreamArn"]
    assert mapping["BatchSize"] == 100
    stack.update(Table=table())
    assert stack.status == "UPDATE_COMPLETE"
    shown = dynamodb.describe_table(TableName=first)["Table"]
    assert not shown.get("StreamSpecification", {}).get("StreamEnabled")
    assert "GlobalSecondaryIndexes" not in shown


def test_two_indexes_at_once_are_refused(stack):
    stack.create(Table=table())
    stack.update(Table=table("User", "Other"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    text = "Cannot perform more than one GSI creation or deletion in a single update"
    assert ("UPDATE_FAILED", text) in stack.events("Table")


@pytest.mark.parametrize(
    ("without", "text"),
    [
        (READING[0], "ListStreams Actions on your stream in IAM."),
        (LISTING[0], "ListStreams Actions on your stream in IAM."),
        ("sqs:SendMessage", "does not have permissions to call SendMessage on SQS"),
    ],
)
def test_a_missing_grant_fails_the_deployment(client, stack, name, without, text):
    stack.create(Table=table(**STREAM), **reader(client, name, without=without))
    assert stack.status == "ROLLBACK_COMPLETE"
    status, reason = stack.events("Mapping")[1]
    assert (status, reason.endswith(text)) == ("CREATE_FAILED", True)


def test_a_property_that_leaves_the_template_gets_its_default(client, stack, name):
    pattern = json.dumps({"eventName": ["INSERT"]})
    settings = {
        "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 3,
        "BatchSize": 7,
    }
    parts = {"Table": table(**STREAM)} | reader(client, name, **settings)
    first = stack.create(**parts).output("Mapping")
    shown = client("lambda").get_event_source_mapping(UUID=first)
    assert (shown["BatchSize"], shown["MaximumRetryAttempts"]) == (7, 3)
    for setting in settings:
        del parts["Mapping"]["Properties"][setting]
    assert stack.update(**parts).status == "UPDATE_COMPLETE"
    assert stack.output("Mapping") == first
    shown = client("lambda").get_event_source_mapping(UUID=first)
    assert (shown["BatchSize"], shown["MaximumRetryAttempts"]) == (100, -1)
    assert not shown["FunctionResponseTypes"]
    assert not shown.get("FilterCriteria", {}).get("Filters")


def test_another_starting_position_is_a_conflict_with_the_mapping_it_replaces(client, stack, name):
    """It fails: the new one is made before the old one goes, and both would be of one function."""
    parts = {"Table": table(**STREAM)} | reader(client, name)
    stack.create(**parts)
    parts["Mapping"]["Properties"]["StartingPosition"] = "LATEST"
    stack.update(**parts)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [reason for status, reason in stack.events("Mapping") if status == "UPDATE_FAILED"]
    assert "provided mapping already exists" in reasons[0]
