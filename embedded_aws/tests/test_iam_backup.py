"""A caller's permissions on AWS Backup reach as far as the resources they name.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Backup".
"""

import json

import pytest

from embedded_aws.tests.support.steps import back_up, refused


@pytest.fixture
def user(client, name):
    """Make a backup client of a user with the given statements."""
    iam = client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def make(*statements, condition=None):
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": actions, "Resource": resources, "Condition": condition or {}}
                for actions, resources in statements
            ],
        }
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return client("backup", **credentials)

    return make


@pytest.fixture
def vaults(client, table, backup_role, name, setting):
    """Two vaults with a recovery point each: names and ARNs of the vault and of the point."""
    setting("backup_job_seconds", 0)
    found = []
    for suffix in ("mine", "other"):
        vault = f"{name}-{suffix}"
        arn = client("backup").create_backup_vault(BackupVaultName=vault)["BackupVaultArn"]
        point = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
        found.append((vault, arn, point))
    return found


def _denied(call, **arguments):
    status, code, text = refused(call, **arguments)
    assert (status, code) == (403, "AccessDeniedException")
    return "is not authorized to perform" in text


def test_a_user_of_one_vault_works_there_and_nowhere_else(user, vaults):
    (vault, arn, point), (other, _, other_point) = vaults
    backup = user((["backup:*"], [arn, point]))
    mine = {"BackupVaultName": vault}
    assert backup.describe_backup_vault(**mine)["NumberOfRecoveryPoints"] == 1
    listed = backup.list_recovery_points_by_backup_vault(**mine)["RecoveryPoints"]
    assert [entry["RecoveryPointArn"] for entry in listed] == [point]
    assert backup.describe_recovery_point(RecoveryPointArn=point, **mine)["Status"] == "COMPLETED"
    assert backup.list_tags(ResourceArn=point)["Tags"]
    backup.delete_recovery_point(RecoveryPointArn=point, **mine)

    theirs = {"BackupVaultName": other}
    assert _denied(backup.describe_backup_vault, **theirs)
    assert _denied(backup.delete_backup_vault, **theirs)
    assert _denied(backup.list_recovery_points_by_backup_vault, **theirs)
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert _denied(call, RecoveryPointArn=other_point, **theirs)
    assert _denied(backup.get_recovery_point_restore_metadata, RecoveryPointArn=other_point, **theirs)
    assert _denied(backup.list_tags, ResourceArn=other_point)
    assert _denied(backup.list_backup_vaults)  # takes no resource, so it needs "*"


def test_a_point_alone_is_not_its_vault(user, vaults):
    (vault, _, point), _ = vaults
    backup = user((["backup:*"], [point]))
    assert _denied(backup.list_recovery_points_by_backup_vault, BackupVaultName=vault)
    shown = backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    assert shown["RecoveryPointArn"] == point


def test_a_backup_is_allowed_on_the_vault_and_a_restore_on_the_point(user, vaults, table, backup_role):
    (vault, arn, point), (other, _, other_point) = vaults
    backup = user(
        (["backup:StartBackupJob"], [arn]), (["backup:StartRestoreJob"], [point]), (["iam:PassRole"], [backup_role])
    )
    table_arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"
    arguments = {"ResourceArn": table_arn, "IamRoleArn": backup_role}
    assert backup.start_backup_job(BackupVaultName=vault, **arguments)["BackupJobId"]
    assert _denied(backup.start_backup_job, BackupVaultName=other, **arguments)
    arguments = {"IamRoleArn": backup_role, "Metadata": {"targetTableName": f"{table}-2"}}
    assert backup.start_restore_job(RecoveryPointArn=point, **arguments)["RestoreJobId"]
    assert _denied(backup.start_restore_job, RecoveryPointArn=other_point, **arguments)


def test_a_restore_needs_the_role_to_be_passed(user, vaults, table, backup_role):
    (_, _, point), _ = vaults
    backup = user((["backup:StartRestoreJob"], [point]))
    arguments = {"IamRoleArn": backup_role, "Metadata": {"targetTableName": f"{table}-2"}}
    _, code, text = refused(backup.start_restore_job, RecoveryPointArn=point, **arguments)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in text


def test_a_condition_on_tags_counts_for_vaults_and_points(client, user, vaults):
    (vault, arn, point), (other, _, other_point) = vaults
    tags = {"team": "mine"}
    for tagged in (arn, point):
        client("backup").tag_resource(ResourceArn=tagged, Tags=tags)
    backup = user((["backup:*"], ["*"]), condition={"StringEquals": {"aws:ResourceTag/team": "mine"}})
    assert backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultName"] == vault
    assert _denied(backup.describe_backup_vault, BackupVaultName=other)
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    assert _denied(backup.delete_recovery_point, BackupVaultName=other, RecoveryPointArn=other_point)
    found = client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "team", "Values": ["mine"]}], ResourceTypeFilters=["backup"]
    )["ResourceTagMappingList"]
    assert {entry["ResourceARN"] for entry in found} >= {arn}


def test_a_plan_is_a_resource_of_its_own(client, user, vaults, name):
    (vault, _, _), _ = vaults

    def plan(rule):
        document = {"BackupPlanName": name}
        document["Rules"] = [{"RuleName": rule, "TargetBackupVaultName": vault}]
        return client("backup").create_backup_plan(BackupPlan=document)

    mine, other = plan("mine"), plan("other")
    backup = user((["backup:*"], [mine["BackupPlanArn"]]))
    assert backup.get_backup_plan(BackupPlanId=mine["BackupPlanId"])["BackupPlan"]
    assert _denied(backup.get_backup_plan, BackupPlanId=other["BackupPlanId"])
    assert _denied(backup.list_backup_selections, BackupPlanId=other["BackupPlanId"])
