"""CloudFormation's OIDC provider, and the permissions boundary of its roles.

Sources: the registry schemas of AWS::IAM::OIDCProvider and AWS::IAM::Role.
"""

import pytest

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import refused

BOUNDARIES = [f"arn:aws:iam::aws:policy/{name}" for name in ("ReadOnlyAccess", "SecurityAudit")]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def provider(host, *audiences):
    return resource("AWS::IAM::OIDCProvider", {"Url": f"https://{host}", "ClientIdList": list(audiences)})


@pytest.fixture
def host(name):
    return f"{name}.example"


def test_a_provider_is_made_changed_and_deleted(client, name, host):
    iam, arn = client("iam"), f"arn:aws:iam::000000000000:oidc-provider/{host}"
    found = {
        "Found": resource("AWS::SSM::Parameter", {"Name": name, "Type": "String", "Value": attribute("GitHub", "Arn")})
    }
    stack = Stack(client, name).create(GitHub=provider(host, "one"), **found)
    assert stack.output("GitHub") == arn
    assert client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == arn
    stack.update(GitHub=provider(host, "one", "two"), **found)
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert shown["ClientIDList"] == ["one", "two"]
    stack.delete()
    _, code, _ = refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    assert code == "NoSuchEntity"


def test_another_url_is_another_provider(client, name, host):
    stack = Stack(client, name).create(GitHub=provider(host, "one"))
    stack.update(GitHub=provider(f"new-{host}", "one"))
    assert stack.output("GitHub").endswith(f"/new-{host}")
    listed = client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [p["Arn"] for p in listed if host in p["Arn"]] == [stack.output("GitHub")]
    stack.delete()


def test_an_account_has_one_provider_for_a_url(client, name, host):
    first = Stack(client, name).create(GitHub=provider(host, "one"))
    second = Stack(client, f"{name}-2").create(GitHub=provider(host, "two"))
    assert second.status == "ROLLBACK_COMPLETE"
    assert any("already exists" in reason for _, reason in second.events("GitHub"))
    shown = client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=first.output("GitHub"))
    assert shown["ClientIDList"] == ["one"]
    second.delete()
    first.delete()


def test_a_role_gets_changes_and_loses_its_boundary(client, name):
    def role(*boundary):
        properties = {"AssumeRolePolicyDocument": TRUST}
        return resource("AWS::IAM::Role", properties | dict(zip(["PermissionsBoundary"], boundary, strict=False)))

    def shown():
        found = client("iam").get_role(RoleName=stack.output("Role"))["Role"]
        return found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")

    stack = Stack(client, name).create(Role=role(BOUNDARIES[0]))
    before = stack.output("Role")
    assert shown() == BOUNDARIES[0]
    stack.update(Role=role(BOUNDARIES[1]))
    assert shown() == BOUNDARIES[1]
    stack.update(Role=role())
    assert shown() is None
    assert stack.output("Role") == before
    stack.delete()
