"""DynamoDB's own backups, point-in-time recovery, customer keys and DeleteTable.

Sources: botocore dynamodb model (BackupTypeFilter, time range, RecoveryPeriodInDays);
github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks (the rest, measured on AWS); KMS guide (keys
are of one region, multi-Region keys are related keys with an ARN each). The text for a far key is not known.
"""

import datetime
import re

import pytest

from embedded_aws.tests.support.steps import KEY, KEYED, allow, code_of, policy, refused, table_arn

HOUR, SECOND = datetime.timedelta(hours=1), datetime.timedelta(seconds=1)
FAR = KEY.replace("us-east-1", "eu-west-1")


@pytest.fixture
def own_backup(dynamodb, table):
    """The ARN of an on-demand backup of the test's own table."""
    made = dynamodb.create_backup(TableName=table, BackupName="mine")["BackupDetails"]
    assert made["BackupStatus"] == "CREATING"
    return made["BackupArn"]


@pytest.fixture
def update(dynamodb, table):
    """Change the recovery of the test's own table; return what it then is."""

    def call(enabled=True, **more):
        specification = {"PointInTimeRecoveryEnabled": enabled} | more
        answer = dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
        return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]

    return call


def test_backups_are_listed_by_type_and_time_paged_and_deleted(dynamodb, own_backup, table):
    assert re.fullmatch(re.escape(table_arn(table)) + r"/backup/0\d{13}-[0-9a-f]{8}", own_backup)
    shown = dynamodb.describe_backup(BackupArn=own_backup)["BackupDescription"]
    assert shown["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    now = datetime.datetime.now(datetime.UTC)

    def count(**filters):
        return len(dynamodb.list_backups(TableName=table, **filters)["BackupSummaries"])

    assert [count(BackupType=kind) for kind in ("USER", "ALL", "SYSTEM", "AWS_BACKUP")] == [1, 1, 0, 0]
    assert count() == count(TimeRangeLowerBound=now - HOUR, TimeRangeUpperBound=now + HOUR) == 1
    assert count(TimeRangeLowerBound=now + HOUR) == count(TimeRangeUpperBound=now - HOUR) == 0
    for _ in range(2):
        dynamodb.create_backup(TableName=table, BackupName="mine")  # names are not unique
    pages = dynamodb.get_paginator("list_backups").paginate(TableName=table, PaginationConfig={"PageSize": 2})
    first, second = ([entry["BackupArn"] for entry in page["BackupSummaries"]] for page in pages)
    assert (len(first), len(second), len({*first, *second, own_backup})) == (2, 1, 3)

    gone = dynamodb.delete_backup(BackupArn=own_backup)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    text = f"Backup not found: {own_backup}"
    assert refused(dynamodb.delete_backup, BackupArn=own_backup) == (400, "BackupNotFoundException", text)


def test_a_restore_names_its_source_until_it_is_active_and_refuses_a_taken_name(dynamodb, own_backup, table, setting):
    restore, text = dynamodb.restore_table_from_backup, f"Table already exists: {table}"
    found = refused(restore, TargetTableName=table, BackupArn=own_backup)
    assert found == (400, "TableAlreadyExistsException", text)
    source = dynamodb.describe_backup(BackupArn=own_backup)["BackupDescription"]["BackupDetails"]
    summary = {
        "SourceBackupArn": own_backup,
        "SourceTableArn": table_arn(table),
        "RestoreDateTime": source["BackupCreationDateTime"],
        "RestoreInProgress": True,
    }
    setting("restore_job_seconds", 60)
    made = restore(TargetTableName=f"{table}-2", BackupArn=own_backup)["TableDescription"]
    for seen in (made, dynamodb.describe_table(TableName=f"{table}-2")["Table"]):
        assert (seen["TableStatus"], seen["RestoreSummary"]) == ("CREATING", summary)
    assert dynamodb.scan(TableName=f"{table}-2")["Count"] == 2
    setting("restore_job_seconds", 0)
    restore(TargetTableName=f"{table}-3", BackupArn=own_backup)
    shown = dynamodb.describe_table(TableName=f"{table}-3")["Table"]
    assert (shown["TableStatus"], "RestoreSummary" in shown) == ("ACTIVE", False)


def test_a_restore_to_a_time_needs_recovery_and_has_the_items_of_that_time(dynamodb, table, update, setting):
    restore, target = dynamodb.restore_table_to_point_in_time, {"SourceTableName": table}
    found = refused(restore, UseLatestRestorableTime=True, TargetTableName=f"{table}-x", **target)
    text = f"Point in time recovery is not enabled for table '{table}'"
    assert found == (400, "PointInTimeRecoveryUnavailableException", text)

    now = datetime.datetime.now(datetime.UTC)
    for times, beginning in (
        ({}, "Either one of"),
        ({"UseLatestRestorableTime": True, "RestoreDateTime": now}, "Both"),
    ):
        _, code, text = refused(restore, TargetTableName=f"{table}-x", **target, **times)
        found = text.startswith(f"Invalid Request: {beginning} RestoreDateTime ")
        assert (code, found) == ("ValidationException", True)
    shown = update()
    enabled = shown["EarliestRestorableDateTime"]
    assert (shown["PointInTimeRecoveryStatus"], shown["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    assert now - SECOND < enabled <= shown["LatestRestorableDateTime"]
    again = update(RecoveryPeriodInDays=7)
    assert (again["RecoveryPeriodInDays"], again["EarliestRestorableDateTime"]) == (7, enabled)
    for on, days in ((True, 36), (False, 7)):
        assert code_of(update, enabled=on, RecoveryPeriodInDays=days) == "ValidationException"
    assert code_of(dynamodb.describe_continuous_backups, TableName=f"{table}-no") == "TableNotFoundException"
    for wrong in (now - HOUR, now + HOUR):
        found = code_of(restore, RestoreDateTime=wrong, TargetTableName=f"{table}-x", **target)
        assert found == "InvalidRestoreTimeException"

    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "one"}})
    changes = {"User": {"Value": {"S": "jerry"}}}
    dynamodb.update_item(TableName=table, Key={"pk": {"S": "two"}}, AttributeUpdates=changes)
    put = {"PutRequest": {"Item": {"pk": {"S": "three"}, "User": {"S": "jerry"}}}}
    dynamodb.batch_write_item(RequestItems={table: [put]})

    def restored(name, **moment):
        made = restore(TargetTableName=f"{table}-{name}", **target, **moment)["TableDescription"]
        assert made["RestoreSummary"]["SourceTableArn"] == table_arn(table)
        items = dynamodb.scan(TableName=f"{table}-{name}")["Items"]
        return {item["pk"]["S"]: item["User"]["S"] for item in items}

    before, after = {"one": "tom", "two": "tom"}, {"two": "jerry", "three": "jerry"}
    # The latest time is five minutes ago, or when recovery was enabled.
    assert restored("early", RestoreDateTime=enabled) == before
    assert restored("latest", UseLatestRestorableTime=True) == before
    setting("recovery_delay_seconds", 0)
    assert restored("now", UseLatestRestorableTime=True) == after


def _restores(dynamodb, table, arn):
    """Both calls that restore a table, each with its source."""
    return (
        (dynamodb.restore_table_from_backup, {"BackupArn": arn}),
        (dynamodb.restore_table_to_point_in_time, {"SourceTableName": table, "UseLatestRestorableTime": True}),
    )


def _encryption(key):
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def test_a_key_of_another_region_is_refused_and_restores_keep_the_key_or_take_another(dynamodb, table, update, setting):
    setting("recovery_delay_seconds", 0)
    dynamodb.update_table(TableName=table, SSESpecification=_encryption(KEY))
    update()
    arn = dynamodb.create_backup(TableName=table, BackupName="by-hand")["BackupDetails"]["BackupArn"]
    restores = _restores(dynamodb, table, arn)
    far = {"SSESpecificationOverride": _encryption(FAR), "TargetTableName": f"{table}-far"}
    for call, arguments in (
        (dynamodb.create_table, KEYED | {"TableName": f"{table}-far", "SSESpecification": _encryption(FAR)}),
        (dynamodb.update_table, {"TableName": table, "SSESpecification": _encryption(FAR)}),
        *((restore, source | far) for restore, source in restores),
    ):
        status, code, text = refused(call, **arguments)
        assert (status, code, FAR in text) == (400, "ValidationException", True)
    for kind, (restore, source) in enumerate(restores):
        for key, override in ((KEY, {}), (f"{KEY}2", {"SSESpecificationOverride": _encryption(f"{KEY}2")})):
            name = f"{table}-{kind}-{len(override)}"
            restore(TargetTableName=name, **source, **override)
            shown = dynamodb.describe_table(TableName=name)["Table"]
            assert shown["SSEDescription"]["KMSMasterKeyArn"] == key


def test_a_table_with_a_customer_key_needs_callers_who_may_decrypt(client, dynamodb, caller, name):
    root = allow("kms:*", Principal={"AWS": "arn:aws:iam::000000000000:root"})
    key = client("kms").create_key(Policy=policy(root))["KeyMetadata"]["Arn"]
    dynamodb.create_table(TableName=name, SSESpecification=_encryption(key), **KEYED)
    user = caller(allow("dynamodb:*"))("dynamodb")
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
    caller(allow("dynamodb:*"), allow("kms:Decrypt", on=key, Condition=through))
    for call, arguments in calls:
        call(**arguments)


def test_a_table_with_recovery_leaves_a_system_backup_that_cannot_be_deleted(dynamodb, update, table):
    update()
    dynamodb.delete_table(TableName=table)

    def listed(**kind):
        return dynamodb.list_backups(TableName=table, **kind)["BackupSummaries"]

    (kept,) = listed(BackupType="SYSTEM")
    assert (kept["BackupName"], kept["BackupType"]) == (f"{table}$DeletedTableBackup", "SYSTEM")
    assert 34 <= (kept["BackupExpiryDateTime"] - kept["BackupCreationDateTime"]).days <= 35
    assert (listed(), listed(BackupType="ALL")) == ([], [kept])
    arn = kept["BackupArn"]
    status, code, text = refused(dynamodb.delete_backup, BackupArn=arn)
    assert (status, code) == (400, "ValidationException")
    assert text.startswith(f"User is not allowed to delete the system backup with arn {arn}. It will automatically ")
    dynamodb.restore_table_from_backup(TargetTableName=f"{table}-back", BackupArn=arn)
    assert dynamodb.scan(TableName=f"{table}-back")["Count"] == 2


def test_a_table_without_recovery_leaves_no_backup_or_setting(dynamodb, update, table, recovery_of, expiry_of):
    update()
    update(enabled=False)
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.delete_table(TableName=table)
    assert dynamodb.list_backups(TableName=table, BackupType="ALL")["BackupSummaries"] == []
    dynamodb.create_table(TableName=table, **KEYED)
    assert recovery_of(table) == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert expiry_of(table)["TimeToLiveStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=table_arn(table))["Tags"] == []
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_a_restore_takes_the_billing_mode_and_capacity_of_its_request(dynamodb, table, update, setting):
    update()
    for step in ("recovery_delay", "restore_job"):
        setting(f"{step}_seconds", 0)
    arn = dynamodb.create_backup(TableName=table, BackupName="by-hand")["BackupDetails"]["BackupArn"]
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
    most = {"MaxReadRequestUnits": 7, "MaxWriteRequestUnits": 8}
    given = {"BillingModeOverride": "PROVISIONED", "ProvisionedThroughputOverride": units}
    for kind, (restore, source) in enumerate(_restores(dynamodb, table, arn)):
        restore(TargetTableName=f"{table}-{kind}", **source, **given)
        shown = dynamodb.describe_table(TableName=f"{table}-{kind}")["Table"]
        assert units.items() <= shown["ProvisionedThroughput"].items()
        restore(TargetTableName=f"{table}-{kind}-most", **source, OnDemandThroughputOverride=most)
        assert dynamodb.describe_table(TableName=f"{table}-{kind}-most")["Table"]["OnDemandThroughput"] == most
