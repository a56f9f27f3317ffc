"""Copies of backups in another region: the second stack, and what the first one has for it."""

from aws_cdk import App

from stacks.messages_stack import add_stacks
from stacks.settings import Settings
from tests.support.templates import COPIES_STACK, PLAN, VAULT, WITH_COPIES, listed, only, properties, stacks, statements

PARTITION, ACCOUNT = {"Ref": "AWS::Partition"}, {"Ref": "AWS::AccountId"}
BACKUP_ROLE = "BackupRole4CD139C5"


def arn(service, rest, region="eu-central-1"):
    return {"Fn::Join": ["", ["arn:", PARTITION, f":{service}:{region}:", ACCOUNT, rest]]}


def rules(**settings):
    plan = properties(stacks(**settings)[0], PLAN)["BackupPlan"]
    return {rule["RuleName"]: rule for rule in plan["BackupPlanRule"]}


def test_a_stage_is_deployed_after_its_copies_in_a_stack_for_each_region_that_it_is_in():
    names = set()
    for region in ("eu-west-1", "us-east-1"):
        home = add_stacks(App(), settings=Settings(**WITH_COPIES | {"region": region}), items=[])
        names |= {needed.stack_name for needed in home.dependencies}
    assert names == {COPIES_STACK, "Messages-prod-Copies-us-east-1"}


def test_the_plan_copies_each_rules_backups_to_the_vault_of_the_other_stack_where_they_may_be_kept_longer():
    vault = properties(stacks()[1], VAULT)["BackupVaultName"]
    assert vault == f"{COPIES_STACK}-v"
    for name, days in {"daily": 7, "monthly": 30}.items():
        (copied,) = rules()[name]["CopyActions"]
        assert copied["DestinationBackupVaultArn"] == arn("backup", f":backup-vault:{vault}")
        assert copied["Lifecycle"] == {"DeleteAfterDays": days}
        longer = rules(copy_retention_days=90)[name]
        assert longer["Lifecycle"] == {"DeleteAfterDays": days}
        assert longer["CopyActions"][0]["Lifecycle"] == {"DeleteAfterDays": 90}


def test_vault_and_role_of_the_copies_are_in_their_region_and_bear_the_stacks_name():
    vault = only(stacks()[1], VAULT)
    assert vault["DeletionPolicy"] == "RetainExceptOnCreate"
    # Not the stage's own name: its clean-up must not reach the copies of a stage in use.
    assert vault["Properties"]["BackupVaultTags"] == {"messages:stack": COPIES_STACK}
    (restore,) = statements(stacks()[1])
    assert restore["Resource"] == arn("dynamodb", ":table/Messages-prod.*")


def test_the_copies_have_a_key_in_their_own_region():
    home, copies = stacks(customer_key=True)
    (key,) = copies.find_resources("AWS::KMS::Key")
    assert properties(copies, VAULT)["EncryptionKeyArn"] == {"Fn::GetAtt": [key, "Arn"]}
    assert properties(copies, VAULT)["BackupVaultName"] == f"{COPIES_STACK}-k"
    assert only(copies, "AWS::KMS::Key")["DeletionPolicy"] == "RetainExceptOnCreate"
    alias = properties(copies, "AWS::KMS::Alias")["AliasName"]["Fn::Join"][1][0]
    there = [s for s in statements(home, BACKUP_ROLE) if s["Resource"] == arn("kms", ":key/*")]
    uses = {action.removeprefix("kms:") for s in there for action in listed(s["Action"])}
    assert uses == {"CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"}
    for statement in there:
        assert statement["Condition"]["ForAnyValue:StringLike"] == {"kms:ResourceAliases": f"{alias}*"}


def test_a_locked_stage_locks_its_copies_by_their_own_retention():
    locked = stacks(vault_lock="governance", monthly_backup_retention_days=60, copy_retention_days=90)
    locks = [properties(template, VAULT)["LockConfiguration"] for template in locked]
    assert locks == [{"MinRetentionDays": 7, "MaxRetentionDays": 60}, {"MinRetentionDays": 89, "MaxRetentionDays": 90}]
