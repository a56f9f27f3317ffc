"""CloudFormation: mappings of streams, and a table that gets its stream and index in an update.

Sources: registry schemas of AWS::Lambda::EventSourceMapping and AWS::DynamoDB::GlobalTable; the
texts from embedded_aws/streams/mappings.py.
"""

import json

from embedded_aws.tests.support.stacks import attribute, resource
from embedded_aws.tests.support.steps import KEYED, allow, policy, trust
from embedded_aws.tests.support.stream_readers import LISTING, READING

STREAM = {"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}
CODE = "def handler(event, context): return None"


def table(*indexes, **more):
    attributes = [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", *indexes)]
    properties = KEYED | {"AttributeDefinitions": attributes, "Replicas": [{"Region": "us-east-1"}]}
    if indexes:
        properties["GlobalSecondaryIndexes"] = [
            {
                "IndexName": f"By{key}",
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
            for key in indexes
        ]
    return resource("AWS::DynamoDB::GlobalTable", properties | more)


def reader(**mapping):
    """Role, its policy, function and mapping, as the CDK makes them."""
    reading = allow(*READING, on=attribute("Table", "StreamArn"))
    sending = allow("sqs:SendMessage", on=attribute("Queue", "Arn"))
    document = json.loads(policy(reading, allow(*LISTING), sending))
    function = {"Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": CODE}}
    settings = {
        "FunctionName": {"Ref": "Function"},
        "EventSourceArn": attribute("Table", "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "DestinationConfig": {"OnFailure": {"Destination": attribute("Queue", "Arn")}},
    }
    return {
        "Queue": resource("AWS::SQS::Queue", {}),
        "Role": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))}),
        "Policy": resource(
            "AWS::IAM::Policy", {"PolicyName": "stream", "PolicyDocument": document, "Roles": [{"Ref": "Role"}]}
        ),
        "Function": resource(
            "AWS::Lambda::Function", function | {"Role": attribute("Role", "Arn")}, DependsOn=["Policy"]
        ),
        "Mapping": resource("AWS::Lambda::EventSourceMapping", settings | mapping),
    }


def test_an_update_adds_and_removes_stream_and_one_index_of_a_table_with_their_reader(client, dynamodb, stack):
    first = stack.create(Table=table()).output("Table")
    assert stack.update(Table=table("User", "Other")).status == "UPDATE_ROLLBACK_COMPLETE"
    text = "Cannot perform more than one GSI creation or deletion in a single update"
    assert ("UPDATE_FAILED", text) in stack.events("Table")

    for item in ({"pk": {"S": "a"}, "User": {"S": "tom"}}, {"pk": {"S": "b"}}):
        dynamodb.put_item(TableName=first, Item=item)
    stack.update(Table=table("User", **STREAM), **reader())
    assert (stack.status, stack.output("Table")) == ("UPDATE_COMPLETE", first)
    shown = dynamodb.describe_table(TableName=first)["Table"]
    assert shown["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert dynamodb.scan(TableName=first, IndexName="ByUser")["Count"] == 1
    mapping = client("lambda").get_event_source_mapping(UUID=stack.output("Mapping"))
    assert (mapping["EventSourceArn"], mapping["BatchSize"]) == (shown["LatestStreamArn"], 100)
    assert stack.update(Table=table()).status == "UPDATE_COMPLETE"
    shown = dynamodb.describe_table(TableName=first)["Table"]
    assert not shown.get("StreamSpecification", {}).get("StreamEnabled")
    assert "GlobalSecondaryIndexes" not in shown


def test_a_property_that_leaves_the_template_gets_its_default_and_another_position_is_a_conflict(client, stack):
    """The conflict: the new mapping is made before the old one goes, and both would be of one function."""
    settings = {
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 3,
        "BatchSize": 7,
    }

    def shown():
        return client("lambda").get_event_source_mapping(UUID=stack.output("Mapping"))

    stack.create(Table=table(**STREAM), **reader(**settings))
    first = shown()
    assert (first["BatchSize"], first["MaximumRetryAttempts"]) == (7, 3)
    assert stack.update(Table=table(**STREAM), **reader()).status == "UPDATE_COMPLETE"
    second = shown()
    assert (second["UUID"], second["BatchSize"], second["MaximumRetryAttempts"]) == (first["UUID"], 100, -1)
    assert not second["FunctionResponseTypes"]
    assert not second.get("FilterCriteria", {}).get("Filters")

    stack.update(Table=table(**STREAM), **reader(StartingPosition="LATEST"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [reason for status, reason in stack.events("Mapping") if status == "UPDATE_FAILED"]
    assert "provided mapping already exists" in reasons[0]
