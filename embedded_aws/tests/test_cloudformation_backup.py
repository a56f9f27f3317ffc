"""CloudFormation's vaults, plans and selections.

Sources: the registry schemas of AWS::Backup::*; gruntwork-io/cloud-nuke#730 (non-empty vault);
aws-cdk#11208 (a taken name); terraform-provider-aws, internal/service/backup (plans, roles).
"""

import pytest

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import back_up, refused

STACK_GUID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
MAY_BACK_UP = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "dynamodb:DescribeTable",
                "dynamodb:ListTagsOfResource",
                "dynamodb:StartAwsBackupJob",
                "tag:GetResources",
            ],
            "Resource": "*",
        }
    ],
}
NOT_EMPTY = "Backup vault cannot be deleted because it contains recovery points."


@pytest.fixture
def stack(client, name):
    return Stack(client, name)


@pytest.fixture
def backup(client):
    return client("backup")


def _vault(name, **attributes):
    properties = {"BackupVaultName": name, "BackupVaultTags": {"project": "messages"}}
    return resource("AWS::Backup::BackupVault", properties, **attributes)


def _role(**attributes):
    properties = {
        "Path": "/messages/",
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": "back-up", "PolicyDocument": MAY_BACK_UP}],
    }
    return resource("AWS::IAM::Role", properties, **attributes)


def _plan(vault, days=35, name=None):
    # The name of the stack keeps the document unlike that of any other test.
    rule = {
        "RuleName": "daily",
        "TargetBackupVault": vault,
        "ScheduleExpression": "cron(0 5 * * ? *)",
        "Lifecycle": {"DeleteAfterDays": days},
    }
    plan = {"BackupPlanName": name or {"Ref": "AWS::StackName"}, "BackupPlanRule": [rule]}
    return resource("AWS::Backup::BackupPlan", {"BackupPlan": plan})


def _selection(name="messages", role=None):
    selection = {
        "SelectionName": name,
        "IamRoleArn": role or attribute("Role", "Arn"),
        "Resources": ["arn:aws:dynamodb:us-east-1:000000000000:table/messages"],
    }
    properties = {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection}
    return resource("AWS::Backup::BackupSelection", properties)


def _retained(**more):
    """A vault named after the stack's id, a role, a plan and a selection; the first two stay."""
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "Vault": _vault({"Fn::Join": ["-", ["Messages", STACK_GUID]]}, **kept),
        "Role": _role(**kept),
        "Plan": _plan({"Ref": "Vault"}),
        "Selection": _selection(),
        "Log": resource("AWS::Logs::LogGroup", {"RetentionInDays": 7}),
    } | more


def test_a_stack_with_plan_and_selection_comes_up(stack, backup):
    stack.create(**_retained())
    assert stack.status == "CREATE_COMPLETE"
    plan, selection, vault = (stack.output(name) for name in ("Plan", "Selection", "Vault"))
    assert vault == f"Messages-{stack.id.rsplit('/', 1)[-1]}"
    arn = backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"]["project"] == "messages"
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert rule["TargetBackupVaultName"] == vault
    assert rule["RuleId"]
    # Ref is the selection's id.
    shown = backup.get_backup_selection(BackupPlanId=plan, SelectionId=selection)
    assert shown["BackupSelection"]["SelectionName"] == "messages"
    assert ":role/messages/" in shown["BackupSelection"]["IamRoleArn"]


def test_a_selection_has_the_attributes_of_its_schema(client, stack, name):
    names = ("Id", "BackupPlanId", "SelectionId")
    show = {
        f"Show{entry}": resource(
            "AWS::SSM::Parameter", {"Name": f"{name}-{entry}", "Type": "String", "Value": attribute("Selection", entry)}
        )
        for entry in names
    }
    stack.create(**_retained(**show))
    plan, selection = stack.output("Plan"), stack.output("Selection")
    values = {entry: client("ssm").get_parameter(Name=f"{name}-{entry}")["Parameter"]["Value"] for entry in names}
    assert values["BackupPlanId"] == plan
    assert values["SelectionId"] == selection
    assert plan in values["Id"]
    assert selection in values["Id"]


def test_a_changed_selection_is_replaced(stack, backup):
    stack.create(**_retained())
    plan, before = stack.output("Plan"), stack.output("Selection")
    stack.update(**_retained(Selection=_selection("other")))
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.output("Selection") != before
    (left,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert left["SelectionName"] == "other"


def test_vault_and_role_survive_the_stack_and_its_next_deployment(client, stack, backup, name):
    stack.create(**_retained())
    vault, role, log = (stack.output(entry) for entry in ("Vault", "Role", "Log"))
    assert stack.delete().status == "DELETE_COMPLETE"
    for logical_id in ("Vault", "Role"):
        assert stack.events(logical_id)[-1][0] == "DELETE_SKIPPED"
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault
    roles = client("iam").list_roles(PathPrefix="/messages/")["Roles"]
    assert role in [entry["RoleName"] for entry in roles]
    assert client("iam").get_role_policy(RoleName=role, PolicyName="back-up")
    logs = client("logs").describe_log_groups(logGroupNamePrefix=log)["logGroups"]
    assert logs == []
    again = Stack(client, name).create(**_retained())
    assert again.status == "CREATE_COMPLETE"
    assert again.output("Vault") != vault
    assert again.output("Role") != role


def test_a_full_vault_fails_the_deletion(client, stack, backup, table, name, setting):
    setting("backup_job_seconds", 0)
    setting("recovery_point_deleting_seconds", 0)
    setting("vault_lag_seconds", 0)
    stack.create(Vault=_vault(f"{name}-v"), Role=_role())
    role = client("iam").get_role(RoleName=stack.output("Role"))["Role"]["Arn"]
    point = back_up(client, f"{name}-v", table, role)["RecoveryPointArn"]
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.events("Vault")[-1] == ("DELETE_FAILED", NOT_EMPTY)
    backup.delete_recovery_point(BackupVaultName=f"{name}-v", RecoveryPointArn=point)
    assert stack.delete().status == "DELETE_COMPLETE"
    assert refused(backup.describe_backup_vault, BackupVaultName=f"{name}-v")[0] == 403


def test_a_taken_vault_name_fails_the_creation_and_the_other_vault_stays(stack, backup, vault):
    stack.create(Vault=_vault(vault))
    assert stack.status == "ROLLBACK_COMPLETE"
    text = "Backup vault with the same name already exists"
    assert ("CREATE_FAILED", text) in stack.events("Vault")
    assert stack.delete().status == "DELETE_COMPLETE"
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault


def test_a_retained_vault_can_be_taken_over(stack, backup, vault):
    """As `cdk deploy --import-existing-resources` does (aws-cdk CLI reference)."""
    stack.take_over(Vault=_vault(vault, DeletionPolicy="Retain"))
    assert "IMPORT_COMPLETE" in [status for status, _ in stack.events("Vault")]
    assert stack.output("Vault") == vault
    assert stack.delete().status == "DELETE_COMPLETE"
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault


def test_changed_tags_of_a_vault_are_applied_in_place(stack, backup, name):
    stack.create(Vault=_vault(f"{name}-v"))
    changed = _vault(f"{name}-v")
    changed["Properties"]["BackupVaultTags"] = {"project": "other"}
    assert stack.update(Vault=changed).status == "UPDATE_COMPLETE"
    arn = backup.describe_backup_vault(BackupVaultName=f"{name}-v")["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"]["project"] == "other"


def test_a_plan_needs_its_vault(stack, name):
    stack.create(Plan=_plan(f"{name}-missing"))
    assert stack.status == "ROLLBACK_COMPLETE"
    failed = dict(stack.events("Plan"))["CREATE_FAILED"]
    assert f"{name}-missing" in failed


def test_a_changed_plan_keeps_its_id(stack, backup, vault):
    plan = stack.create(Plan=_plan(vault)).output("Plan")
    assert stack.update(Plan=_plan(vault, days=14)).status == "UPDATE_COMPLETE"
    assert stack.output("Plan") == plan
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 14}


def test_a_plan_with_a_foreign_selection_fails_the_deletion(stack, backup, vault, backup_role):
    plan = stack.create(Plan=_plan(vault)).output("Plan")
    selection = backup.create_backup_selection(
        BackupPlanId=plan, BackupSelection={"SelectionName": "foreign", "IamRoleArn": backup_role}
    )["SelectionId"]
    assert stack.delete().status == "DELETE_FAILED"
    text = "Related backup plan selections must be deleted prior to backup plan deletion"
    assert stack.events("Plan")[-1] == ("DELETE_FAILED", text)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=selection)
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_selection_needs_a_role_that_AWS_Backup_can_assume(stack, vault, name):
    role = f"arn:aws:iam::000000000000:role/messages/{name}-nobody"
    stack.create(Plan=_plan(vault), Selection=_selection(role=role))
    assert stack.status == "ROLLBACK_COMPLETE"
    text = f"IAM Role {role} cannot be assumed by AWS Backup"
    assert ("CREATE_FAILED", text) in stack.events("Selection")
