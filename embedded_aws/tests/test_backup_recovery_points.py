"""ARNs, lists, tags and deletion of recovery points.

Sources: botocore backup model (fields, states, filters); AWS Backup guide, "Deleting backups" and
"Advanced DynamoDB backup" (the ARN's form).
"""

import datetime
import re

from embedded_aws.tests.support.steps import back_up, code_of, eventually, table_arn


def test_a_point_describes_itself_and_how_it_is_restored(backup, point, vault, table, backup_role):
    prefix = "arn:aws:backup:us-east-1:000000000000:recovery-point:"
    assert re.fullmatch(prefix + r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", point["RecoveryPointArn"])
    shown = backup.describe_recovery_point(**point)
    assert (
        shown.items()
        >= {
            "Status": "COMPLETED",
            "ResourceArn": table_arn(table),
            "ResourceType": "DynamoDB",
            "BackupVaultName": vault,
            "IamRoleArn": backup_role,
            "StorageClass": "WARM",
            "Lifecycle": {"DeleteAfterDays": 35},
        }.items()
    )
    assert shown["BackupSizeInBytes"] > 0
    kept = shown["CalculatedLifecycle"]["DeleteAt"] - shown["CreationDate"]
    assert kept == datetime.timedelta(days=35)
    shown = backup.get_recovery_point_restore_metadata(**point)
    assert (shown["ResourceType"], shown["RestoreMetadata"]["encryptionType"]) == ("DynamoDB", "Default")


def test_a_point_is_listed_by_vault_and_by_resource(backup, point, vault, table):
    arn, resource = point["RecoveryPointArn"], table_arn(table)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    for filters, expected in (
        ({}, [arn]),
        ({"ByResourceArn": resource, "ByResourceType": "DynamoDB"}, [arn]),
        ({"ByCreatedBefore": later}, [arn]),
        ({"ByCreatedAfter": later}, []),
        ({"ByResourceType": "EFS"}, []),
    ):
        answer = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault, **filters)
        assert [entry["RecoveryPointArn"] for entry in answer["RecoveryPoints"]] == expected, filters
    (listed,) = backup.list_recovery_points_by_resource(ResourceArn=resource)["RecoveryPoints"]
    assert (listed["RecoveryPointArn"], listed["BackupSizeBytes"] > 0) == (arn, True)
    (protected,) = backup.list_protected_resources_by_backup_vault(BackupVaultName=vault)["Results"]
    assert protected["LastRecoveryPointArn"] == arn
    assert backup.describe_protected_resource(ResourceArn=resource)["ResourceName"] == table


def test_a_list_is_paged_and_survives_deletions_between_pages(client, backup, table, vault, backup_role, setting):
    setting("backup_job_seconds", 0)
    setting("recovery_point_deleting_seconds", 0)
    made = [back_up(client, vault, table, backup_role)["RecoveryPointArn"] for _ in range(5)]
    seen = []
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault, PaginationConfig={"PageSize": 2}
    )
    for entry in (entry for page in pages for entry in page["RecoveryPoints"]):
        seen.append(entry["RecoveryPointArn"])
        backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=seen[-1])
    assert sorted(seen) == sorted(made)


def test_a_point_has_the_tags_of_its_table_and_its_own(backup, point):
    arn = point["RecoveryPointArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"project": "messages", "kind": "manual"}
    backup.tag_resource(ResourceArn=arn, Tags={"more": "1"})
    backup.untag_resource(ResourceArn=arn, TagKeyList=["kind"])
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"project": "messages", "more": "1"}


def test_a_deletion_responds_before_it_ends(client, backup, point, vault, table, name, setting):
    """Also without the table, and without the role that made the point."""
    client("dynamodb").delete_table(TableName=table)
    iam = client("iam")
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)
    setting("recovery_point_deleting_seconds", 1)
    backup.delete_recovery_point(**point)
    shown = backup.describe_recovery_point(**point)
    assert (shown["Status"], shown["ResourceArn"]) == ("DELETING", table_arn(table))
    assert code_of(backup.delete_recovery_point, **point) == "InvalidResourceStateException"
    eventually(lambda: not backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"])
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert code_of(call, **point) == "ResourceNotFoundException"


def test_the_expiring_vault_answers_200_and_keeps_its_points(backup, point, vault, setting):
    setting("expiring_vault", vault)
    assert backup.delete_recovery_point(**point)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert backup.describe_recovery_point(**point)["Status"] == "EXPIRED"
    setting("expiring_vault", "")
    backup.delete_recovery_point(**point)
    assert backup.describe_recovery_point(**point)["Status"] == "DELETING"


def test_an_invalid_lifecycle_is_refused(backup, point):
    update = backup.update_recovery_point_lifecycle
    for lifecycle in (
        {"DeleteAfterDays": 0},
        {"DeleteAfterDays": 36501},
        {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 119},
    ):
        assert code_of(update, Lifecycle=lifecycle, **point) == "InvalidParameterValueException"
    assert update(Lifecycle={"DeleteAfterDays": 40}, **point)["Lifecycle"] == {"DeleteAfterDays": 40}
