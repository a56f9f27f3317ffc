"""The stack of the pipelines' access: which jobs the account trusts, and what they may do."""

import fnmatch
import json
from functools import cache

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from model.names import PREVIEW_LIMITS
from seed.templates import load_items
from stacks.messages_stack import MessagesStack
from stacks.pipeline import preview_limits
from stacks.pipeline_access import Access, PipelineAccess, from_context
from stacks.setting_fields import SettingsError
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.support.templates import listed

ISSUER = "token.actions.githubusercontent.com"
ROLE, LIMITS = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
KNOWN = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333"}
PREVIEW_CONTEXT = json.loads((PROJECT / "stacks/pipeline/preview-context.json").read_text())


@cache
def template(*, regions=(), **changes) -> dict:
    """``regions`` are pairs of an environment and its regions."""
    access = Access(**{"repository": "octo/Repo.1", "regions": dict(regions)} | changes)
    return Template.from_stack(PipelineAccess(App(), access=access)).to_json()["Resources"]


def plain(value):
    """A value of the template with account, region and partition filled in."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(plain(value["Fn::Join"][1]))
    if "Ref" in value:
        return KNOWN.get(value["Ref"], f"<{value['Ref']}>")
    return {key: plain(entry) for key, entry in value.items()}


def role(beginning: str, **changes) -> tuple[str, dict]:
    """Logical id and properties of the one role whose logical id begins so."""
    (found,) = [
        (name, plain(resource["Properties"]))
        for name, resource in template(**changes).items()
        if resource["Type"] == ROLE and name.startswith(beginning)
    ]
    return found


def statements(beginning: str, **changes) -> list[dict]:
    """The statements of the policies that are the role's own."""
    name, _ = role(beginning, **changes)
    return [
        statement
        for resource in template(**changes).values()
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": name} in resource["Properties"]["Roles"]
        for statement in plain(resource["Properties"]["PolicyDocument"]["Statement"])
    ]


def limits() -> dict:
    (found,) = [r for r in template().values() if r["Type"] == LIMITS]
    return plain(found["Properties"])


def conditions(beginning: str, **changes) -> dict:
    _, properties = role(beginning, **changes)
    (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    return statement["Condition"]


def test_a_repositorys_subject_may_have_ids():
    found = conditions("DeployProd", repository="octo@12/repo@345")
    assert found["StringEquals"][f"{ISSUER}:sub"] == "repo:octo@12/repo@345:environment:prod"


def test_gitlabs_subjects_are_trusted_instead():
    project = {"host": "gitlab", "repository": "group/sub.group/project"}
    subject = "project_path:group/sub.group/project:ref_type:branch:ref:"
    assert conditions("DeployProd", **project) == {
        "StringEquals": {"gitlab.com:aud": "sts.amazonaws.com", "gitlab.com:sub": f"{subject}main"}
    }
    for of, pattern in (("Preview", f"{subject}*"), ("Read", f"{subject.split(':ref_')[0]}:*")):
        assert conditions(of, **project) == {
            "StringEquals": {"gitlab.com:aud": "sts.amazonaws.com"},
            "StringLike": {"gitlab.com:sub": pattern},
        }


def test_the_accounts_own_provider_is_used_and_previews_are_left_out_where_a_setting_says_so():
    kinds = [r["Type"] for r in template(existing_provider=True, previews=False).values()]
    assert not {"AWS::IAM::OIDCProvider", LIMITS} & set(kinds)
    _, properties = role("Read", existing_provider=True)
    (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"}
    provider = next(r for r in template().values() if r["Type"] == "AWS::IAM::OIDCProvider")
    assert provider["Properties"] == {"ClientIdList": ["sts.amazonaws.com"], "Url": f"https://{ISSUER}"}


def test_reading_is_descriptions_and_no_data():
    (statement,) = statements("Read")
    data = (
        "dynamodb:GetItem dynamodb:Query dynamodb:Scan dynamodb:BatchGetItem dynamodb:PartiQLSelect "
        "dynamodb:GetRecords dynamodb:ExportTableToPointInTime s3:GetObject logs:GetLogEvents logs:FilterLogEvents "
        "logs:StartQuery sqs:ReceiveMessage kms:Decrypt lambda:InvokeFunction ssm:GetParameter "
        "secretsmanager:GetSecretValue sts:AssumeRole iam:PassRole"
    ).split()
    assert [action for action in data if covers([statement], action)] == []
    verbs = {action.split(":")[1].rstrip("*") for action in statement["Action"]}
    looking = ("BatchDescribe", "Describe", "Detect", "Get", "List")
    assert all(verb.startswith(looking) for verb in verbs)


def test_a_deployment_reaches_the_regions_of_its_own_stage_alone():
    changes = {"environments": ("prod", "staging"), "regions": (("prod", ("us-east-1", "eu-central-1")),)}
    _, using = statements("DeployProd", **changes)
    assert using["Resource"] == [
        f"arn:aws:iam::111122223333:role/cdk-hnb659fds-{use}-role-111122223333-{region}"
        for region in ("us-east-1", "eu-central-1")
        for use in ("deploy", "file-publishing", "lookup")
    ]
    for other in (statements("DeployStaging", **changes)[1], statements("Preview", **changes)[0]):
        assert {arn[-9:] for arn in other["Resource"]} == {"eu-west-1"}, "that of the stack"


def test_a_pull_request_goes_through_roles_of_its_own_and_is_bounded():
    (using,) = statements("Preview")
    assert using["Resource"] == [
        f"arn:aws:iam::111122223333:role/cdk-messagespr-{use}-role-111122223333-eu-west-1"
        for use in ("deploy", "file-publishing", "lookup")
    ]
    name = next(name for name, r in template().items() if r["Type"] == LIMITS)
    _, properties = role("Preview")
    assert properties["PermissionsBoundary"] == f"<{name}>"
    assert properties["ManagedPolicyArns"] == [f"<{name}>"]


def test_the_limits_fit_into_a_managed_policy():
    text = json.dumps(limits()["PolicyDocument"], separators=(",", ":"))
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(text) < 6144


def test_what_changes_anything_is_limited_to_stages_of_pull_requests():
    reading = ("Describe", "Get", "List")
    for statement in limits()["PolicyDocument"]["Statement"]:
        changing = [action for action in listed(statement["Action"]) if not action.split(":")[1].startswith(reading)]
        if not changing:
            continue
        scoped = json.dumps(statement.get("Condition", {})) + json.dumps(statement["Resource"])
        own = "Messages-pr-*" in scoped or "messagespr" in scoped
        assert own or set(changing) <= UNSCOPED, statement


# What has neither name nor tag yet, or is AWS's own.
UNSCOPED = set(
    "iam:CreateServiceLinkedRole backup-storage:MountCapsule kms:CreateGrant kms:Decrypt kms:GenerateDataKey "
    "kms:RetireGrant lambda:TagResource lambda:UntagResource".split()
)


def covers(document: list[dict], action: str) -> bool:
    """Whether any statement allows the action, whatever on; a pattern counts as what it says."""
    return any(
        fnmatch.fnmatchcase(action, pattern) for statement in document for pattern in listed(statement["Action"])
    )


@cache
def stage(**settings) -> dict:
    app = App(context=PREVIEW_CONTEXT)
    items = load_items(PROJECT / "seed/messages.yaml")
    stack = MessagesStack(app, settings=Settings(**settings), items=items)
    return Template.from_stack(stack).to_json()["Resources"]


def needed(resources: dict, *handlers: str) -> set[str]:
    """What CloudFormation does to make such resources, as their schemas in its registry say."""
    # Here: it takes long to load, and lets Python recurse deeper for all that runs after it.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    kinds = {resource["Type"] for resource in resources.values()}
    found = set()
    for kind in sorted(kind for kind in kinds if kind.startswith("AWS::")):
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        for handler in handlers:
            found |= set(schema.get("handlers", {}).get(handler, {}).get("permissions", []))
    return found


# Named in schemas for features that the stack does not use.
UNUSED = (
    "application-autoscaling:[DPR]e* application-autoscaling:Put* cloudwatch:PutMetricData ec2:* elasticfilesystem:* "
    "firehose:* iam:*Group* iam:*User* kinesis:* kms:Encrypt kms:RevokeGrant lambda:GetCodeSigningConfig "
    "lambda:GetLayerVersion s3:REST.PUT.OBJECT s3files:* "
    # In the schema of vaults, and no action that IAM knows; and what would let a role out of the limits.
    "backup-storage:Mount iam:DeleteRolePermissionsBoundary"
).split()


def test_the_limits_have_room_for_everything_cloudformation_does_for_a_stage():
    document = limits()["PolicyDocument"]["Statement"]
    doing = needed(stage(stage="pr-12"), "create", "read", "update", "delete")
    missing = [
        action
        for action in sorted(doing)
        if not covers(document, action) and not any(fnmatch.fnmatchcase(action, pattern) for pattern in UNUSED)
    ]
    assert missing == []


def machine_names(stage_name: str) -> list[object]:
    resources = stage(stage=stage_name, backups_on_destroy="delete", seed_dataset="s3://some-bucket/k")
    machines = [r for r in resources.values() if r["Type"] == "AWS::StepFunctions::StateMachine"]
    return [machine["Properties"].get("StateMachineName") for machine in machines]


def test_state_machines_of_a_pull_request_have_names_within_its_limits():
    assert machine_names("dev") == machine_names("prod") == [None, None, None], "they keep the names they have"
    beginnings = {name["Fn::Join"][1][0] for name in machine_names("pr-12")}
    assert beginnings == {f"Messages-pr-12-{purpose}-" for purpose in ("Loading", "Dataset-Waiter", "Emptying-Waiter")}
    longest = [name["Fn::Join"][1][0] + "8 digits" for name in machine_names("pr-" + "x" * 28)]
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
    assert max(map(len, longest)) <= 80


def test_the_reader_can_see_the_drift_of_everything_a_stage_has():
    full = stage(
        stage="prod",
        restore_testing=True,
        customer_key=True,
        region="eu-west-1",
        backups_on_destroy="delete",
        alarms=True,
        alarm_email="a@b.example",
        seed_dataset="s3://some-bucket/messages.jsonl",
    )
    unread = ("cloudwatch:PutMetricData", "iam:PassRole", "kms:Decrypt")  # no part of a description
    document = statements("Read")
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    detecting = (
        "BatchDescribeTypeConfigurations DescribeStackDriftDetectionStatus DetectStackDrift DetectStackResourceDrift"
    )
    reads = {f"cloudformation:{action}" for action in detecting.split()} | needed(full, "read")
    missing = [a for a in reads if not covers(document, a) and a not in unread]
    assert sorted(missing) == []


def test_the_context_of_previews_and_the_make_targets_name_what_the_stack_has():
    assert PREVIEW_CONTEXT == {
        "@aws-cdk/core:bootstrapQualifier": preview_limits.QUALIFIER,
        "@aws-cdk/core:permissionsBoundary": {"name": PREVIEW_LIMITS},
    }
    makefile = (PROJECT / "Makefile").read_text()
    assert f"--qualifier {preview_limits.QUALIFIER} " in makefile
    assert f"--custom-permissions-boundary {PREVIEW_LIMITS} " in makefile


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({}, "repository is ''; must be OWNER/NAME"),
        ({"repository": "octo"}, "repository is 'octo'; must be OWNER/NAME"),
        ({"repository": "*/repo"}, r"repository is '\*/repo'"),
        ({"repository": "octo/re*"}, r"repository is 'octo/re\*'"),
        ({"repository": "octo/repo:x"}, "repository is 'octo/repo:x'"),
        ({"repository": "a/b/c"}, "repository is 'a/b/c'"),
        ({"repository": "a/*", "host": "gitlab"}, r"repository is 'a/\*'"),
        ({"repository": "a/b", "host": "gitea"}, "host is 'gitea'; must be github or gitlab"),
        ({"repository": "a/b", "environments": "Prod"}, "environments is 'Prod'; must be names"),
        ({"repository": "a/b", "environments": "prod,pr"}, "and not pr"),
        ({"repository": "a/b", "environments": "prod,prod"}, "must name each environment once"),
        ({"repository": "a/b", "previews": "maybe"}, "previews is 'maybe'; must be true or false"),
        ({"repository": "a/b", "repositry": "a/b"}, "unknown setting 'repositry' after -c"),
        (
            {"repository": "a/b", "stages": {"prod": {"region": "Dublin"}}},
            r"setting 'region' is 'Dublin'.*context\.stages\.prod",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule(context, said):
    with pytest.raises(SettingsError, match=said):
        from_context({"stages": {}, "@aws-cdk/core:x": True} | context)


STAGES = {
    "dev": {"region": "eu-west-3"},
    "prod": {"region": "eu-west-1", "copy_region": "eu-central-1"},
    "wide": {"region": "eu-west-1", "replica_regions": ["us-east-1"]},
    "plain": {},
}


@pytest.mark.parametrize(
    ("environment", "regions"),
    [
        ("prod", ("eu-west-1", "eu-central-1")),
        # CloudFormation makes replicas from the stage's region.
        ("wide", ("eu-west-1",)),
        ("plain", ()),
        ("unlisted", ("eu-west-3",)),
    ],
)
def test_an_environment_has_the_regions_of_the_stage_of_its_name_and_settings_arrive_as_text(environment, regions):
    text = {"environments": f"{environment}, eu", "previews": "false", "existing_provider": "TRUE"}
    assert from_context({"repository": "a/b", "stages": STAGES} | text) == Access(
        repository="a/b",
        environments=(environment, "eu"),
        previews=False,
        existing_provider=True,
        regions={environment: regions, "eu": ("eu-west-3",)},
    )
