"""A custom name that is taken: CloudFormation creates no second resource and changes nothing about the first.

Sources: CloudFormation CLI guide, "Resource type handler contract" (a create handler fails with AlreadyExists for a
resource that exists); the text: stratospheric-dev/stratospheric#204.
"""

import json
import re

import pytest

from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import KEYED, allow, policy, trust

DEFINITION = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
METRIC = {"Namespace": "Test", "MetricName": "Count", "EvaluationPeriods": 1, "Threshold": 1, "Period": 60}
METRIC |= {"ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
CODE = {"Runtime": "python3.12", "Handler": "index.handler", "Code": {"ZipFile": "def handler(*_): pass"}}
# For each type: the property with the name, and what else it needs.
NAMED = {
    "AWS::Backup::BackupVault": ("BackupVaultName", {}),
    "AWS::CloudWatch::Alarm": ("AlarmName", METRIC),
    "AWS::CloudWatch::Dashboard": ("DashboardName", {"DashboardBody": '{"widgets": []}'}),
    "AWS::DynamoDB::GlobalTable": ("TableName", KEYED | {"Replicas": [{"Region": "us-east-1"}]}),
    "AWS::DynamoDB::Table": ("TableName", KEYED),
    "AWS::ECR::Repository": ("RepositoryName", {}),
    "AWS::Events::EventBus": ("Name", {}),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", {"PolicyDocument": json.loads(policy(allow("s3:GetObject")))}),
    "AWS::IAM::Role": ("RoleName", {"AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))}),
    "AWS::IAM::User": ("UserName", {}),
    "AWS::KMS::Alias": ("AliasName", {"TargetKeyId": "KEY"}),
    "AWS::Kinesis::Stream": ("Name", {"ShardCount": 1}),
    "AWS::Lambda::Function": ("FunctionName", CODE),
    "AWS::Logs::LogGroup": ("LogGroupName", {}),
    "AWS::SNS::Topic": ("TopicName", {}),
    "AWS::SQS::Queue": ("QueueName", {}),
    "AWS::SSM::Parameter": ("Name", {"Type": "String", "Value": "one"}),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", {"DefinitionString": DEFINITION}),
}
ROLES = {"AWS::Lambda::Function": ("Role", "lambda"), "AWS::StepFunctions::StateMachine": ("RoleArn", "states")}

# Of services that refuse in words of their own; source: aws-cdk#11208.
OWN_TEXTS = {
    "AWS::Backup::BackupVault": "Backup vault with the same name already exists",
    "AWS::DynamoDB::GlobalTable": "{} already exists",
    "AWS::DynamoDB::Table": "{} already exists",
}


@pytest.fixture
def named(client, role, name):
    """``named(kind, settings)``: a resource of the type with the test's name."""

    def make(kind, **settings):
        prop, properties = NAMED[kind]
        if kind in ROLES:
            settings[ROLES[kind][0]] = role(f"{ROLES[kind][1]}.amazonaws.com")
        if "TargetKeyId" in properties:
            settings["TargetKeyId"] = client("kms").create_key()["KeyMetadata"]["KeyId"]
        own = f"alias/{name}" if kind == "AWS::KMS::Alias" else name
        return resource(kind, properties | {prop: own} | settings)

    return make


@pytest.mark.parametrize("kind", NAMED)
def test_only_one_stack_creates_a_name(client, stack, name, named, kind):
    made = named(kind)
    assert stack.create(Named=made).status == "CREATE_COMPLETE"
    second = Stack(client, f"{name}-2").create(Named=made)
    assert second.status == "ROLLBACK_COMPLETE"
    own = f"alias/{name}" if kind == "AWS::KMS::Alias" else name
    text = OWN_TEXTS.get(kind, "").format(own) or (
        f"Resource handler returned message: \"Resource of type '{kind}' with identifier '{own}' already "
        r'exists." \(RequestToken: [0-9a-f-]{36}, HandlerErrorCode: AlreadyExists\)'
    )
    assert re.fullmatch(text, second.events("Named")[1][1])
    assert stack.update(Named=made, More=resource("AWS::SNS::Topic", {})).status == "UPDATE_COMPLETE"
    assert stack.delete().status == "DELETE_COMPLETE"


@pytest.mark.parametrize("kind", sorted(NAMED.keys() - {"AWS::Events::EventBus", "AWS::Kinesis::Stream"}))
def test_what_a_stack_left_behind_is_not_taken_over(client, stack, name, named, kind):
    kept = named(kind) | {"DeletionPolicy": "Retain"}
    assert stack.create(Named=kept).status == "CREATE_COMPLETE"
    assert stack.delete().status == "DELETE_COMPLETE"
    second = Stack(client, f"{name}-2").create(Named=kept)
    assert second.status == "ROLLBACK_COMPLETE"
    assert "xists" in second.events("Named")[1][1]
    # The rollback leaves it too: a third stack is refused as well.
    assert Stack(client, f"{name}-3").create(Named=kept).status == "ROLLBACK_COMPLETE"


def test_a_name_is_given_once_in_a_stack_and_an_update_takes_no_other_resource_s(client, stack, name):
    queue, other = resource("AWS::SQS::Queue", {"QueueName": name}), f"{name}-other"
    stack.create(First=queue, Second=queue)
    assert stack.status == "ROLLBACK_COMPLETE"
    stack.delete()
    client("sqs").create_queue(QueueName=other)
    stack.create(First=queue)
    renamed = resource("AWS::SQS::Queue", {"QueueName": other})
    assert stack.update(First=renamed).status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.output("First").endswith(name)
    client("sqs").delete_queue(QueueUrl=client("sqs").get_queue_url(QueueName=other)["QueueUrl"])
    assert stack.update(First=renamed).status == "UPDATE_COMPLETE"
    log = resource("AWS::Logs::LogGroup", {"LogGroupName": f"/aws/lambda/{name}"})
    short = resource("AWS::Logs::LogGroup", {"LogGroupName": name})
    assert stack.update(First=renamed, Long=log, Short=short).status == "UPDATE_COMPLETE"
