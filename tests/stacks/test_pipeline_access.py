"""The stack of the pipelines' access: which jobs the account trusts, and what they may do.

That roles are refused what they must not do is in tests/local/test_pipeline_access.py.
"""

import fnmatch
import json
from functools import cache

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from model.names import PREVIEW_LIMITS
from stacks.messages_stack import MessagesStack
from stacks.pipeline import preview_limits
from stacks.pipeline_access import Access, PipelineAccess, from_context
from stacks.setting_fields import SettingsError
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.support import service_authorization
from tests.support.templates import ITEMS, listed

ISSUER = "token.actions.githubusercontent.com"
ROLE, LIMITS = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
KNOWN = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333"}
PREVIEW_CONTEXT = json.loads((PROJECT / "stacks/pipeline/preview-context.json").read_text())


def test_every_statement_for_gitlab_gives_what_it_says():
    """For GitHub this is part of make check."""
    access = Access(repository="group/project", host="gitlab")
    template = Template.from_stack(PipelineAccess(App(), access=access)).to_json()
    assert service_authorization.findings({"access": template}, exceptions=()) == []


@cache
def resources(*, regions=(), **changes) -> dict:
    """Resources by logical id, with account and partition filled in; ``regions`` are pairs for each environment."""
    access = Access(**{"repository": "octo/Repo.1", "regions": dict(regions)} | changes)
    return plain(Template.from_stack(PipelineAccess(App(), access=access)).to_json()["Resources"])


def plain(value):
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(plain(value["Fn::Join"][1]))
    if "Ref" in value:
        return KNOWN.get(value["Ref"], f"<{value['Ref']}>")
    return {key: plain(entry) for key, entry in value.items()}


def role(beginning: str, **changes) -> tuple[dict, dict, list[dict]]:
    """Properties, trust, and the statements of the policy of the one role whose logical id begins so."""
    found = resources(**changes)
    ((name, one),) = [(n, r) for n, r in found.items() if r["Type"] == ROLE and n.startswith(beginning)]
    own = [r["Properties"] for r in found.values() if r["Type"] == "AWS::IAM::Policy"]
    (policy,) = [each["PolicyDocument"]["Statement"] for each in own if f"<{name}>" in each["Roles"]]
    (trust,) = one["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return one["Properties"], trust, policy


def limits() -> tuple[str, list[dict]]:
    """Logical id and statements of the policy of pull requests."""
    ((name, found),) = [(name, r) for name, r in resources().items() if r["Type"] == LIMITS]
    return name, found["Properties"]["PolicyDocument"]["Statement"]


def bootstrap_roles(qualifier: str, *regions: str) -> list[str]:
    return [
        f"arn:aws:iam::111122223333:role/cdk-{qualifier}-{use}-role-111122223333-{region}"
        for region in regions
        for use in ("deploy", "file-publishing", "lookup")
    ]


def test_gitlabs_subjects_are_trusted_instead_and_githubs_may_have_ids():
    project = {"host": "gitlab", "repository": "group/sub.group/project"}
    audience, subject = {"gitlab.com:aud": "sts.amazonaws.com"}, "project_path:group/sub.group/project:"
    branch = f"{subject}ref_type:branch:ref:"
    assert role("DeployProd", **project)[1]["Condition"] == {
        "StringEquals": audience | {"gitlab.com:sub": f"{branch}main"}
    }
    for name, pattern in (("Preview", f"{branch}*"), ("Read", f"{subject}*")):
        found = role(name, **project)[1]["Condition"]
        assert found == {"StringEquals": audience, "StringLike": {"gitlab.com:sub": pattern}}
    with_ids = role("DeployProd", repository="octo@12/repo@345")[1]["Condition"]["StringEquals"]
    assert with_ids[f"{ISSUER}:sub"] == "repo:octo@12/repo@345:environment:prod"


def test_the_accounts_own_provider_is_used_and_previews_are_left_out_where_a_setting_says_so():
    kinds = {r["Type"] for r in resources(existing_provider=True, previews=False).values()}
    assert not {"AWS::IAM::OIDCProvider", LIMITS} & kinds
    trust = role("Read", existing_provider=True)[1]
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"}
    provider = next(r for r in resources().values() if r["Type"] == "AWS::IAM::OIDCProvider")
    assert provider["Properties"] == {"ClientIdList": ["sts.amazonaws.com"], "Url": f"https://{ISSUER}"}


def test_reading_is_descriptions_and_no_data():
    (statement,) = role("Read")[2]
    data = ("dynamodb:GetItem dynamodb:GetRecords logs:GetLogEvents s3:GetObject ssm:GetParameter kms:Decrypt").split()
    assert [action for action in data if covers([statement], action)] == []
    verbs = {action.split(":")[1].rstrip("*") for action in statement["Action"]}
    assert all(verb.startswith(("BatchDescribe", "Describe", "Detect", "Get", "List")) for verb in verbs)


def test_a_deployment_uses_the_bootstrap_roles_of_its_stages_regions_and_a_pull_request_its_own():
    changes = {"environments": ("prod", "staging"), "regions": (("prod", ("us-east-1", "eu-central-1")),)}
    assert role("DeployProd", **changes)[2][1]["Resource"] == bootstrap_roles("hnb659fds", "us-east-1", "eu-central-1")
    assert role("DeployStaging", **changes)[2][1]["Resource"] == bootstrap_roles("hnb659fds", "eu-west-1")
    properties, _, (using,) = role("Preview")
    assert using["Resource"] == bootstrap_roles("messagespr", "eu-west-1")
    name, _ = limits()
    assert (properties["PermissionsBoundary"], properties["ManagedPolicyArns"]) == (f"<{name}>", [f"<{name}>"])


def test_a_plan_is_made_on_main_and_cannot_be_executed():
    regions = (("prod", ("us-east-1", "eu-central-1")),)
    _, trust, statements = role("Plan", regions=regions)
    assert trust["Condition"]["StringEquals"][f"{ISSUER}:sub"] == "repo:octo/Repo.1:ref:refs/heads/main"
    allowed = {action: statement["Resource"] for statement in statements for action in listed(statement["Action"])}
    assert allowed["cloudformation:CreateChangeSet"] == [
        f"arn:aws:cloudformation:{region}:111122223333:stack/Messages-*/*" for region in ("eu-central-1", "us-east-1")
    ]
    assert not {"cloudformation:ExecuteChangeSet", "cloudformation:UpdateStack"} & set(allowed)
    assert not [one for one in allowed["sts:AssumeRole"] if "-deploy-" in one or "-cfn-exec-" in one]


# What has neither name nor tag yet, or is AWS's own.
UNSCOPED = set(
    "iam:CreateServiceLinkedRole backup-storage:MountCapsule kms:CreateGrant kms:Decrypt kms:GenerateDataKey "
    "kms:RetireGrant lambda:TagResource lambda:UntagResource".split()
)


def test_the_limits_fit_into_a_managed_policy_and_change_stages_of_pull_requests_only():
    _, document = limits()
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(json.dumps(document, separators=(",", ":"))) < 6144 - len('{"Statement":,"Version":"2012-10-17"}')
    reading = ("Describe", "Get", "List")
    for statement in document:
        changing = {action for action in listed(statement["Action"]) if not action.split(":")[1].startswith(reading)}
        scoped = json.dumps(statement.get("Condition", {})) + json.dumps(statement["Resource"])
        assert "Messages-pr-*" in scoped or "messagespr" in scoped or changing <= UNSCOPED, statement


def covers(document: list[dict], action: str) -> bool:
    """Whether any statement allows the action, whatever on; a pattern counts as what it says."""
    return any(
        fnmatch.fnmatchcase(action, pattern) for statement in document for pattern in listed(statement["Action"])
    )


@cache
def stage(**settings) -> dict:
    stack = MessagesStack(App(context=PREVIEW_CONTEXT), settings=Settings(**settings), items=ITEMS)
    return Template.from_stack(stack).to_json()["Resources"]


def needed(template: dict, *handlers: str) -> set[str]:
    """What CloudFormation does to make such resources, as their schemas in its registry say."""
    # Here: it takes long to load, and lets Python recurse deeper for all that runs after it.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    found = set()
    for kind in sorted({resource["Type"] for resource in template.values() if resource["Type"].startswith("AWS::")}):
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
# With every kind of resource.
FULL = {
    "backups_on_destroy": "delete",
    "seed_dataset": "s3://some-bucket/messages.jsonl",
    "customer_key": True,
    "region": "eu-west-1",
    "alarms": True,
    "alarm_email": "a@b.example",
}


def test_the_limits_have_room_for_everything_cloudformation_does_for_a_stage():
    doing = needed(stage(stage="pr-12"), "create", "read", "update", "delete")
    unused = {action for action in doing for pattern in UNUSED if fnmatch.fnmatchcase(action, pattern)}
    assert sorted(action for action in doing - unused if not covers(limits()[1], action)) == []


def test_the_reader_can_see_the_drift_of_everything_a_stage_has():
    unread = {"cloudwatch:PutMetricData", "iam:PassRole", "kms:Decrypt"}  # no part of a description
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    detecting = (
        "BatchDescribeTypeConfigurations DescribeStackDriftDetectionStatus DetectStackDrift DetectStackResourceDrift"
    )
    reads = needed(stage(stage="prod", restore_testing=True, **FULL), "read") - unread
    reads |= {f"cloudformation:{action}" for action in detecting.split()}
    assert sorted(action for action in reads if not covers(role("Read")[2], action)) == []


def test_state_machines_of_a_pull_request_have_names_within_its_limits():
    def names(stage_name):
        found = stage(stage=stage_name, **FULL).values()
        machines = [one["Properties"] for one in found if one["Type"] == "AWS::StepFunctions::StateMachine"]
        return [machine["StateMachineName"]["Fn::Join"][1][0] for machine in machines if "StateMachineName" in machine]

    assert names("prod") == [], "they keep the names they have"
    longest = "pr-" + "x" * 28
    assert {*names(longest)} == {
        f"Messages-{longest}-{purpose}-" for purpose in ("Loading", "Dataset-Waiter", "Emptying-Waiter")
    }
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
    assert max(map(len, names(longest))) + len("1a2b3c4d") <= 80


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
        ({"repository": ""}, "repository is ''; must be OWNER/NAME"),
        ({"repository": "octo/re*"}, r"repository is 'octo/re\*'"),
        ({"repository": "a/*", "host": "gitlab"}, r"repository is 'a/\*'"),
        ({"host": "gitea"}, "host is 'gitea'; must be github or gitlab"),
        ({"environments": "Prod"}, "environments is 'Prod'; must be names"),
        ({"environments": "prod,pr"}, "and not pr"),
        ({"environments": "prod,prod"}, "each once"),
        ({"previews": "maybe"}, "previews is 'maybe'; must be true or false"),
        ({"repositry": "a/b"}, "unknown setting 'repositry' after -c"),
        ({"stages": {"prod": {"region": "Dublin"}}}, r"setting 'region' is 'Dublin'.*context\.stages\.prod"),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule(context, said):
    with pytest.raises(SettingsError, match=said):
        from_context({"repository": "a/b", "stages": {}, "@aws-cdk/core:x": True} | context)


def test_an_environment_has_the_regions_of_the_stage_of_its_name_and_settings_arrive_as_text():
    stages = {
        "dev": {"region": "eu-west-3"},
        "prod": {"region": "eu-west-1", "copy_region": "eu-central-1"},
        # CloudFormation makes replicas from the stage's region.
        "wide": {"region": "eu-west-1", "replica_regions": ["us-east-1"]},
        "plain": {},
    }
    text = {"environments": "prod, wide, plain, unlisted", "previews": "false", "existing_provider": "TRUE"}
    assert from_context({"repository": "a/b", "stages": stages} | text) == Access(
        repository="a/b",
        environments=("prod", "wide", "plain", "unlisted"),
        previews=False,
        existing_provider=True,
        regions={
            "prod": ("eu-west-1", "eu-central-1"),
            "wide": ("eu-west-1",),
            "plain": (),
            "unlisted": ("eu-west-3",),
        },
    )
