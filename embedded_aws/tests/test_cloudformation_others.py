"""CloudFormation's OIDC providers, boundaries of roles, and names of state machines.

Sources: the registry schemas of AWS::IAM::OIDCProvider and AWS::IAM::Role; embedded_aws/cloudformation/stack_rules.
"""

import json
import re

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import code_of, create_backup_role, trust

BOUNDARIES = [f"arn:aws:iam::aws:policy/{name}" for name in ("ReadOnlyAccess", "SecurityAudit")]


def provider(host, *audiences):
    return resource("AWS::IAM::OIDCProvider", {"Url": f"https://{host}", "ClientIdList": list(audiences)})


def test_a_provider_is_made_changed_replaced_and_deleted(client, name):
    iam, host = client("iam"), f"{name}.example"
    arn = f"arn:aws:iam::000000000000:oidc-provider/{host}"
    found = {
        "Found": resource("AWS::SSM::Parameter", {"Name": name, "Type": "String", "Value": attribute("GitHub", "Arn")})
    }
    stack = Stack(client, name).create(GitHub=provider(host, "one"), **found)
    assert stack.output("GitHub") == arn
    assert client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == arn
    second = Stack(client, f"{name}-2").create(GitHub=provider(host, "two"))
    assert second.status == "ROLLBACK_COMPLETE"
    assert any("already exists" in reason for _, reason in second.events("GitHub"))
    stack.update(GitHub=provider(host, "one", "two"), **found)
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert shown["ClientIDList"] == ["one", "two"]
    stack.update(GitHub=provider(f"new-{host}", "one"), **found)
    assert stack.output("GitHub").endswith(f"/new-{host}")
    listed = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [p["Arn"] for p in listed if host in p["Arn"]] == [stack.output("GitHub")]
    arn = stack.output("GitHub")
    stack.delete()
    assert code_of(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn) == "NoSuchEntity"


def test_a_role_gets_changes_and_loses_its_boundary(client, name):
    def role(boundary):
        properties = {"AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))}
        return resource("AWS::IAM::Role", properties | ({"PermissionsBoundary": boundary} if boundary else {}))

    stack = Stack(client, name).create(Role=role(BOUNDARIES[0]))
    before = stack.output("Role")
    for boundary in (BOUNDARIES[0], BOUNDARIES[1], None):
        if boundary != BOUNDARIES[0]:
            stack.update(Role=role(boundary))
        found = client("iam").get_role(RoleName=stack.output("Role"))["Role"]
        assert found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") == boundary
    assert stack.output("Role") == before
    stack.delete()


def test_an_unnamed_state_machine_is_named_after_its_logical_id_alone_and_replaced_by_a_named_one(client, name):
    role = create_backup_role(client, name, "states.amazonaws.com")

    def machine(comment="", **properties):
        definition = {"Comment": comment, "StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        properties |= {"RoleArn": role, "DefinitionString": json.dumps(definition)}
        return {"Machine": resource("AWS::StepFunctions::StateMachine", properties)}

    def physical_name(stack):
        return stack.output("Machine").rsplit(":", 1)[-1]

    stack = Stack(client, name).create(**machine())
    found = physical_name(stack)
    assert re.fullmatch(r"Machine-\w{12}", found)
    stack.update(**machine("changed"))
    assert physical_name(stack) == found
    other = Stack(client, f"{name}-other").create(**machine())
    assert physical_name(other) not in (found, "")
    other.delete()
    stack.update(**machine(StateMachineName=name))
    assert (stack.status, physical_name(stack)) == ("UPDATE_COMPLETE", name)
    listed = client("stepfunctions").list_state_machines()["stateMachines"]
    assert found not in [each["name"] for each in listed]
    stack.delete()
