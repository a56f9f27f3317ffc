"""CloudFormation's OIDC providers, boundaries of roles, names of state machines, conditions and custom resources.

Sources: the registry schemas of AWS::IAM::OIDCProvider and AWS::IAM::Role; embedded_aws/cloudformation/stack_rules;
the CDK CLI's bootstrap-template.yaml, which AWS accepts (functions in conditions).
"""

import json
import re

import pytest
from botocore.config import Config

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import code_of, eventually, listed, trust


def test_a_provider_is_made_changed_replaced_and_deleted(client, stack, name):
    def provider(host, *audiences):
        return resource("AWS::IAM::OIDCProvider", {"Url": f"https://{host}", "ClientIdList": list(audiences)})

    iam, host = client("iam"), f"{name}.example"
    arn = f"arn:aws:iam::000000000000:oidc-provider/{host}"
    shown = {"Name": name, "Type": "String", "Value": attribute("GitHub", "Arn")}
    stack.create(GitHub=provider(host, "one"), Found=resource("AWS::SSM::Parameter", shown))
    assert stack.output("GitHub") == arn
    assert client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == arn
    second = Stack(client, f"{name}-2").create(GitHub=provider(host, "two"))
    assert second.status == "ROLLBACK_COMPLETE"
    assert any("already exists" in reason for _, reason in second.events("GitHub"))
    stack.update(GitHub=provider(host, "one", "two"))
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert shown["ClientIDList"] == ["one", "two"]
    new = stack.update(GitHub=provider(f"new-{host}", "one")).output("GitHub")
    assert new.endswith(f"/new-{host}")
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [each["Arn"] for each in providers if host in each["Arn"]] == [new]
    stack.delete()
    assert code_of(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=new) == "NoSuchEntity"


def test_a_role_gets_changes_and_loses_its_boundary(client, stack):
    trusting = {"AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))}
    names = set()
    for change, boundary in ((stack.create, "ReadOnlyAccess"), (stack.update, "SecurityAudit"), (stack.update, "")):
        arn = f"arn:aws:iam::aws:policy/{boundary}"
        change(Role=resource("AWS::IAM::Role", trusting | ({"PermissionsBoundary": arn} if boundary else {})))
        names.add(stack.output("Role"))
        found = client("iam").get_role(RoleName=stack.output("Role"))["Role"].get("PermissionsBoundary", {})
        assert found.get("PermissionsBoundaryArn") == (arn if boundary else None)
    assert len(names) == 1


def test_a_state_machine_is_named_after_its_logical_id_or_as_the_template_says(client, stack, role, name):
    arn = role("states.amazonaws.com")

    def machine(comment="", **properties):
        definition = {"Comment": comment, "StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        properties |= {"RoleArn": arn, "DefinitionString": json.dumps(definition)}
        return {"Machine": resource("AWS::StepFunctions::StateMachine", properties)}

    def physical_name(stack):
        return stack.output("Machine").rsplit(":", 1)[-1]

    found = physical_name(stack.create(**machine()))
    assert re.fullmatch(r"Machine-\w{12}", found)
    assert physical_name(stack.update(**machine("changed"))) == found
    other = Stack(client, f"{name}-other").create(**machine())
    assert physical_name(other) not in (found, "")
    other.delete()
    stack.update(**machine(StateMachineName=name))
    assert (stack.status, physical_name(stack)) == ("UPDATE_COMPLETE", name)
    assert found not in [each["name"] for each in listed(client("stepfunctions"), "list_state_machines")]


def test_the_cdk_cli_is_answered_once_the_operation_has_ended(client, name):
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    cli = client("cloudformation", config=Config(user_agent_extra="aws-cdk/2"))

    def status():
        return cli.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]

    stack = cli.create_stack(StackName=name, TemplateBody=template)["StackId"]
    assert status() == "CREATE_COMPLETE"
    cli.delete_stack(StackName=name)
    assert status() == "DELETE_COMPLETE"


@pytest.mark.parametrize(("given", "found"), [("", "none"), ("a,b", "some")])
def test_a_condition_compares_a_joined_list(client, name, given, found):
    joined = {"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Names"}]}]}
    mapped = {"Fn::Equals": [{"Fn::FindInMap": ["Words", "empty", "is"]}, {"Fn::Sub": "no${AWS::Partition}"}]}
    value = {"Fn::If": ["Empty", "none", "some"]}
    template = {
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
        "Mappings": {"Words": {"empty": {"is": "noaws"}}},
        "Conditions": {"Joined": joined, "Empty": {"Fn::And": [mapped, {"Condition": "Joined"}]}},
        "Resources": {"Shown": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}},
        "Outputs": {"Value": {"Value": {"Fn::GetAtt": ["Shown", "Value"]}}},
    }
    cloudformation = client("cloudformation")
    parameters = [{"ParameterKey": "Names", "ParameterValue": given}]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=parameters)
    (stack,) = eventually(lambda: _ended(cloudformation, name))
    assert stack["Outputs"][0]["OutputValue"] == found


def _ended(cloudformation, name):
    stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stacks if stacks[0]["StackStatus"] == "CREATE_COMPLETE" else None


CODE = """
import cfnresponse

def handler(event, context):
    status = cfnresponse.FAILED if event["ResourceProperties"].get("Fails") else cfnresponse.SUCCESS
    cfnresponse.send(event, context, status, {"Found": "it"}, "own-id", reason="as asked")
"""


# The module: CloudFormation Template Reference, "cfn-response module"; code in ZipFile may import it.
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
