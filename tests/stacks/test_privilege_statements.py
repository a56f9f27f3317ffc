"""What permissions stages have; that none is there twice, on everything, or without a proof."""

from collections import Counter

import pytest

from tests.privileges.assemblies import COPIES, STAGES, copies, everything, template
from tests.privileges.registry import NOT_PROVABLE, ON_EVERYTHING, proof, reason
from tests.privileges.statements import managed_policies, permissions, shown, without

TEMPLATE = {
    "Resources": {
        "Role0A1B2C3D": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ]
                },
                "Policies": [
                    {
                        "PolicyName": "one",
                        "PolicyDocument": {
                            "Statement": [{"Effect": "Allow", "Action": ["s3:A", "s3:B"], "Resource": ["x", "y"]}]
                        },
                    }
                ],
            },
        },
        "Policy0A1B2C3D": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "Roles": [{"Ref": "Role0A1B2C3D"}],
                "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:C", "Resource": "z"}]},
            },
        },
        "Function0A1B2C3D": {"Type": "AWS::Lambda::Function", "DependsOn": ["Policy0A1B2C3D"]},
        "Permission0A1B2C3D": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": ["Function0A1B2C3D", "Arn"]},
                "Principal": "events.amazonaws.com",
            },
        },
    }
}
ALL = [
    "Role: lambda.amazonaws.com sts:AssumeRole on the role",
    "Role: s3:A on x",
    "Role: s3:A on y",
    "Role: s3:B on x",
    "Role: s3:B on y",
    "Role: s3:C on z",
    "Function: events.amazonaws.com lambda:InvokeFunction on Function",
]


def test_each_action_on_each_resource_is_a_permission():
    assert [str(permission) for permission in permissions(TEMPLATE)] == ALL


@pytest.mark.parametrize("number", range(1, len(ALL)))
def test_without_one_permission_the_others_stay(number):
    removed = permissions(TEMPLATE)[number]
    left = [str(permission) for permission in permissions(without(TEMPLATE, removed))]
    assert sorted(left) == sorted(ALL[:number] + ALL[number + 1 :])


def test_a_trust_goes_to_another_service():
    changed = without(TEMPLATE, permissions(TEMPLATE)[0])
    assert str(permissions(changed)[0]) == "Role: ec2.amazonaws.com sts:AssumeRole on the role"


def test_nothing_depends_on_a_policy_that_is_removed():
    changed = without(TEMPLATE, permissions(TEMPLATE)[5])
    assert "Policy0A1B2C3D" not in changed["Resources"]
    assert changed["Resources"]["Function0A1B2C3D"]["DependsOn"] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("*", "*"),
        ({"Ref": "Topic0A1B2C3D"}, "Topic"),
        ({"Fn::GetAtt": ["Table0A1B2C3D", "StreamArn"]}, "Table/stream"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Table0A1B2C3D", "Arn"]}, "/backup/*"]]}, "Table/backup/*"),
        (
            {
                "Fn::Join": [
                    "",
                    [
                        "arn:",
                        {"Ref": "AWS::Partition"},
                        ":dynamodb:us-east-1:",
                        {"Ref": "AWS::AccountId"},
                        ":table/Messages-pr-1.*",
                    ],
                ]
            },
            "table/Messages.*",
        ),
        (
            {"Fn::Join": ["", ["arn:aws:kms:eu-central-1:", {"Ref": "AWS::AccountId"}, ":key/*"]]},
            "key/* in eu-central-1",
        ),
        ({"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":root"]]}, "the account"),
    ],
)
def test_a_value_in_a_few_words(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_allowed_twice(stage):
    counts = Counter((p.holder, p.action, p.resource, p.principal) for p in permissions(template(stage)))
    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("stage", STAGES)
def test_every_permission_has_a_proof_or_a_reason(stage):
    for permission in permissions(template(stage)):
        assert proof(permission) or reason(permission)


@pytest.mark.parametrize("stage", STAGES)
def test_no_role_has_permissions_that_the_template_does_not_show(stage):
    assert managed_policies(template(stage)) == []


def test_every_permission_of_every_stage_is_tried():
    tried = {permission.key for permission in permissions(everything())}
    (dataset,) = [p for p in permissions(template("with a dataset")) if p.key not in tried]
    # Another object, of the same role, in the same way.
    assert str(dataset) == "DatasetLoadingRole: s3:GetObject on assets/DATASET.jsonl"
    for stage in STAGES.keys() - {"with a dataset"}:
        assert {permission.key for permission in permissions(template(stage))} <= tried, stage


def test_the_stack_of_copies_gives_nothing_else():
    tried = {permission.key for permission in permissions(everything())}
    for permission in permissions(copies()):
        # The same construct as the stage's role, which is within another there.
        holder = permission.holder.replace("RestoreRole", "BackupRestoreRole")
        resource = permission.resource.removesuffix(f" in {COPIES['copy_region']}")
        same = (holder, permission.effect, permission.action, resource, permission.principal)
        assert same in tried


def test_only_what_knows_no_resources_is_allowed_on_everything():
    found = {
        (permission.holder, permission.action)
        for stage in (everything(), *map(template, STAGES))
        for permission in permissions(stage)
        if permission.resource == "*"
    }
    assert found == ON_EVERYTHING.keys()


def test_only_what_is_there_has_a_reason_for_not_being_proven():
    named = {(holder, action, resource) for holder, actions, resource, _ in NOT_PROVABLE for action in actions}
    there = {(p.holder, p.action, p.resource) for p in permissions(everything())}
    assert named - there == set()
