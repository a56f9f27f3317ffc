"""ARNs, lists, tags and deletion of recovery points.

Sources: botocore backup model (fields, states, filters); AWS Backup guide, "Deleting backups" and
"Advanced DynamoDB backup" (the ARN's form).
"""

import datetime
import re

from embedded_aws.tests.support.steps import INVALID, NOT_FOUND, back_up, code_of, eventually, table_arn


def test_a_point_describes_itself_and_is_listed_by_vault_and_by_resource(backup, point, vault, table, backup_role):
    arn, resource = point["RecoveryPointArn"], table_arn(table)
    prefix = "arn:aws:backup:us-east-1:000000000000:recovery-point:"
    assert re.fullmatch(prefix + r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", arn)
    shown = backup.describe_recovery_point(**point)
    expected = {
        "Status": "COMPLETED",
        "ResourceArn": resource,
        "ResourceType": "DynamoDB",
        "BackupVaultName": vault,
        "IamRoleArn": backup_role,
        "StorageClass": "WARM",
        "Lifecycle": {"DeleteAfterDays": 35},
    }
    assert shown.items() >= expected.items()
    assert shown["BackupSizeInBytes"] > 0
    assert shown["CalculatedLifecycle"]["DeleteAt"] - shown["CreationDate"] == datetime.timedelta(days=35)
    restored = backup.get_recovery_point_restore_metadata(**point)
    assert (restored["ResourceType"], restored["RestoreMetadata"]["encryptionType"]) == ("DynamoDB", "Default")

    def listed(**filters):
        answer = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault, **filters)
        return [entry["RecoveryPointArn"] for entry in answer["RecoveryPoints"]]

    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert listed() == listed(ByResourceArn=resource, ByResourceType="DynamoDB") == [arn]
    assert (listed(ByCreatedBefore=later), listed(ByCreatedAfter=later), listed(ByResourceType="EFS")) == (
        [arn],
        [],
        [],
    )
    (found,) = backup.list_recovery_points_by_resource(ResourceArn=resource)["RecoveryPoints"]
    assert (found["RecoveryPointArn"], found["BackupSizeBytes"] > 0) == (arn, True)
    (protected,) = backup.list_protected_resources_by_backup_vault(BackupVaultName=vault)["Results"]
    assert protected["LastRecoveryPointArn"] == arn
    assert backup.describe_protected_resource(ResourceArn=resource)["ResourceName"] == table


def test_a_list_is_paged_and_survives_deletions_between_pages(client, backup, table, vault, backup_role):
    made, seen = [back_up(client, vault, table, backup_role)["RecoveryPointArn"] for _ in range(5)], []
    paging = {"BackupVaultName": vault, "PaginationConfig": {"PageSize": 2}}
    for page in backup.get_paginator("list_recovery_points_by_backup_vault").paginate(**paging):
        for entry in page["RecoveryPoints"]:
            seen.append(entry["RecoveryPointArn"])
            backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=seen[-1])
    assert sorted(seen) == sorted(made)


def test_tags_and_the_lifecycle_of_a_point_change(backup, point):
    arn = point["RecoveryPointArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"project": "messages", "kind": "manual"}
    backup.tag_resource(ResourceArn=arn, Tags={"more": "1"})
    backup.untag_resource(ResourceArn=arn, TagKeyList=["kind"])
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"project": "messages", "more": "1"}
    update = backup.update_recovery_point_lifecycle
    for days in ({"DeleteAfterDays": 0}, {"DeleteAfterDays": 36501}):
        assert code_of(update, Lifecycle=days, **point) == INVALID
    assert code_of(update, Lifecycle={"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 119}, **point) == INVALID
    assert update(Lifecycle={"DeleteAfterDays": 40}, **point)["Lifecycle"] == {"DeleteAfterDays": 40}


def test_a_deletion_responds_before_it_ends(client, backup, dynamodb, point, vault, table, name, setting):
    """Also without the table, and without the role that made the point."""
    dynamodb.delete_table(TableName=table)
    iam = client("iam")
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)
    setting("recovery_point_deleting_seconds", 4)
    backup.delete_recovery_point(**point)
    shown = backup.describe_recovery_point(**point)
    assert (shown["Status"], shown["ResourceArn"]) == ("DELETING", table_arn(table))
    assert code_of(backup.delete_recovery_point, **point) == "InvalidResourceStateException"
    eventually(lambda: not backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"])
    for call in (backup.describe_recovery_point, backup.delete_recovery_point):
        assert code_of(call, **point) == NOT_FOUND
