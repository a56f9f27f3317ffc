"""CloudFormation's vaults, plans and selections.

Sources: the registry schemas of AWS::Backup::*; gruntwork-io/cloud-nuke#730 (non-empty vault);
aws-cdk#11208 (a taken name); terraform-provider-aws, internal/service/backup (plans, roles).
"""

import json

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import allow, back_up, code_of, policy, refused, trust

STACK_GUID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
MAY_BACK_UP = allow(
    "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob", "tag:GetResources"
)
NOT_EMPTY = "Backup vault cannot be deleted because it contains recovery points."


def _vault(name, **attributes):
    properties = {"BackupVaultName": name, "BackupVaultTags": {"project": "messages"}}
    return resource("AWS::Backup::BackupVault", properties, **attributes)


def _role(**attributes):
    properties = {
        "Path": "/messages/",
        "AssumeRolePolicyDocument": json.loads(trust("backup.amazonaws.com")),
        "Policies": [{"PolicyName": "back-up", "PolicyDocument": json.loads(policy(MAY_BACK_UP))}],
    }
    return resource("AWS::IAM::Role", properties, **attributes)


def _plan(vault, days=35):
    # The name of the stack keeps the document unlike that of any other test.
    rule = {
        "RuleName": "daily",
        "TargetBackupVault": vault,
        "ScheduleExpression": "cron(0 5 * * ? *)",
        "Lifecycle": {"DeleteAfterDays": days},
    }
    plan = {"BackupPlanName": {"Ref": "AWS::StackName"}, "BackupPlanRule": [rule]}
    return resource("AWS::Backup::BackupPlan", {"BackupPlan": plan})


def _selection(name="messages", role=None):
    selection = {
        "SelectionName": name,
        "IamRoleArn": role or attribute("Role", "Arn"),
        "Resources": ["arn:aws:dynamodb:us-east-1:000000000000:table/messages"],
    }
    return resource("AWS::Backup::BackupSelection", {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection})


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


def test_a_stack_with_plan_and_selection_and_a_selection_that_is_replaced(client, stack, backup, name):
    attributes = {
        f"Show{entry}": resource(
            "AWS::SSM::Parameter", {"Name": f"{name}-{entry}", "Type": "String", "Value": attribute("Selection", entry)}
        )
        for entry in ("Id", "BackupPlanId", "SelectionId")
    }
    stack.create(**_retained(**attributes))
    assert stack.status == "CREATE_COMPLETE"
    plan, selection, vault = (stack.output(name) for name in ("Plan", "Selection", "Vault"))
    assert vault == f"Messages-{stack.id.rsplit('/', 1)[-1]}"
    arn = backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"]["project"] == "messages"
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert (rule["TargetBackupVaultName"], bool(rule["RuleId"])) == (vault, True)
    # Ref is the selection's id.
    shown = backup.get_backup_selection(BackupPlanId=plan, SelectionId=selection)["BackupSelection"]
    assert shown["SelectionName"] == "messages"
    assert ":role/messages/" in shown["IamRoleArn"]
    values = [
        client("ssm").get_parameter(Name=f"{name}-{entry}")["Parameter"]["Value"]
        for entry in ("Id", "BackupPlanId", "SelectionId")
    ]
    assert values == [f"{selection}_{plan}", plan, selection]

    stack.update(**_retained(Selection=_selection("other")))
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.output("Selection") != selection
    (left,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert left["SelectionName"] == "other"


def test_vault_and_role_survive_the_stack_and_its_next_deployment(client, stack, backup, name):
    stack.create(**_retained())
    vault, role, log = (stack.output(entry) for entry in ("Vault", "Role", "Log"))
    assert stack.delete().status == "DELETE_COMPLETE"
    for logical_id in ("Vault", "Role"):
        assert stack.events(logical_id)[-1][0] == "DELETE_SKIPPED"
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault
    assert client("iam").get_role_policy(RoleName=role, PolicyName="back-up")
    assert client("logs").describe_log_groups(logGroupNamePrefix=log)["logGroups"] == []
    again = Stack(client, name).create(**_retained())
    assert again.status == "CREATE_COMPLETE"
    assert vault != again.output("Vault")
    assert role != again.output("Role")


def test_a_full_vault_fails_the_deletion(client, stack, backup, table, name, setting):
    for quick in ("backup_job_seconds", "recovery_point_deleting_seconds", "vault_lag_seconds"):
        setting(quick, 0)
    stack.create(Vault=_vault(f"{name}-v"), Role=_role())
    role = client("iam").get_role(RoleName=stack.output("Role"))["Role"]["Arn"]
    point = back_up(client, f"{name}-v", table, role)["RecoveryPointArn"]
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.events("Vault")[-1] == ("DELETE_FAILED", NOT_EMPTY)
    backup.delete_recovery_point(BackupVaultName=f"{name}-v", RecoveryPointArn=point)
    assert stack.delete().status == "DELETE_COMPLETE"
    assert refused(backup.describe_backup_vault, BackupVaultName=f"{name}-v")[0] == 403


def test_a_taken_vault_name_fails_the_creation_and_a_retained_vault_can_be_taken_over(
    client, stack, backup, vault, name
):
    """The latter as `cdk deploy --import-existing-resources` does (aws-cdk CLI reference)."""
    stack.create(Vault=_vault(vault))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", "Backup vault with the same name already exists") in stack.events("Vault")
    assert stack.delete().status == "DELETE_COMPLETE"
    other = Stack(client, f"{name}-2")
    other.take_over(Vault=_vault(vault, DeletionPolicy="Retain"))
    assert "IMPORT_COMPLETE" in [status for status, _ in other.events("Vault")]
    assert other.output("Vault") == vault
    assert other.delete().status == "DELETE_COMPLETE"
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault


def test_an_update_adds_and_removes_lock_policy_and_tags_of_a_vault(stack, backup, name):
    denied = json.loads(policy(allow("backup:DeleteRecoveryPoint", Effect="Deny", Principal={"AWS": "*"})))
    mine, plain = {"BackupVaultName": f"{name}-v"}, _vault(f"{name}-v")
    guarded = _vault(f"{name}-v")
    guarded["Properties"] |= {"LockConfiguration": {"MinRetentionDays": 7}, "AccessPolicy": denied}
    stack.create(Vault=guarded)
    assert backup.describe_backup_vault(**mine)["MinRetentionDays"] == 7
    assert json.loads(backup.get_backup_vault_access_policy(**mine)["Policy"]) == denied
    plain["Properties"]["BackupVaultTags"] = {"project": "other"}
    assert stack.update(Vault=plain).status == "UPDATE_COMPLETE"
    shown = backup.describe_backup_vault(**mine)
    assert shown["Locked"] is False
    assert backup.list_tags(ResourceArn=shown["BackupVaultArn"])["Tags"]["project"] == "other"
    assert code_of(backup.get_backup_vault_access_policy, **mine) == "ResourceNotFoundException"
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_vault_with_a_refused_lock_is_not_left_behind(stack, backup, name):
    refused_lock = _vault(f"{name}-v")
    refused_lock["Properties"]["LockConfiguration"] = {"MinRetentionDays": 7, "ChangeableForDays": 1}
    assert stack.create(Vault=refused_lock).status == "ROLLBACK_COMPLETE"
    assert refused(backup.describe_backup_vault, BackupVaultName=f"{name}-v")[0] == 403


def test_a_plan_keeps_its_id_and_is_deleted_after_other_selections(stack, backup, vault, backup_role):
    plan = stack.create(Plan=_plan(vault)).output("Plan")
    assert stack.update(Plan=_plan(vault, days=14)).status == "UPDATE_COMPLETE"
    assert stack.output("Plan") == plan
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 14}
    selection = backup.create_backup_selection(
        BackupPlanId=plan, BackupSelection={"SelectionName": "foreign", "IamRoleArn": backup_role}
    )["SelectionId"]
    assert stack.delete().status == "DELETE_FAILED"
    text = "Related backup plan selections must be deleted prior to backup plan deletion"
    assert stack.events("Plan")[-1] == ("DELETE_FAILED", text)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=selection)
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_plan_needs_its_vault_and_a_selection_a_role_that_AWS_Backup_can_assume(client, stack, vault, name):
    assert stack.create(Plan=_plan(f"{name}-missing")).status == "ROLLBACK_COMPLETE"
    assert f"{name}-missing" in dict(stack.events("Plan"))["CREATE_FAILED"]
    role, other = f"arn:aws:iam::000000000000:role/messages/{name}-missing", Stack(client, f"{name}-2")
    assert other.create(Plan=_plan(vault), Selection=_selection(role=role)).status == "ROLLBACK_COMPLETE"
    text = f"IAM Role {role} cannot be assumed by AWS Backup"
    assert ("CREATE_FAILED", text) in other.events("Selection")
