"""Backup plans and selections through the API.

Source: terraform-provider-aws, internal/service/backup/plan.go and selection.go, and the answers
of AWS that its users quote.
"""

import pytest

from embedded_aws.tests.support.steps import refused


@pytest.fixture
def document(vault, name):
    rule = {"RuleName": "daily", "TargetBackupVaultName": vault}
    return {"BackupPlanName": name, "Rules": [rule]}


@pytest.fixture
def plan(client, document):
    return client("backup").create_backup_plan(BackupPlan=document)["BackupPlanId"]


def test_the_same_document_is_refused_and_another_of_the_same_name_is_not(client, plan, document):
    create = client("backup").create_backup_plan
    text = "Backup plan with the same plan document already exists"
    answer = refused(create, BackupPlan=document)
    assert answer == (400, "AlreadyExistsException", text)
    other = document | {"Rules": [document["Rules"][0] | {"RuleName": "other"}]}
    assert create(BackupPlan=other)["BackupPlanId"] != plan


def test_a_plan_needs_its_vault_and_a_lifecycle_that_AWS_takes(client, document, name):
    create = client("backup").create_backup_plan
    rule = document["Rules"][0]
    for wrong in (
        {"TargetBackupVaultName": f"{name}-missing"},
        {"Lifecycle": {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 60}},
    ):
        answer = refused(create, BackupPlan=document | {"Rules": [rule | wrong]})
        assert answer[:2] == (400, "InvalidParameterValueException")


def test_selections_go_before_their_plan(client, plan, backup_role):
    backup = client("backup")
    wanted = {"SelectionName": "messages", "IamRoleArn": backup_role}
    made = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=wanted)
    text = "Related backup plan selections must be deleted prior to backup plan deletion"
    answer = refused(backup.delete_backup_plan, BackupPlanId=plan)
    assert answer == (400, "InvalidRequestException", text)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=made["SelectionId"])
    backup.delete_backup_plan(BackupPlanId=plan)


def test_a_missing_plan_or_selection(client, plan):
    backup = client("backup")
    answer = refused(backup.get_backup_selection, BackupPlanId="none", SelectionId="none")
    assert answer == (400, "InvalidParameterValueException", "Cannot find Backup plan")
    answer = refused(backup.delete_backup_selection, BackupPlanId=plan, SelectionId="none")
    assert answer[:2] == (400, "InvalidParameterValueException")


def test_a_selection_needs_a_role_that_AWS_Backup_can_assume(client, plan):
    arn = "arn:aws:iam::000000000000:role/messages/nobody"
    answer = refused(
        client("backup").create_backup_selection,
        BackupPlanId=plan,
        BackupSelection={"SelectionName": "messages", "IamRoleArn": arn},
    )
    text = f"IAM Role {arn} cannot be assumed by AWS Backup"
    assert answer == (400, "InvalidParameterValueException", text)
