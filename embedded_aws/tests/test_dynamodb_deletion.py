"""DeleteTable as on AWS.

Source: github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks (measured on AWS).
"""

import datetime

from embedded_aws.tests.support.steps import refused


def enable_recovery(client, table):
    client("dynamodb").update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def test_a_protected_table_is_refused_with_the_text_of_AWS(client, table):
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    assert refused(dynamodb.delete_table, TableName=table) == (
        400,
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    )
    assert dynamodb.scan(TableName=table)["Count"] == 2


def test_a_table_with_recovery_leaves_a_system_backup_that_nobody_deletes(client, table):
    dynamodb = client("dynamodb")
    enable_recovery(client, table)
    dynamodb.delete_table(TableName=table)
    (backup,) = dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
    assert backup["BackupName"] == f"{table}$DeletedTableBackup"
    assert backup["BackupType"] == "SYSTEM"
    kept = backup["BackupExpiryDateTime"] - backup["BackupCreationDateTime"]
    assert datetime.timedelta(days=34) < kept < datetime.timedelta(days=36)
    assert dynamodb.list_backups(TableName=table)["BackupSummaries"] == []
    everything = dynamodb.list_backups(TableName=table, BackupType="ALL")["BackupSummaries"]
    assert [entry["BackupArn"] for entry in everything] == [backup["BackupArn"]]

    status, code, text = refused(dynamodb.delete_backup, BackupArn=backup["BackupArn"])
    assert (status, code) == (400, "ValidationException")
    assert text.startswith(
        f"User is not allowed to delete the system backup with arn {backup['BackupArn']}. "
        "It will automatically expire on "
    )

    dynamodb.restore_table_from_backup(TargetTableName=f"{table}-back", BackupArn=backup["BackupArn"])
    assert dynamodb.scan(TableName=f"{table}-back")["Count"] == 2


def test_a_table_without_recovery_leaves_nothing(client, table):
    dynamodb = client("dynamodb")
    enable_recovery(client, table)
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    dynamodb.delete_table(TableName=table)
    assert dynamodb.list_backups(TableName=table, BackupType="ALL")["BackupSummaries"] == []


def test_a_successor_of_the_same_name_starts_clean(client, table):
    dynamodb = client("dynamodb")
    enable_recovery(client, table)
    shown = dynamodb.describe_table(TableName=table)["Table"]
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.delete_table(TableName=table)
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    recovery = dynamodb.describe_continuous_backups(TableName=table)
    recovery = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery == {"PointInTimeRecoveryStatus": "DISABLED"}
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"] == []
    assert dynamodb.scan(TableName=table)["Count"] == 0
