"""DynamoDB's own backups, point-in-time recovery, customer keys and DeleteTable.

Sources: botocore dynamodb model (BackupTypeFilter, time range, RecoveryPeriodInDays);
github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks (the rest, measured on AWS); KMS guide (keys
are of one region, multi-Region keys are related keys with an ARN each). The text for a far key is not known.
"""

import datetime
import re

import pytest

from embedded_aws.tests.support.steps import (
    KEYED,
    allow,
    code_of,
    create_backup_role,
    grant,
    policy,
    refused,
    table_arn,
)

HOUR = datetime.timedelta(hours=1)
FROM_NOW = {"PointInTimeRecoveryEnabled": True}
KEY = "arn:aws:kms:us-east-1:000000000000:key/2f1a"
FAR = KEY.replace("us-east-1", "eu-west-1")


@pytest.fixture
def backup(dynamodb, table):
    """The ARN of an on-demand backup of the test's own table."""
    made = dynamodb.create_backup(TableName=table, BackupName="mine")["BackupDetails"]
    assert made["BackupStatus"] == "CREATING"
    return made["BackupArn"]


@pytest.fixture
def update(dynamodb, table):
    """Change the recovery of the test's own table; return what it then is."""

    def call(**specification):
        answer = dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
        return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]

    return call


def test_a_backup_has_an_ARN_as_on_AWS_becomes_available_and_is_deleted(dynamodb, backup, table):
    assert re.fullmatch(re.escape(table_arn(table)) + r"/backup/0\d{13}-[0-9a-f]{8}", backup)
    shown = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]
    assert shown["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    gone = dynamodb.delete_backup(BackupArn=backup)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    text = f"Backup not found: {backup}"
    assert refused(dynamodb.delete_backup, BackupArn=backup) == (400, "BackupNotFoundException", text)


def test_backups_are_listed_by_type_and_time_and_paged(dynamodb, backup, table):
    now = datetime.datetime.now(datetime.UTC)
    for filters, count in (
        ({}, 1),
        ({"BackupType": "USER"}, 1),
        ({"BackupType": "ALL"}, 1),
        ({"BackupType": "SYSTEM"}, 0),
        ({"BackupType": "AWS_BACKUP"}, 0),
        ({"TimeRangeLowerBound": now - HOUR, "TimeRangeUpperBound": now + HOUR}, 1),
        ({"TimeRangeLowerBound": now + HOUR}, 0),
        ({"TimeRangeUpperBound": now - HOUR}, 0),
    ):
        assert len(dynamodb.list_backups(TableName=table, **filters)["BackupSummaries"]) == count, filters
    for _ in range(2):
        dynamodb.create_backup(TableName=table, BackupName="mine")  # names are not unique
    pages = list(dynamodb.get_paginator("list_backups").paginate(TableName=table, PaginationConfig={"PageSize": 2}))
    assert [len(page["BackupSummaries"]) for page in pages] == [2, 1]
    arns = {entry["BackupArn"] for page in pages for entry in page["BackupSummaries"]}
    assert (len(arns), backup in arns) == (3, True)


def test_a_restore_names_its_source_until_it_is_active_and_refuses_a_taken_name(dynamodb, backup, table, setting):
    restore = dynamodb.restore_table_from_backup
    text = f"Table already exists: {table}"
    assert refused(restore, TargetTableName=table, BackupArn=backup) == (400, "TableAlreadyExistsException", text)
    when = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupCreationDateTime"]
    summary = {
        "SourceBackupArn": backup,
        "SourceTableArn": table_arn(table),
        "RestoreDateTime": when,
        "RestoreInProgress": True,
    }
    setting("restore_job_seconds", 60)
    made = restore(TargetTableName=f"{table}-2", BackupArn=backup)["TableDescription"]
    shown = dynamodb.describe_table(TableName=f"{table}-2")["Table"]
    for seen in (made, shown):
        assert (seen["TableStatus"], seen["RestoreSummary"]) == ("CREATING", summary)
    assert dynamodb.scan(TableName=f"{table}-2")["Count"] == 2
    setting("restore_job_seconds", 0)
    restore(TargetTableName=f"{table}-3", BackupArn=backup)
    shown = dynamodb.describe_table(TableName=f"{table}-3")["Table"]
    assert (shown["TableStatus"], "RestoreSummary" in shown) == ("ACTIVE", False)


def test_the_period_of_recovery_is_kept_and_its_window_never_begins_before_it_was_enabled(dynamodb, update, name):
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    shown = update(PointInTimeRecoveryEnabled=True)
    assert (shown["PointInTimeRecoveryStatus"], shown["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    assert before < shown["EarliestRestorableDateTime"] <= shown["LatestRestorableDateTime"]
    again = update(PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=7)
    assert again["RecoveryPeriodInDays"] == 7
    assert again["EarliestRestorableDateTime"] == shown["EarliestRestorableDateTime"]
    for enabled, days in ((True, 36), (False, 7)):
        wrong = {"PointInTimeRecoveryEnabled": enabled, "RecoveryPeriodInDays": days}
        assert code_of(update, **wrong) == "ValidationException"
    assert code_of(dynamodb.describe_continuous_backups, TableName=f"{name}-no") == "TableNotFoundException"


def test_a_restore_to_a_time_needs_recovery_and_has_the_items_of_that_time(dynamodb, table, update, setting):
    restore, target = (
        dynamodb.restore_table_to_point_in_time,
        {"SourceTableName": table, "TargetTableName": f"{table}-x"},
    )
    text = f"Point in time recovery is not enabled for table '{table}'"
    found = refused(restore, UseLatestRestorableTime=True, **target)
    assert found == (400, "PointInTimeRecoveryUnavailableException", text)
    enabled = update(PointInTimeRecoveryEnabled=True)["EarliestRestorableDateTime"]
    now = datetime.datetime.now(datetime.UTC)
    for wrong in (now - HOUR, now + HOUR):
        assert code_of(restore, RestoreDateTime=wrong, **target) == "InvalidRestoreTimeException"
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "one"}})
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": "two"}},
        UpdateExpression="SET #u = :u",
        ExpressionAttributeNames={"#u": "User"},
        ExpressionAttributeValues={":u": {"S": "jerry"}},
    )
    put = {"PutRequest": {"Item": {"pk": {"S": "three"}, "User": {"S": "jerry"}}}}
    dynamodb.batch_write_item(RequestItems={table: [put]})

    def restored(name, **moment):
        made = restore(SourceTableName=table, TargetTableName=f"{table}-{name}", **moment)["TableDescription"]
        assert made["RestoreSummary"]["SourceTableArn"] == table_arn(table)
        items = dynamodb.scan(TableName=f"{table}-{name}")["Items"]
        return {item["pk"]["S"]: item["User"]["S"] for item in items}

    before, after = {"one": "tom", "two": "tom"}, {"two": "jerry", "three": "jerry"}
    # The latest time is five minutes ago, or when recovery was enabled.
    assert restored("early", RestoreDateTime=enabled) == before
    assert restored("latest", UseLatestRestorableTime=True) == before
    setting("recovery_delay_seconds", 0)
    assert restored("now", UseLatestRestorableTime=True) == after


def _encryption(key):
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def test_a_key_of_another_region_is_refused_and_restores_keep_the_key_or_take_another(dynamodb, table, update, setting):
    setting("recovery_delay_seconds", 0)
    dynamodb.update_table(TableName=table, SSESpecification=_encryption(KEY))
    update(**FROM_NOW)
    arn = dynamodb.create_backup(TableName=table, BackupName="by-hand")["BackupDetails"]["BackupArn"]
    from_backup = (dynamodb.restore_table_from_backup, {"BackupArn": arn})
    to_time = (dynamodb.restore_table_to_point_in_time, {"SourceTableName": table, "UseLatestRestorableTime": True})
    far = {"SSESpecificationOverride": _encryption(FAR), "TargetTableName": f"{table}-far"}
    for call, arguments in (
        (dynamodb.create_table, KEYED | {"TableName": f"{table}-far", "SSESpecification": _encryption(FAR)}),
        (dynamodb.update_table, {"TableName": table, "SSESpecification": _encryption(FAR)}),
        (from_backup[0], from_backup[1] | far),
        (to_time[0], to_time[1] | far),
    ):
        status, code, text = refused(call, **arguments)
        assert (status, code, FAR in text) == (400, "ValidationException", True)
    for number, key in enumerate((KEY, f"{KEY}2")):
        override = {"SSESpecificationOverride": _encryption(key)} if number else {}
        for kind, (call, arguments) in enumerate((from_backup, to_time)):
            name = f"{table}-{number}{kind}"
            call(TargetTableName=name, **arguments, **override)
            shown = dynamodb.describe_table(TableName=name)["Table"]
            assert shown["SSEDescription"]["KMSMasterKeyArn"] == key


def test_a_table_with_a_customer_key_needs_callers_who_may_decrypt(client, name):
    root = allow("kms:*", Principal={"AWS": "arn:aws:iam::000000000000:root"})
    key = client("kms").create_key(Policy=policy(root))["KeyMetadata"]["Arn"]
    client("dynamodb").create_table(TableName=name, SSESpecification=_encryption(key), **KEYED)
    arn = create_backup_role(client, name, "lambda.amazonaws.com")
    grant(client, name, "dynamodb:*")
    given = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    user = client(
        "dynamodb",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    item = {"pk": {"S": "x"}}
    calls = [
        (user.put_item, {"TableName": name, "Item": item}),
        (user.scan, {"TableName": name}),
        (user.batch_get_item, {"RequestItems": {name: {"Keys": [item]}}}),
        (user.transact_write_items, {"TransactItems": [{"Delete": {"TableName": name, "Key": item}}]}),
    ]
    for call, arguments in calls:
        _, code, text = refused(call, **arguments)
        assert code == "AccessDeniedException"
        assert text.startswith("KMS key access denied error: ")
        assert "not authorized to perform: kms:Decrypt" in text
    assert user.describe_table(TableName=name)["Table"]["TableName"] == name
    through = {"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}}
    may = policy(allow("kms:Decrypt", on=key, Condition=through))
    client("iam").put_role_policy(RoleName=name, PolicyName="key", PolicyDocument=may)
    for call, arguments in calls:
        call(**arguments)
    client("dynamodb").delete_table(TableName=name)


def test_a_table_with_recovery_leaves_a_system_backup_that_cannot_be_deleted(dynamodb, update, table):
    update(**FROM_NOW)
    dynamodb.delete_table(TableName=table)
    (backup,) = dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
    assert (backup["BackupName"], backup["BackupType"]) == (f"{table}$DeletedTableBackup", "SYSTEM")
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


def test_a_table_without_recovery_leaves_nothing_and_its_successor_starts_clean(dynamodb, update, table):
    update(**FROM_NOW)
    update(PointInTimeRecoveryEnabled=False)
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.delete_table(TableName=table)
    assert dynamodb.list_backups(TableName=table, BackupType="ALL")["BackupSummaries"] == []
    dynamodb.create_table(TableName=table, **KEYED)
    recovery = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == []
    assert dynamodb.scan(TableName=table)["Count"] == 0
