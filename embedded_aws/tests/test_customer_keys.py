"""Tables under a customer key: never one of another region, and a restore keeps it.

Sources: KMS guide (keys are of one region, multi-Region keys are related keys with an ARN each);
ACK, table-restore (a restored table keeps its encryption). The text of the refusal is not known.
"""

import pytest

from embedded_aws.tests.support.steps import refused

KEY = "arn:aws:kms:us-east-1:000000000000:key/2f1a"
FAR = KEY.replace("us-east-1", "eu-west-1")
FROM_NOW = {"PointInTimeRecoveryEnabled": True}


def encryption(key):
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


@pytest.fixture
def encrypted(client, table):
    """A table under a customer key."""
    client("dynamodb").update_table(TableName=table, SSESpecification=encryption(KEY))
    return table


def test_a_key_of_another_region_is_refused(client, encrypted, setting):
    setting("recovery_delay_seconds", 0)
    dynamodb = client("dynamodb")
    dynamodb.update_continuous_backups(TableName=encrypted, PointInTimeRecoverySpecification=FROM_NOW)
    backup = dynamodb.create_backup(TableName=encrypted, BackupName="by-hand")["BackupDetails"]
    far = {"SSESpecificationOverride": encryption(FAR), "TargetTableName": f"{encrypted}-far"}
    made = {
        "TableName": f"{encrypted}-far",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    for call, arguments in (
        (dynamodb.create_table, made | {"SSESpecification": encryption(FAR)}),
        (dynamodb.update_table, {"TableName": encrypted, "SSESpecification": encryption(FAR)}),
        (dynamodb.restore_table_from_backup, far | {"BackupArn": backup["BackupArn"]}),
        (
            dynamodb.restore_table_to_point_in_time,
            far | {"SourceTableName": encrypted, "UseLatestRestorableTime": True},
        ),
    ):
        status, code, text = refused(call, **arguments)
        assert (status, code) == (400, "ValidationException")
        assert FAR in text


def test_dynamodbs_own_restores_keep_the_key_or_take_another(client, encrypted, setting):
    setting("recovery_delay_seconds", 0)
    dynamodb = client("dynamodb")
    dynamodb.update_continuous_backups(TableName=encrypted, PointInTimeRecoverySpecification=FROM_NOW)
    backup = dynamodb.create_backup(TableName=encrypted, BackupName="by-hand")["BackupDetails"]
    other = f"{KEY}2"
    for number, (override, key) in enumerate([({}, KEY), ({"SSESpecificationOverride": encryption(other)}, other)]):
        names = [f"{encrypted}-b{number}", f"{encrypted}-p{number}"]
        dynamodb.restore_table_from_backup(BackupArn=backup["BackupArn"], TargetTableName=names[0], **override)
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=encrypted, TargetTableName=names[1], UseLatestRestorableTime=True, **override
        )
        for name in names:
            shown = dynamodb.describe_table(TableName=name)["Table"]
            assert shown["SSEDescription"]["KMSMasterKeyArn"] == key
