"""CloudFormation's OIDC providers, boundaries of roles, and names of state machines.

Sources: the registry schemas of AWS::IAM::OIDCProvider and AWS::IAM::Role; embedded_aws/cloudformation/stack_rules.
"""

import json
import re

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import code_of, listed, trust


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
