"""The CDK CLI learns of an operation's end with its first question."""

import json

from botocore.config import Config

TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


def test_the_cdk_cli_is_answered_once_the_operation_has_ended(client, name):
    cli = client("cloudformation", config=Config(user_agent_extra="aws-cdk/2"))

    def status():
        return cli.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]

    stack = cli.create_stack(StackName=name, TemplateBody=TEMPLATE)["StackId"]
    assert status() == "CREATE_COMPLETE"
    cli.delete_stack(StackName=name)
    assert status() == "DELETE_COMPLETE"
