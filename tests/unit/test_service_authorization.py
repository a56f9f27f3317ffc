"""Void grants are found: unknown actions and condition keys, and resources that an action does not take."""

import pytest

from tests.support.service_authorization import findings, may_match

TABLE, STREAM = {"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::GetAtt": ["Table", "StreamArn"]}
TABLE_ARN = "arn:aws:dynamodb:us-east-1:111122223333:table/Table"
STREAM_ARN = f"{TABLE_ARN}/stream/Table"


def found(action, resource="*", condition=None, exceptions=()):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition or {}}
    resources = {
        "Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {}},
        "Policy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [statement]}}},
    }
    return findings({"Stack": {"Resources": resources}}, exceptions)


@pytest.mark.parametrize(
    ("action", "resource", "problem"),
    [
        ("dynamodb:ListStreams", STREAM, f"dynamodb:ListStreams takes none of {STREAM_ARN}"),
        ("dynamodb:ListStreams", {"Fn::ImportValue": "Stream"}, "dynamodb:ListStreams takes none of *"),
        ("dynamodb:GetRecords", TABLE, f"dynamodb:GetRecords takes none of {TABLE_ARN}"),
        (["dynamodb:GetItem", "dynamodb:PutItem"], [TABLE, STREAM], f"none of the actions takes {STREAM_ARN}"),
        ("dynamodb:GetItems", TABLE, "dynamodb:GetItems does not exist"),
        ("dynamodb:Fetch*", "*", "dynamodb:Fetch* does not exist"),
        ("dynamo:GetItem", "*", "dynamo:GetItem does not exist"),
    ],
)
def test_a_void_action_or_resource_is_found(action, resource, problem):
    assert found(action, resource) == [f"Stack/Policy: {problem}"]


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("sqs:SendMessage", "kms:ViaService"),
        ("kms:Decrypt", "kms:GrantIsForAWSResource"),
        ("kms:Decrypt", "aws:SourceAcount"),
        ("sqs:SendMessage", "aws:RequestTag/stage"),
    ],
)
def test_a_condition_key_that_the_action_does_not_take_is_found(action, key):
    assert found(action, condition={"StringEquals": {key: "x"}}) == [f"Stack/Policy: {action} has no {key}"]


def test_other_forms_of_grants_are_not_overlooked():
    function = {"Type": "AWS::Lambda::Function", "Properties": {}}
    granted = {"Action": "lambda:InvokeFunctions", "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]}}
    permission = {"Type": "AWS::Lambda::Permission", "Properties": granted}
    excluding = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": excluding}}]}}
    assert findings({"Stack": {"Resources": {"Function": function, "May": permission, "Role": role}}}, ()) == [
        "Stack/May: lambda:InvokeFunctions does not exist",
        "Stack/Role: NotAction and NotResource are not checked; name actions and resources",
    ]
    permission["Properties"]["Action"] = "lambda:InvokeFunction"
    assert findings({"Stack": {"Resources": {"Function": function, "May": permission}}}, ()) == []


@pytest.mark.parametrize(
    ("action", "resource", "key"),
    [
        ("dynamodb:ListStreams", "*", "aws:SourceAccount"),
        (["dynamodb:GetItem", "dynamodb:GetRecords"], [TABLE, STREAM], "aws:PrincipalTag/team"),
        ("dynamodb:Query", {"Fn::Join": ["", [TABLE, "/index/*"]]}, "dynamodb:LeadingKeys"),
        ("s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::assets-${AWS::AccountId}/a/b.jsonl"}, "s3:TlsVersion"),
        ("backup:DeleteRecoveryPoint", "arn:aws:backup:*:*:recovery-point:*", "aws:ResourceTag/stack"),
        ("kms:Decrypt", {"Ref": "KeyArn"}, "kms:EncryptionContext:aws:sns:topicArn"),
        ("iam:CreateRole", "arn:aws:iam::*:role/path/name-*", "iam:PermissionsBoundary"),
        ("kms:Decrypt", "*", "lambda:SourceFunctionArn"),
        ("sts:AssumeRoleWithWebIdentity", "*", "token.actions.githubusercontent.com:sub"),
    ],
)
def test_a_grant_that_gives_something_is_not_found(action, resource, key):
    assert found(action, resource, {"StringLike": {key: "x"}}) == []


def test_an_exception_takes_a_finding_away_and_must_be_needed():
    used, unused = "*: dynamodb:GetItems does not exist", "*: sqs:Send does not exist"
    assert found("dynamodb:GetItems", exceptions=(used,)) == []
    assert found("sqs:SendMessage", exceptions=(unused,)) == [f"exception that nothing needs any more: {unused}"]


@pytest.mark.parametrize(
    ("pattern", "arn_format", "matches"),
    [
        ("arn:*", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", True),
        ("*Failures", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", True),
        ("arn:aws:sqs:*:*:a?c", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", True),
        ("arn:aws:sqs:*:*:a/c", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", False),
        ("arn:aws:s3:::bucket", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", False),
        ("arn:aws:s3:::bucket*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
    ],
)
def test_a_pattern_matches_an_arn_as_iam_does(pattern, arn_format, matches):
    assert may_match(pattern, arn_format) is matches
