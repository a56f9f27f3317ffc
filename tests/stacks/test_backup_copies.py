"""Copies of backups in another region: the second stack, and what the first one knows of it."""

from functools import cache

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.settings import Settings
from stacks.stage_stacks import add_stacks
from tests.support.templates import ITEMS, PLAN, ROLE, VAULT, only, statements
from tests.support.templates import stack as stage_stack
from tests.unit.test_settings import problem

TWO_REGIONS = {"stage": "prod", "region": "eu-west-1", "copy_region": "eu-central-1"}
_TAG = "backup:TagResource"
NAME = "Messages-prod-Copies-eu-west-1"
PARTITION, ACCOUNT = {"Ref": "AWS::Partition"}, {"Ref": "AWS::AccountId"}


@cache
def stacks(**settings):
    """The templates of the stage and of its copies, which is None without any."""
    app = App()
    home = add_stacks(app, settings=Settings(**TWO_REGIONS | settings), items=ITEMS)
    copies = app.node.try_find_child(NAME)
    return Template.from_stack(home), copies and Template.from_stack(copies)


def arn(service, rest):
    parts = ["arn:", PARTITION, f":{service}:eu-central-1:", ACCOUNT, rest]
    return {"Fn::Join": ["", parts]}


def rules(**settings):
    plan = only(stacks(**settings)[0], PLAN)["Properties"]["BackupPlan"]
    return {rule["RuleName"]: rule for rule in plan["BackupPlanRule"]}


def backup_role(template):
    (kept,) = [role for role in template.find_resources(ROLE).values() if "DeletionPolicy" in role]
    (policy,) = kept["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def test_without_the_setting_there_is_one_stack_and_no_copy():
    home, copies = stacks(copy_region="")
    assert copies is None
    assert "CopyActions" not in str(home.to_json())
    assert "CopyFromBackupVault" not in str(home.to_json())


def test_the_stage_is_deployed_after_its_copies():
    app = App()
    home = add_stacks(app, settings=Settings(**TWO_REGIONS), items=[])
    assert [needed.stack_name for needed in home.dependencies] == [NAME]


def test_the_plan_copies_each_rules_backups_to_the_vault_of_the_other_stack():
    vault = only(stacks()[1], VAULT)["Properties"]["BackupVaultName"]
    assert vault == f"{NAME}-v"
    for name, days in {"daily": 7, "monthly": 30}.items():
        (copied,) = rules()[name]["CopyActions"]
        assert copied["DestinationBackupVaultArn"] == arn("backup", f":backup-vault:{vault}")
        assert copied["Lifecycle"] == {"DeleteAfterDays": days}


def test_copies_may_be_kept_longer_than_the_backups():
    kept = {rule["CopyActions"][0]["Lifecycle"]["DeleteAfterDays"] for rule in rules(copy_retention_days=90).values()}
    assert kept == {90}
    assert rules(copy_retention_days=90)["daily"]["Lifecycle"] == {"DeleteAfterDays": 7}


def test_the_backup_role_may_copy_into_that_vault_alone():
    granted = [
        (action, resource)
        for s in backup_role(stacks()[0])
        for action in _list(s["Action"])
        for resource in _list(s["Resource"])
    ]
    vault = arn("backup", f":backup-vault:{NAME}-v")
    assert [r for a, r in granted if a == "backup:CopyIntoBackupVault"] == [vault]
    assert arn("backup", ":recovery-point:*") in [r for a, r in granted if a == _TAG]


def test_the_backup_role_copies_from_its_own_region_whatever_aws_backup_says_of_targets():
    """As AWS's own policy: on backup:CopyTargets, a plan's copies might be refused."""
    (from_here,) = [s for s in backup_role(stacks()[0]) if "CopyFrom" in str(s["Action"])]
    assert "Condition" not in from_here
    own = ["arn:", PARTITION, ":backup:eu-west-1:", ACCOUNT, ":recovery-point:*"]
    assert from_here["Resource"] == {"Fn::Join": ["", own]}


def test_the_vault_outlives_its_stack_and_says_whose_it_is():
    vault = only(stacks()[1], VAULT)
    assert vault["DeletionPolicy"] == "RetainExceptOnCreate"
    # Not as the stage's own: cleaning that up must not reach the copies of a stage in use.
    assert vault["Properties"]["BackupVaultTags"] == {"messages:stack": NAME}


def test_its_role_restores_in_its_own_region():
    (role,) = stacks()[1].find_resources(ROLE).values()
    (restore,) = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert restore["Resource"] == arn("dynamodb", ":table/Messages-prod.*")


def test_the_copies_have_a_key_of_their_own_region():
    home, copies = stacks(customer_key=True)
    (key,) = copies.find_resources("AWS::KMS::Key")
    vault = only(copies, VAULT)["Properties"]
    assert vault["EncryptionKeyArn"] == {"Fn::GetAtt": [key, "Arn"]}
    assert vault["BackupVaultName"] == f"{NAME}-k"
    assert only(copies, "AWS::KMS::Key")["DeletionPolicy"] == "RetainExceptOnCreate"
    alias = only(copies, "AWS::KMS::Alias")["Properties"]["AliasName"]["Fn::Join"][1][0]
    there = [s for s in backup_role(home) if s["Resource"] == arn("kms", ":key/*")]
    assert {action for s in there for action in _list(s["Action"])} == {
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKey",
    }
    for statement in there:
        wanted = {"kms:ResourceAliases": f"{alias}*"}
        assert statement["Condition"]["ForAnyValue:StringLike"] == wanted


def test_a_locked_stage_locks_its_copies_by_their_own_retention():
    locked = stacks(vault_lock="governance", copy_retention_days=90, monthly_backup_retention_days=60)
    locks = [only(template, VAULT)["Properties"]["LockConfiguration"] for template in locked]
    assert locks == [{"MinRetentionDays": 7, "MaxRetentionDays": 60}, {"MinRetentionDays": 89, "MaxRetentionDays": 90}]


def test_one_statement_alone_names_everything():
    wild = {action for s in statements(stacks()[0]) if s["Resource"] == "*" for action in _list(s["Action"])}
    assert wild == {"dynamodb:ListStreams", "tag:GetResources"}


def test_the_same_stage_in_two_regions_copies_to_two_stacks():
    names = set()
    for region in ("eu-west-1", "us-east-1"):
        app = App()
        settings = Settings(**TWO_REGIONS | {"region": region})
        names |= {s.stack_name for s in add_stacks(app, settings=settings, items=[]).dependencies}
    assert names == {NAME, "Messages-prod-Copies-us-east-1"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"region": None}, "needs the setting 'region'"),
        ({"copy_region": "eu-west-1"}, "must be another region"),
        ({"copy_region": "Frankfurt"}, "an AWS region"),
        ({"backups_on_destroy": "delete"}, "cannot be delete"),
        ({"daily_backup_retention_days": 0, "monthly_backup_retention_days": 0}, "needs a daily"),
        ({"copy_retention_days": 0}, "between 1 and"),
        ({"copy_retention_days": 36501}, "between 1 and"),
        ({"copy_region": "", "copy_retention_days": 9}, "no effect without copy_region"),
        ({"stage": "s" * 31}, "too long by 9: give the stage a name of at most 22"),
        ({"vault_lock": "governance", "monthly_backup_retention_days": 35, "copy_retention_days": 1}, "between 2 and"),
    ],
)
def test_what_copies_exclude_is_an_error(changes, said):
    assert said in problem(**TWO_REGIONS | changes)


def test_the_longest_name_that_is_allowed_fits():
    settings = TWO_REGIONS | {"stage": "s" * 22}
    app = App()
    (copies,) = add_stacks(app, settings=Settings(**settings), items=[]).dependencies
    name = only(Template.from_stack(copies), VAULT)["Properties"]["BackupVaultName"]
    assert len(name) == 50


def test_a_stage_is_one_stack_without_the_setting():
    stage_stack().resource_count_is(VAULT, 1)


def _list(value):
    return value if isinstance(value, list) else [value]
