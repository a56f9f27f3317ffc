"""CloudFormation's vaults, plans and selections.

Sources: the registry schemas of AWS::Backup::*; gruntwork-io/cloud-nuke#730 (non-empty vault);
aws-cdk#11208 (a taken name); terraform-provider-aws, internal/service/backup (plans, roles).
"""

import json

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import NOT_FOUND, allow, back_up, code_of, policy, refused, trust

STACK_GUID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
NOT_EMPTY = "Backup vault cannot be deleted because it contains recovery points."


def _vault(vault_name, tag="messages", settings=(), **attributes):
    properties = {"BackupVaultName": vault_name, "BackupVaultTags": {"project": tag}} | dict(settings)
    return resource("AWS::Backup::BackupVault", properties, **attributes)


def _plan(vault, days=35):
    # The name of the stack keeps the document unlike that of any other test.
    rule = {"RuleName": "daily", "TargetBackupVault": vault, "Lifecycle": {"DeleteAfterDays": days}}
    plan = {"BackupPlanName": {"Ref": "AWS::StackName"}, "BackupPlanRule": [rule]}
    return resource("AWS::Backup::BackupPlan", {"BackupPlan": plan})


def _selection(name="messages"):
    selection = {"SelectionName": name, "IamRoleArn": attribute("Role", "Arn"), "Resources": ["*"]}
    return resource("AWS::Backup::BackupSelection", {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection})


def _retained(**more):
    """A vault named after the stack's id, a role, a plan and a selection; the first two stay."""
    may = {"PolicyName": "back-up", "PolicyDocument": json.loads(policy(allow("tag:GetResources")))}
    role = {"AssumeRolePolicyDocument": json.loads(trust("backup.amazonaws.com")), "Policies": [may]}
    return {
        "Vault": _vault({"Fn::Join": ["-", ["Messages", STACK_GUID]]}, **KEPT),
        "Role": resource("AWS::IAM::Role", role | {"Path": "/messages/"}, **KEPT),
        "Plan": _plan({"Ref": "Vault"}),
        "Selection": _selection(),
        "Log": resource("AWS::Logs::LogGroup", {"RetentionInDays": 7}),
    } | more


def test_a_selection_is_replaced_and_vault_and_role_survive_the_stack(client, stack, backup, name):
    shown = {"Fn::Join": [" ", [attribute("Selection", each) for each in ("Id", "BackupPlanId", "SelectionId")]]}
    parameter = resource("AWS::SSM::Parameter", {"Name": name, "Type": "String", "Value": shown})
    stack.create(**_retained(Shown=parameter))
    assert stack.status == "CREATE_COMPLETE"
    plan, selection, vault, role, log = (stack.output(each) for each in ("Plan", "Selection", "Vault", "Role", "Log"))
    assert vault == f"Messages-{stack.id.rsplit('/', 1)[-1]}"
    arn = backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"]["project"] == "messages"
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert (rule["TargetBackupVaultName"], bool(rule["RuleId"])) == (vault, True)
    # Ref is the selection's id.
    found = backup.get_backup_selection(BackupPlanId=plan, SelectionId=selection)["BackupSelection"]
    assert (found["SelectionName"], ":role/messages/" in found["IamRoleArn"]) == ("messages", True)
    value = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert value == f"{selection}_{plan} {plan} {selection}"

    stack.update(**_retained(Selection=_selection("other")))
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.output("Selection") != selection
    (left,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert left["SelectionName"] == "other"

    assert stack.delete().status == "DELETE_COMPLETE"
    assert [stack.events(each)[-1][0] for each in ("Vault", "Role")] == ["DELETE_SKIPPED"] * 2
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault
    assert client("iam").get_role_policy(RoleName=role, PolicyName="back-up")
    assert client("logs").describe_log_groups(logGroupNamePrefix=log)["logGroups"] == []
    again = Stack(client, name).create(**_retained())
    assert again.status == "CREATE_COMPLETE"
    assert {vault, role, log}.isdisjoint(again.output(each) for each in ("Vault", "Role", "Log"))


def test_a_full_vault_fails_the_deletion(client, stack, backup, table, name, backup_role):
    mine = {"BackupVaultName": f"{name}-v"}
    stack.create(Vault=_vault(f"{name}-v"))
    point = back_up(client, f"{name}-v", table, backup_role)["RecoveryPointArn"]
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.events("Vault")[-1] == ("DELETE_FAILED", NOT_EMPTY)
    backup.delete_recovery_point(RecoveryPointArn=point, **mine)
    assert stack.delete().status == "DELETE_COMPLETE"
    assert refused(backup.describe_backup_vault, **mine)[0] == 403


def test_a_taken_name_fails_the_creation_and_a_retained_vault_is_taken_over(client, stack, backup, vault, name):
    """The latter as `cdk deploy --import-existing-resources` does (aws-cdk CLI reference)."""
    stack.create(Vault=_vault(vault))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", "Backup vault with the same name already exists") in stack.events("Vault")
    other = Stack(client, f"{name}-2").take_over(Vault=_vault(vault, DeletionPolicy="Retain"))
    assert "IMPORT_COMPLETE" in [status for status, _ in other.events("Vault")]
    assert other.output("Vault") == vault
    assert other.delete().status == "DELETE_COMPLETE"
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault


def test_an_update_changes_lock_policy_and_tags_and_a_refused_lock_leaves_no_vault(client, stack, backup, name):
    denied = json.loads(policy(allow("backup:DeleteRecoveryPoint", Effect="Deny", Principal={"AWS": "*"})))
    mine, lock = {"BackupVaultName": f"{name}-v"}, {"MinRetentionDays": 7}
    stack.create(Vault=_vault(f"{name}-v", settings={"LockConfiguration": lock, "AccessPolicy": denied}))
    assert backup.describe_backup_vault(**mine)["MinRetentionDays"] == 7
    assert json.loads(backup.get_backup_vault_access_policy(**mine)["Policy"]) == denied
    assert stack.update(Vault=_vault(f"{name}-v", "other")).status == "UPDATE_COMPLETE"
    shown = backup.describe_backup_vault(**mine)
    assert shown["Locked"] is False
    assert backup.list_tags(ResourceArn=shown["BackupVaultArn"])["Tags"]["project"] == "other"
    assert code_of(backup.get_backup_vault_access_policy, **mine) == NOT_FOUND

    other = _vault(f"{name}-2", settings={"LockConfiguration": lock | {"ChangeableForDays": 1}})
    assert Stack(client, f"{name}-2").create(Vault=other).status == "ROLLBACK_COMPLETE"
    assert refused(backup.describe_backup_vault, BackupVaultName=f"{name}-2")[0] == 403


def test_a_plan_keeps_its_id_and_is_deleted_after_other_selections(stack, backup, vault, backup_role):
    plan = stack.create(Plan=_plan(vault)).output("Plan")
    assert stack.update(Plan=_plan(vault, days=14)).status == "UPDATE_COMPLETE"
    assert stack.output("Plan") == plan
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 14}
    foreign = {"SelectionName": "foreign", "IamRoleArn": backup_role}
    selection = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=foreign)["SelectionId"]
    assert stack.delete().status == "DELETE_FAILED"
    text = "Related backup plan selections must be deleted prior to backup plan deletion"
    assert stack.events("Plan")[-1] == ("DELETE_FAILED", text)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=selection)
    assert stack.delete().status == "DELETE_COMPLETE"
