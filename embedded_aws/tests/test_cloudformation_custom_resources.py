"""Custom resources whose function is in the template.

Source: CloudFormation Template Reference, "cfn-response module": code in ZipFile may import it.
"""

from embedded_aws.tests.support.stacks import attribute, resource

CODE = """
import cfnresponse

def handler(event, context):
    status = cfnresponse.FAILED if event["ResourceProperties"].get("Fails") else cfnresponse.SUCCESS
    cfnresponse.send(event, context, status, {"Found": "it"}, "own-id", reason="as asked")
"""


def _resources(role, **properties):
    function = {"Runtime": "python3.12", "Handler": "index.handler", "Role": role, "Code": {"ZipFile": CODE}}
    properties |= {"ServiceToken": attribute("Function", "Arn"), "ServiceTimeout": "20"}
    return {
        "Function": resource("AWS::Lambda::Function", function),
        "Thing": resource("Custom::Thing", properties),
        "Shown": resource("AWS::SSM::Parameter", {"Type": "String", "Value": attribute("Thing", "Found")}),
    }


def test_code_in_a_template_has_the_module_with_which_it_answers(client, stack, role):
    resources = _resources(role("lambda.amazonaws.com"), Any={"kind": ["of", 1, True]})
    assert stack.create(**resources).status == "CREATE_COMPLETE", stack.events("Thing")
    assert stack.output("Thing") == "own-id"
    assert client("ssm").get_parameter(Name=stack.output("Shown"))["Parameter"]["Value"] == "it"
    assert stack.delete().status == "DELETE_COMPLETE"


def test_the_module_gives_the_reason_of_a_failure(stack, role):
    stack.create(**_resources(role("lambda.amazonaws.com"), Fails="yes"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("as asked" in reason for _, reason in stack.events("Thing"))
