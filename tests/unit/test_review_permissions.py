"""That a review names every permission of a template, whatever type of resource has it."""

import json

import pytest

from ops.review.permissions import access_changes, permissions
from ops.review.permissions import said as said_of
from ops.review.resource_changes import changes
from tests.support.cost_templates import of, resource

DELETE = {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "*"}
ANYBODY = {"Effect": "Allow", "Action": "s3:GetObject", "Principal": "*", "Resource": "*"}
WORDS = "may change (dynamodb: DeleteTable) on everything (*)"


def document(*statements) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def said(**resources) -> list[str]:
    return [f"{'! ' if one.public else ''}{one.who}: {one.text}" for one in permissions(resources)]


def role(*trust, **properties) -> dict:
    return resource("AWS::IAM::Role", AssumeRolePolicyDocument=document(*trust), **properties)


@pytest.mark.parametrize(
    ("kind", "attached", "who"),
    [
        ("AWS::IAM::Policy", {"Roles": [{"Ref": "Worker"}]}, "Worker"),
        ("AWS::IAM::Policy", {"Roles": ["deployer"]}, "role deployer"),
        ("AWS::IAM::Policy", {}, "anyone with the policy Given"),
        ("AWS::IAM::ManagedPolicy", {"Roles": [{"Ref": "Worker"}]}, "Worker"),
        ("AWS::IAM::RolePolicy", {"RoleName": {"Ref": "Worker"}}, "Worker"),
        ("AWS::SSO::PermissionSet", {}, "Given"),
    ],
)
def test_a_policy_is_its_holders(kind, attached, who):
    given = resource(kind, PolicyDocument=document(DELETE), **attached)
    assert said(Worker=role(), Given=given) == [f"{who}: {WORDS}"]
    assert access_changes(of(), of(Worker=role(), Given=given)) == [f"+ permission: {who}: {WORDS}"]


def test_what_a_principal_has_of_its_own():
    given = resource("AWS::IAM::ManagedPolicy", PolicyDocument=document(DELETE))
    worker = role(ManagedPolicyArns=[{"Ref": "Given"}], PermissionsBoundary={"Ref": "Limits"})
    policies = [{"PolicyName": "p", "PolicyDocument": document(DELETE)}]
    assert said(Worker=worker, Given=given, User=resource("AWS::IAM::User", Policies=policies)) == [
        f"User: {WORDS}",
        "Worker: has the managed policy Given",
        "Worker: is limited by permissions boundary Limits",
        f"Worker: {WORDS}",
    ]


PUBLIC = document(ANYBODY)
TEXT = {"Fn::Join": ["", [json.dumps(PUBLIC)]]}


@pytest.mark.parametrize(
    ("kind", "properties", "who"),
    [
        ("AWS::DynamoDB::Table", {"ResourcePolicy": {"PolicyDocument": PUBLIC}}, "P"),
        ("AWS::DynamoDB::GlobalTable", {"Replicas": [{"Region": "r", "ResourcePolicy": PUBLIC}]}, "P: in r"),
        ("AWS::SQS::QueuePolicy", {"Queues": [{"Ref": "Jobs"}], "PolicyDocument": PUBLIC}, "Jobs"),
        ("AWS::Events::EventBusPolicy", {"EventBusName": "bus", "StatementId": "s", "Statement": ANYBODY}, "bus"),
        ("AWS::Logs::ResourcePolicy", {"PolicyDocument": TEXT}, "P"),
        ("Vendor::Of::Anything", {"Deep": [{"Er": PUBLIC}]}, "P"),
    ],
)
def test_a_policy_of_a_resource_of_any_type_is_said(kind, properties, who):
    assert said(P=resource(kind, **properties)) == [f"! {who}: anyone may read (s3: GetObject) on it"]


SQS = {"Action": "sqs:*", "Resource": "q"}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}, "may do anything but iam:* on everything (*)"),
        ({"Effect": "Allow", "Action": "*", "NotResource": "a"}, "may do anything (*: *) on everything but a"),
        (SQS | {"Effect": "Deny", "NotPrincipal": {"AWS": "a"}}, "anyone but a may not do anything (sqs: *) on q"),
        (SQS | {"Effect": "Allow", "NotPrincipal": {"AWS": "a"}}, "anyone but a may do anything (sqs: *) on q"),
        (SQS | {"Effect": "Deny", "Principal": {"AWS": ["*"]}}, "no one may do anything (sqs: *) on q"),
        ({"Fn::If": ["C", DELETE, DELETE]}, "depending on a condition: "),
        (DELETE | {"Condition": {"Null": {"k": True}, "ArnLike": {"l": ["a", "b"]}}}, f"{WORDS}, if k Null true and"),
    ],
)
def test_exceptions_and_conditions_in_a_statement_are_said(statement, words):
    assert said_of(statement, who="X").text.startswith(words)


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        (ANYBODY, True),
        (ANYBODY | {"Effect": "Deny"}, False),
        (ANYBODY | {"Principal": {"AWS": ["*"]}}, True),
        (ANYBODY | {"Principal": {"AWS": "111122223333"}}, False),
        (ANYBODY | {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, False),
        (ANYBODY | {"Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}}, True),
        (ANYBODY | {"Condition": {"StringLike": {"aws:SourceAccount": ["1", "*"]}}}, True),
        (ANYBODY | {"Condition": {"Bool": {"aws:SecureTransport": True}}}, True),
    ],
)
def test_what_everybody_may_do_is_marked(statement, public):
    assert said_of(statement, who="X").public is public


def test_a_role_that_anyone_may_assume_and_a_function_that_anyone_may_call_are_marked():
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    assert said(R=role(trust)) == ["! R: anyone may assume it"]
    assert said(R=role(trust | {"Effect": "Deny"})) == ["R: no one may assume it"]
    federated = trust | {"Action": "sts:AssumeRoleWithWebIdentity"}
    assert said(R=role(federated)) == ["! R: anyone may change (sts: AssumeRoleWithWebIdentity) on it"]
    url = resource("AWS::Lambda::Url", AuthType="NONE", TargetFunctionArn={"Ref": "F"})
    call = {"Action": "lambda:InvokeFunctionUrl", "FunctionName": {"Ref": "F"}, "Principal": "*"}
    public = resource("AWS::Lambda::Permission", FunctionUrlAuthType="NONE", **call)
    narrow = resource("AWS::Lambda::Permission", SourceAccount="1", **call)
    assert said(Url=url, Public=public, Narrow=narrow) == [
        "! F: anyone may call it by its URL",
        "F: anyone may call it, only for account 1",
        "! F: has a URL without authentication",
    ]


def test_a_policy_that_changes_is_not_a_change_of_its_resource_too():
    objects = DELETE | {"Principal": "*", "Resource": {"Fn::Sub": "${Files.Arn}/*"}}

    def bucket(*statements):
        return of(P=resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Files"}, PolicyDocument=document(*statements)))

    assert changes(bucket(ANYBODY), bucket(ANYBODY, objects)) == []
    (line,) = access_changes(bucket(ANYBODY), bucket(ANYBODY, objects))
    assert line == "! permission: Files: anyone may change (dynamodb: DeleteTable) on Files/*"


SNS = ANYBODY | {"Action": ["sqs:A", "sqs:B"], "Principal": {"Service": "sns"}}
OTHER = {"Action": ["sqs:C", "sqs:B"]}
EVERYONE, NOBODY = SNS | {"Principal": "*"}, SNS | {"Principal": "*", "Effect": "Deny"}


@pytest.mark.parametrize(
    ("before", "changed", "lines"),
    [
        (SNS, OTHER, ["~ permission: q: sns may … on it: now also sqs: C, no longer sqs: A"]),
        (SNS, {"Action": ["sqs:B", "sqs:A"]}, []),
        (SNS, {"Action": "sqs:C"}, ["+ permission: q: sns may change (sqs: C)", "- permission: q: sns may change"]),
        (SNS, {"Principal": {"Service": "ses"}}, ["+ permission: q: ses may", "- permission: q: sns may"]),
        (SNS, {"Principal": "*"}, ["! permission: q: anyone may", "- permission: q: sns may"]),
        (EVERYONE, OTHER, ["! permission: q: anyone may … on it: now also"]),
        (NOBODY, OTHER, ["~ permission: q: no one may … on it: now also sqs: C"]),
    ],
)
def test_a_statement_with_other_actions_is_one_line_and_any_other_change_is_two(before, changed, lines):
    old, new = (
        of(P=resource("AWS::SQS::QueuePolicy", Queues=["q"], PolicyDocument=document(one)))
        for one in (before, before | changed)
    )
    found = access_changes(old, new)
    assert [line.startswith(words) for line, words in zip(found, lines, strict=True)] == [True] * len(lines)
