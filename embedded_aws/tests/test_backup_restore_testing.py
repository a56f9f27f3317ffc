"""Restore testing plans and selections, by API and by CloudFormation; none of them is ever run.

Sources: botocore backup model (shapes, names, defaults); API reference, DeleteRestoreTestingPlan;
registry schemas of AWS::Backup::RestoreTestingPlan, RestoreTestingSelection and BackupVault.
"""

import json

import pytest

from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import refused

POINTS = {"Algorithm": "LATEST_WITHIN_WINDOW", "RecoveryPointTypes": ["SNAPSHOT"], "IncludeVaults": ["*"]}


@pytest.fixture
def backup(client):
    return client("backup")


def _plan(name, **more):
    return {
        "RestoreTestingPlanName": name,
        "ScheduleExpression": "cron(0 6 ? * SUN *)",
        "RecoveryPointSelection": POINTS,
    } | more


def _selection(name, role):
    return {
        "RestoreTestingSelectionName": name,
        "ProtectedResourceType": "DynamoDB",
        "IamRoleArn": role,
        "ProtectedResourceArns": ["*"],
    }


def test_a_plan_and_its_selection(backup, name, backup_role):
    made = backup.create_restore_testing_plan(RestoreTestingPlan=_plan(name), Tags={"a": "b"})
    assert backup.list_tags(ResourceArn=made["RestoreTestingPlanArn"])["Tags"] == {"a": "b"}
    mine = {"RestoreTestingPlanName": name}
    shown = backup.get_restore_testing_plan(**mine)["RestoreTestingPlan"]
    assert shown["StartWindowHours"] == 24
    assert shown["RecoveryPointSelection"]["SelectionWindowDays"] == 30
    pages = backup.get_paginator("list_restore_testing_plans").paginate(PaginationConfig={"PageSize": 1})
    assert name in [p["RestoreTestingPlanName"] for q in pages for p in q["RestoreTestingPlans"]]

    selection = {"RestoreTestingSelectionName": "tables", **mine}
    backup.create_restore_testing_selection(RestoreTestingSelection=_selection("tables", backup_role), **mine)
    (listed,) = backup.list_restore_testing_selections(**mine)["RestoreTestingSelections"]
    assert listed["RestoreTestingSelectionName"] == "tables"
    got = backup.get_restore_testing_selection(**selection)["RestoreTestingSelection"]
    assert got["IamRoleArn"] == backup_role

    assert refused(backup.delete_restore_testing_plan, **mine)[1] == "InvalidRequestException"
    backup.delete_restore_testing_selection(**selection)
    backup.delete_restore_testing_plan(**mine)
    assert refused(backup.get_restore_testing_plan, **mine)[1] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "change", [{"RestoreTestingPlanName": "with-hyphen"}, {"RecoveryPointSelection": POINTS | {"Algorithm": "ANY"}}]
)
def test_a_plan_that_AWS_refuses(backup, name, change):
    answer = refused(backup.create_restore_testing_plan, RestoreTestingPlan=_plan(name, **change))
    assert answer[1] == "InvalidParameterValueException"


def test_a_stack_with_plan_and_selection(client, backup, name, backup_role):
    def resources(**more):
        plan = resource("AWS::Backup::RestoreTestingPlan", _plan(name, **more))
        selection = _selection("tables", backup_role) | {"RestoreTestingPlanName": {"Ref": "Plan"}}
        return {"Plan": plan, "Selection": resource("AWS::Backup::RestoreTestingSelection", selection)}

    stack = Stack(client, name).create(**resources())
    assert stack.status == "CREATE_COMPLETE"
    assert stack.output("Plan") == name
    assert stack.update(**resources(StartWindowHours=12)).status == "UPDATE_COMPLETE"
    mine = {"RestoreTestingPlanName": name}
    assert backup.get_restore_testing_plan(**mine)["RestoreTestingPlan"]["StartWindowHours"] == 12
    (listed,) = backup.list_restore_testing_selections(**mine)["RestoreTestingSelections"]
    assert listed["ProtectedResourceType"] == "DynamoDB"
    assert stack.delete().status == "DELETE_COMPLETE"
    assert refused(backup.get_restore_testing_plan, **mine)[1] == "ResourceNotFoundException"


def test_a_stacks_vault_has_its_lock_and_its_access_policy(client, backup, name):
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "backup:DeleteRecoveryPoint", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}

    def vault(**guards):
        return resource("AWS::Backup::BackupVault", {"BackupVaultName": f"{name}-v"} | guards)

    mine = {"BackupVaultName": f"{name}-v"}
    guarded = vault(LockConfiguration={"MinRetentionDays": 7}, AccessPolicy=policy)
    stack = Stack(client, name).create(Vault=guarded)
    assert stack.status == "CREATE_COMPLETE"
    assert backup.describe_backup_vault(**mine)["MinRetentionDays"] == 7
    assert json.loads(backup.get_backup_vault_access_policy(**mine)["Policy"]) == policy
    assert stack.update(Vault=vault()).status == "UPDATE_COMPLETE"
    assert backup.describe_backup_vault(**mine)["Locked"] is False
    code = refused(backup.get_backup_vault_access_policy, **mine)[1]
    assert code == "ResourceNotFoundException"
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_vault_with_a_refused_lock_is_not_left_behind(client, backup, name):
    lock = {"MinRetentionDays": 7, "ChangeableForDays": 1}
    properties = {"BackupVaultName": f"{name}-v", "LockConfiguration": lock}
    stack = Stack(client, name).create(Vault=resource("AWS::Backup::BackupVault", properties))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert refused(backup.describe_backup_vault, BackupVaultName=f"{name}-v")[0] == 403
