"""DynamoDB's own backups and point-in-time recovery.

Sources: botocore dynamodb model (BackupTypeFilter, time range, RecoveryPeriodInDays) and
github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks (the rest, measured on AWS).
"""

import datetime
import re

import pytest

from embedded_aws.tests.support.steps import refused, table_arn


@pytest.fixture
def backup(client, table):
    """The ARN of an on-demand backup of the test's own table."""
    made = client("dynamodb").create_backup(TableName=table, BackupName="mine")["BackupDetails"]
    assert made["BackupStatus"] == "CREATING"
    return made["BackupArn"]


def test_a_backup_has_the_ARN_of_AWS_and_becomes_available(client, backup, table):
    assert re.fullmatch(re.escape(table_arn(table)) + r"/backup/0\d{13}-[0-9a-f]{8}", backup)
    shown = client("dynamodb").describe_backup(BackupArn=backup)["BackupDescription"]
    assert shown["BackupDetails"]["BackupStatus"] == "AVAILABLE"


@pytest.mark.usefixtures("backup")
def test_backups_are_listed_by_type_and_time(client, table):
    def count(**filters):
        answer = client("dynamodb").list_backups(TableName=table, **filters)
        return len(answer["BackupSummaries"])

    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.UTC)
    assert count() == 1
    assert count(BackupType="USER") == 1
    assert count(BackupType="ALL") == 1
    assert count(BackupType="SYSTEM") == 0
    assert count(BackupType="AWS_BACKUP") == 0
    assert count(TimeRangeLowerBound=now - hour, TimeRangeUpperBound=now + hour) == 1
    assert count(TimeRangeLowerBound=now + hour) == 0
    assert count(TimeRangeUpperBound=now - hour) == 0


def test_backups_are_paged(client, backup, table):
    dynamodb = client("dynamodb")
    for _ in range(2):
        dynamodb.create_backup(TableName=table, BackupName="mine")  # names are not unique
    pages = list(dynamodb.get_paginator("list_backups").paginate(TableName=table, PaginationConfig={"PageSize": 2}))
    assert [len(page["BackupSummaries"]) for page in pages] == [2, 1]
    arns = {entry["BackupArn"] for page in pages for entry in page["BackupSummaries"]}
    assert len(arns) == 3
    assert backup in arns


def test_a_deleted_backup_says_so_and_is_gone(client, backup):
    dynamodb = client("dynamodb")
    gone = dynamodb.delete_backup(BackupArn=backup)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    assert refused(dynamodb.delete_backup, BackupArn=backup) == (
        400,
        "BackupNotFoundException",
        f"Backup not found: {backup}",
    )


def test_a_restore_names_its_source_and_refuses_a_taken_name(client, backup, table):
    dynamodb = client("dynamodb")
    restore = dynamodb.restore_table_from_backup
    assert refused(restore, TargetTableName=table, BackupArn=backup) == (
        400,
        "TableAlreadyExistsException",
        f"Table already exists: {table}",
    )
    made = restore(TargetTableName=f"{table}-2", BackupArn=backup)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["RestoreSummary"]["SourceTableArn"] == table_arn(table)
    assert made["RestoreSummary"]["SourceBackupArn"] == backup
    assert dynamodb.scan(TableName=f"{table}-2")["Count"] == 2


def test_a_table_tells_what_it_is_restored_from_until_it_is_active(client, backup, table, setting):
    dynamodb = client("dynamodb")
    made = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]
    setting("restore_job_seconds", 60)
    dynamodb.restore_table_from_backup(TargetTableName=f"{table}-2", BackupArn=backup)
    shown = dynamodb.describe_table(TableName=f"{table}-2")["Table"]
    assert (shown["TableStatus"], shown["RestoreSummary"]) == (
        "CREATING",
        {
            "SourceBackupArn": backup,
            "SourceTableArn": table_arn(table),
            "RestoreDateTime": made["BackupCreationDateTime"],
            "RestoreInProgress": True,
        },
    )
    setting("restore_job_seconds", 0)
    dynamodb.restore_table_from_backup(TargetTableName=f"{table}-3", BackupArn=backup)
    shown = dynamodb.describe_table(TableName=f"{table}-3")["Table"]
    assert (shown["TableStatus"], "RestoreSummary" in shown) == ("ACTIVE", False)


class TestPointInTimeRecovery:
    @pytest.fixture
    def update(self, client, table):
        """Change the recovery of the test's own table; return what it then is."""

        def call(**specification):
            answer = client("dynamodb").update_continuous_backups(
                TableName=table, PointInTimeRecoverySpecification=specification
            )
            return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]

        return call

    def test_the_period_is_kept_and_the_window_never_begins_before_it_was_enabled(self, update):
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
        shown = update(PointInTimeRecoveryEnabled=True)
        assert shown["PointInTimeRecoveryStatus"] == "ENABLED"
        assert shown["RecoveryPeriodInDays"] == 35
        assert before < shown["EarliestRestorableDateTime"] <= shown["LatestRestorableDateTime"]
        again = update(PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=7)
        assert again["RecoveryPeriodInDays"] == 7
        assert again["EarliestRestorableDateTime"] == shown["EarliestRestorableDateTime"]

    @pytest.mark.parametrize(("enabled", "days"), [(True, 36), (False, 7)])
    def test_a_period_that_AWS_refuses(self, client, table, enabled, days):
        answer = refused(
            client("dynamodb").update_continuous_backups,
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled, "RecoveryPeriodInDays": days},
        )
        assert answer[:2] == (400, "ValidationException")

    def test_a_missing_table(self, client, name):
        answer = refused(client("dynamodb").describe_continuous_backups, TableName=name)
        assert answer[:2] == (400, "TableNotFoundException")

    def test_a_restore_needs_it(self, client, table, update):
        restore = client("dynamodb").restore_table_to_point_in_time
        target = {"SourceTableName": table, "TargetTableName": f"{table}-2"}
        assert refused(restore, UseLatestRestorableTime=True, **target) == (
            400,
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{table}'",
        )
        update(PointInTimeRecoveryEnabled=True)
        hour = datetime.timedelta(hours=1)
        now = datetime.datetime.now(datetime.UTC)
        for wrong in (now - hour, now + hour):
            answer = refused(restore, RestoreDateTime=wrong, **target)
            assert answer[1] == "InvalidRestoreTimeException"
        made = restore(UseLatestRestorableTime=True, **target)["TableDescription"]
        assert made["RestoreSummary"]["SourceTableArn"] == table_arn(table)

    def test_a_restored_table_has_the_items_of_that_time(self, client, table, update, setting):
        dynamodb = client("dynamodb")
        enabled = update(PointInTimeRecoveryEnabled=True)["EarliestRestorableDateTime"]
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
            dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=f"{table}-{name}", **moment)
            items = dynamodb.scan(TableName=f"{table}-{name}")["Items"]
            return {item["pk"]["S"]: item["User"]["S"] for item in items}

        before, now = {"one": "tom", "two": "tom"}, {"two": "jerry", "three": "jerry"}
        # The latest time is five minutes ago, or when recovery was enabled.
        assert restored("early", RestoreDateTime=enabled) == before
        assert restored("latest", UseLatestRestorableTime=True) == before
        setting("recovery_delay_seconds", 0)
        assert restored("now", UseLatestRestorableTime=True) == now
