"""A recovery point becomes a table again.

Sources: botocore backup model; AWS Backup guide, "Restore a DynamoDB database" (metadata);
github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks/table-restore.md (what a
restored table lacks). That a taken name ends in FAILED is not verified on AWS.
"""

import pytest

from embedded_aws.tests.support.steps import back_up, create_backup_role, refused, restored, table_arn

KEY = "arn:aws:kms:us-east-1:000000000000:key/2f1a"


@pytest.fixture
def point(client, table, vault, backup_role, setting):
    """The ARN of a recovery point of a table with everything a restore drops."""
    setting("backup_job_seconds", 0)
    dynamodb = client("dynamodb")
    dynamodb.update_table(
        TableName=table,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        DeletionProtectionEnabled=True,
    )
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    return back_up(client, vault, table, backup_role)["RecoveryPointArn"]


def test_a_restored_table_has_the_items_of_the_backup(client, point, table, backup_role, setting):
    setting("restore_job_seconds", 1)
    dynamodb, backup = client("dynamodb"), client("backup")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "later"}})
    target = f"{table}-restored"
    job = backup.start_restore_job(
        RecoveryPointArn=point,
        IamRoleArn=backup_role,
        Metadata={"TargetTableName": target, "encryptionType": "Default"},
    )["RestoreJobId"]
    being = dynamodb.describe_table(TableName=target)["Table"]
    shown = backup.describe_restore_job(RestoreJobId=job)
    if shown["Status"] != "COMPLETED":  # a slow machine may have missed it
        assert being["TableStatus"] == "CREATING"
        assert being["RestoreSummary"]["SourceTableArn"] == table_arn(table)
        assert "CreatedResourceArn" not in shown
    setting("restore_job_seconds", 0)
    arguments = {"RecoveryPointArn": point, "IamRoleArn": backup_role}
    shown = restored(backup, Metadata={"targetTableName": f"{target}-2"}, **arguments)
    assert shown["Status"] == "COMPLETED"
    assert shown["CreatedResourceArn"] == table_arn(f"{target}-2")
    assert shown["SourceResourceArn"] == table_arn(table)
    items = dynamodb.scan(TableName=f"{target}-2")["Items"]
    assert sorted(item["pk"]["S"] for item in items) == ["one", "two"]
    found = dynamodb.query(
        TableName=f"{target}-2",
        IndexName="ByUser",
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "User"},
        ExpressionAttributeValues={":u": {"S": "tom"}},
    )
    assert found["Count"] == 2


def test_a_restored_table_lacks_what_AWS_does_not_restore(client, point, table, backup_role):
    dynamodb = client("dynamodb")
    target = f"{table}-bare"
    restored(client("backup"), RecoveryPointArn=point, IamRoleArn=backup_role, Metadata={"targetTableName": target})
    shown = dynamodb.describe_table(TableName=target)["Table"]
    assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert shown["TableStatus"] == "ACTIVE"
    assert "StreamSpecification" not in shown
    assert shown["DeletionProtectionEnabled"] is False
    expiry = dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"
    recovery = dynamodb.describe_continuous_backups(TableName=target)
    recovery = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"] == []


def test_a_key_is_applied(client, point, table, backup_role):
    restored(
        client("backup"),
        RecoveryPointArn=point,
        IamRoleArn=backup_role,
        Metadata={"targetTableName": f"{table}-key", "encryptionType": "KMS", "kmsMasterKeyArn": KEY},
    )
    shown = client("dynamodb").describe_table(TableName=f"{table}-key")["Table"]
    assert shown["SSEDescription"]["KMSMasterKeyArn"] == KEY


@pytest.mark.parametrize(
    ("specification", "kept"),
    [
        ({"Enabled": False}, {"encryptionType": "Default"}),
        ({"Enabled": True}, {"encryptionType": "KMS", "kmsMasterKeyArn": "Not Applicable"}),
        ({"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}, {"encryptionType": "KMS", "kmsMasterKeyArn": KEY}),
    ],
)
def test_a_point_keeps_its_tables_encryption(client, table, vault, backup_role, setting, specification, kept):
    setting("backup_job_seconds", 0)
    client("dynamodb").update_table(TableName=table, SSESpecification=specification)
    point = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    shown = client("backup").get_recovery_point_restore_metadata(BackupVaultName=vault, RecoveryPointArn=point)[
        "RestoreMetadata"
    ]
    shown.pop("aws:backup:request-id")
    assert shown == kept


def test_a_key_of_another_region_fails_the_job(client, point, table, backup_role):
    shown = restored(
        client("backup"),
        RecoveryPointArn=point,
        IamRoleArn=backup_role,
        Metadata={
            "targetTableName": f"{table}-far",
            "encryptionType": "KMS",
            "kmsMasterKeyArn": KEY.replace("us-east-1", "eu-west-1"),
        },
    )
    assert shown["Status"] == "FAILED"
    assert "eu-west-1" in shown["StatusMessage"]
    assert refused(client("dynamodb").describe_table, TableName=f"{table}-far")[1] == ("ResourceNotFoundException")


def test_a_taken_name_fails_the_job_and_leaves_the_table_alone(client, point, table, backup_role):
    client("dynamodb").put_item(TableName=table, Item={"pk": {"S": "three"}})
    shown = restored(
        client("backup"), RecoveryPointArn=point, IamRoleArn=backup_role, Metadata={"targetTableName": table}
    )
    assert shown["Status"] == "FAILED"
    assert shown["StatusMessage"] == f"Table already exists: {table}"
    assert client("dynamodb").scan(TableName=table)["Count"] == 3


def test_a_role_without_permission_fails_the_job(client, point, table, name):
    role = create_backup_role(client, f"{name}-bare")
    shown = restored(
        client("backup"), RecoveryPointArn=point, IamRoleArn=role, Metadata={"targetTableName": f"{table}-denied"}
    )
    assert shown["Status"] == "FAILED"
    assert "dynamodb:RestoreTableFromAwsBackup" in shown["StatusMessage"]
    missing = refused(client("dynamodb").describe_table, TableName=f"{table}-denied")
    assert missing[1] == "ResourceNotFoundException"


def test_a_missing_point_and_a_missing_name_are_refused(client, point, backup_role):
    start = client("backup").start_restore_job
    arguments = {"IamRoleArn": backup_role, "RecoveryPointArn": point}
    answer = refused(start, Metadata={"encryptionType": "Default"}, **arguments)
    assert answer[1] == "InvalidParameterValueException"
    arguments["RecoveryPointArn"] = f"{point[:-4]}0000"
    answer = refused(start, Metadata={"targetTableName": "x-y-z"}, **arguments)
    assert answer[1] == "ResourceNotFoundException"


def test_jobs_are_listed(client, point, table, backup_role):
    backup = client("backup")
    arguments = {
        "RecoveryPointArn": point,
        "IamRoleArn": backup_role,
        "Metadata": {"targetTableName": f"{table}-listed"},
    }
    job = restored(backup, IdempotencyToken=table, **arguments)["RestoreJobId"]
    again = backup.start_restore_job(IdempotencyToken=table, **arguments)
    assert again["RestoreJobId"] == job
    by_resource = backup.list_restore_jobs_by_protected_resource(ResourceArn=table_arn(table))
    assert [entry["RestoreJobId"] for entry in by_resource["RestoreJobs"]] == [job]
    listed = backup.list_restore_jobs(ByStatus="COMPLETED")["RestoreJobs"]
    assert job in [entry["RestoreJobId"] for entry in listed]
    shown = backup.get_restore_job_metadata(RestoreJobId=job)
    assert shown["Metadata"] == arguments["Metadata"]
