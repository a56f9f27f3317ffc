"""What CloudFormation finds when it makes a change set. Sources: embedded_aws/cloudformation/change_sets."""

import json
from uuid import uuid4

import pytest

from embedded_aws.tests.support.stacks import resource
from embedded_aws.tests.support.steps import KEYED, code_of, refused

CHECKED = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the DescribeEvents "
)
CHECKED += "API for detailed failure information."


@pytest.fixture
def change_set(client, name):
    """``change_set(outputs, **resources)``: what CloudFormation says about one, its findings, and what executes it."""
    cloudformation = client("cloudformation")

    def make(*, outputs=None, kind="UPDATE", mode=None, **resources):
        body = json.dumps({"Resources": resources} | ({"Outputs": outputs} if outputs else {}))
        look, more = {"StackName": name, "ChangeSetName": f"look-{uuid4()}"}, {"DeploymentMode": mode} if mode else {}
        made = cloudformation.create_change_set(**look, TemplateBody=body, ChangeSetType=kind, **more)
        described = cloudformation.describe_change_set(**look)
        events = cloudformation.describe_events(ChangeSetName=made["Id"])["OperationEvents"]
        failed = cloudformation.describe_events(**look, Filters={"FailedEvents": True})["OperationEvents"]
        assert failed == (events if described["Status"] == "FAILED" else [])
        assert {one["OperationType"] for one in events} <= {"CREATE_CHANGESET"}
        fields = ("ValidationFailureMode", "ValidationName", "ValidationPath", "ValidationStatusReason")
        return described, [tuple(one[field] for field in fields) for one in events]

    return make


def status(described):
    return described["Status"], described["ExecutionStatus"], described.get("StatusReason", "")


def test_invalid_properties_and_taken_names_fail_it(client, change_set, name):
    client("dynamodb").create_table(TableName=name, **KEYED)
    taken = resource("AWS::DynamoDB::GlobalTable", KEYED | {"TableName": name, "Replicas": [{"Region": "us-east-1"}]})
    unknown = {"Ref": "Table"}  # passes as a list, as a number and as text
    rule = {"Topics": unknown, "DisplayName": unknown, "DeliveryStatusLogging": unknown, "Wrong": unknown}
    described, found = change_set(
        kind="CREATE", Table=taken, Topic=resource("AWS::SNS::Topic", rule), Bad=resource("AWS::SNS::TopicPolicy", {})
    )
    hooks = "AWS::EarlyValidation::PropertyValidation, AWS::EarlyValidation::ResourceExistenceCheck"
    assert status(described) == ("FAILED", "UNAVAILABLE", CHECKED.format(hooks))
    exists = f"Resource of type 'AWS::DynamoDB::GlobalTable' with identifier '{name}' already exists."
    properties = "/Resources/{}/Properties"
    assert found == [
        ("FAIL", "PROPERTY_VALIDATION", properties.format("Bad"), "Required property [PolicyDocument] not found"),
        ("FAIL", "PROPERTY_VALIDATION", properties.format("Bad"), "Required property [Topics] not found"),
        ("FAIL", "NAME_CONFLICT_VALIDATION", "/Resources/Table", exists),
        ("FAIL", "PROPERTY_VALIDATION", properties.format("Topic"), "extraneous key [Topics] is not permitted"),
        ("FAIL", "PROPERTY_VALIDATION", properties.format("Topic"), "extraneous key [Wrong] is not permitted"),
    ]


def test_a_bucket_with_objects_that_would_be_deleted_is_a_warning(client, change_set, stack, name):
    topic, bucket = resource("AWS::SNS::Topic", {}), resource("AWS::S3::Bucket", {"BucketName": name})
    stack.create(Topic=topic, Bucket=bucket, Other=resource("AWS::S3::Bucket", {}))
    client("s3").put_object(Bucket=name, Key="one", Body=b"")
    described, found = change_set(Topic=topic)
    assert status(described) == ("CREATE_COMPLETE", "AVAILABLE", "")
    text = (
        f"The bucket '{name}' is not empty. You must either delete all objects and versions or use the deletion policy "
    )
    text += "to retain it, otherwise the delete operation will fail."
    assert found == [("WARN", "BUCKET_EMPTINESS_VALIDATION", "/Resources/Bucket", text)]


def test_changed_outputs_alone_can_be_executed(client, change_set, stack, name):
    topic = resource("AWS::SNS::Topic", {})
    stack.create(Topic=topic)
    described, found = change_set(Topic=topic, outputs={"Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}})
    assert (status(described), described["Changes"], found) == (("CREATE_COMPLETE", "AVAILABLE", ""), [], [])
    client("cloudformation").execute_change_set(ChangeSetName=described["ChangeSetId"])
    assert stack._settle().status == "UPDATE_COMPLETE"
    assert name in stack.output("Name")
    same, _ = change_set(Topic=topic, outputs={"Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}})
    assert same["Status"] == "FAILED"


def test_events_of_a_change_set_are_found_by_its_arn_or_with_its_stack(client):
    message = "One of ChangeSetName, OperationId or StackName must be specified"
    assert refused(client("cloudformation").describe_events, ChangeSetName="look")[1:] == ("ValidationError", message)


def test_a_stack_of_change_sets_alone_keeps_its_id_and_executing_one_deletes_the_others(client, change_set, stack):
    topic = resource("AWS::SNS::Topic", {})
    first, _ = change_set(kind="CREATE", Topic=topic)
    second, _ = change_set(kind="CREATE", Topic=topic, Other=topic)
    assert first["StackId"] == second["StackId"]
    cloudformation = client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=second["ChangeSetId"])
    stack.id = second["StackId"]
    assert stack._settle().status == "CREATE_COMPLETE"
    assert code_of(cloudformation.describe_change_set, ChangeSetName=first["ChangeSetId"]) == "ChangeSetNotFound"


def test_drift_is_reverted_where_the_change_set_asks_for_it(client, change_set, stack, name):
    """Sources: embedded_aws/cloudformation/drift_reverts."""
    replica = {"Region": "us-east-1", "DeletionProtectionEnabled": False}
    properties = KEYED | {"TableName": name, "Replicas": [replica]}
    kept = {"Table": resource("AWS::DynamoDB::GlobalTable", properties), "Topic": resource("AWS::SNS::Topic", {})}
    stack.create(**kept, Queue=resource("AWS::SQS::Queue", {"QueueName": name, "VisibilityTimeout": 7}))
    kept["Queue"] = resource("AWS::SQS::Queue", {"QueueName": name, "VisibilityTimeout": 7, "DelaySeconds": 3})
    dynamodb, sqs, queue, topic = client("dynamodb"), client("sqs"), stack.output("Queue"), stack.output("Topic")
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "9"})
    client("sns").delete_topic(TopicArn=topic)

    plain, _ = change_set(**kept)
    assert ("DeploymentMode" in plain, changes(plain)) == (False, {"Queue": ("Modify", ["DelaySeconds"])})
    described, _ = change_set(mode="REVERT_DRIFT", **kept)
    assert described["DeploymentMode"] == "REVERT_DRIFT"
    assert changes(described) == {
        "Table": ("Modify", ["Replicas"]),
        "Topic": ("Add", []),
        "Queue": ("Modify", ["DelaySeconds", "VisibilityTimeout"]),
    }
    client("cloudformation").execute_change_set(ChangeSetName=described["ChangeSetId"])
    assert stack._settle().status == "UPDATE_COMPLETE"
    assert dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is False
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["DelaySeconds"]) == ("7", "3")
    again = client("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId="Topic")
    assert client("sns").get_topic_attributes(TopicArn=again["StackResourceDetail"]["PhysicalResourceId"])
    in_line, _ = change_set(mode="REVERT_DRIFT", **kept)
    assert in_line["Status"] == "FAILED", "nothing differs any more"


def changes(described):
    """The action and the properties of each resource's change."""
    found = [one["ResourceChange"] for one in described["Changes"]]
    return {c["LogicalResourceId"]: (c["Action"], [d["Target"]["Name"] for d in c["Details"]]) for c in found}
