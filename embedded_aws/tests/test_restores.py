"""Restores of recovery points, and restore testing plans, which never run.

Sources: botocore backup model; AWS Backup guide, "Restore a DynamoDB database" (metadata);
github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks/table-restore.md (what a restored table
lacks); API reference, DeleteRestoreTestingPlan. That a taken name ends in FAILED is not verified on AWS.
"""

import pytest

from embedded_aws.tests.support.steps import (
    INVALID,
    KEY,
    NOT_FOUND,
    back_up,
    code_of,
    grant,
    listed,
    restored,
    table_arn,
)

POINTS = {"Algorithm": "LATEST_WITHIN_WINDOW", "RecoveryPointTypes": ["SNAPSHOT"], "IncludeVaults": ["*"]}


@pytest.fixture
def point(client, backup, dynamodb, table, vault, backup_role):  # noqa: ARG001 (jobs take no time)
    """Arguments that name a recovery point of a table with everything a restore drops, and its role."""
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.update_table(TableName=table, StreamSpecification=stream, DeletionProtectionEnabled=True)
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
    arn = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    return {"RecoveryPointArn": arn, "IamRoleArn": backup_role}


def test_a_restored_table_has_items_and_indexes_alone(backup, dynamodb, point, table, setting, recovery_of, expiry_of):
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "later"}})
    setting("restore_job_seconds", 60)
    job = backup.start_restore_job(Metadata={"TargetTableName": f"{table}-1"}, **point)["RestoreJobId"]
    shown = dynamodb.describe_table(TableName=f"{table}-1")["Table"]
    assert (shown["TableStatus"], shown["RestoreSummary"]["SourceTableArn"]) == ("CREATING", table_arn(table))
    shown = backup.describe_restore_job(RestoreJobId=job)
    assert shown["Status"] in ("PENDING", "RUNNING")
    assert "CreatedResourceArn" not in shown

    setting("restore_job_seconds", 0)
    target = f"{table}-2"
    asked = {"Metadata": {"targetTableName": target, "encryptionType": "Default"}, "IdempotencyToken": table}
    shown = restored(backup, **asked, **point)
    job = shown["RestoreJobId"]
    assert shown["Status"] == "COMPLETED"
    assert (shown["CreatedResourceArn"], shown["SourceResourceArn"]) == (table_arn(target), table_arn(table))
    items = dynamodb.scan(TableName=target)["Items"]
    assert sorted(item["pk"]["S"] for item in items) == ["one", "two"]
    assert dynamodb.scan(TableName=target, IndexName="ByUser")["Count"] == 2
    shown = dynamodb.describe_table(TableName=target)["Table"]
    assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert (shown["TableStatus"], shown["DeletionProtectionEnabled"]) == ("ACTIVE", False)
    assert "StreamSpecification" not in shown
    assert expiry_of(target)["TimeToLiveStatus"] == "DISABLED"
    assert recovery_of(target)["PointInTimeRecoveryStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=table_arn(target))["Tags"] == []

    assert backup.start_restore_job(**asked, **point)["RestoreJobId"] == job, "the token names the job"
    by_resource = backup.list_restore_jobs_by_protected_resource(ResourceArn=table_arn(table))["RestoreJobs"]
    assert job in [entry["RestoreJobId"] for entry in by_resource]
    jobs = listed(backup, "list_restore_jobs", ByStatus="COMPLETED")
    assert job in [entry["RestoreJobId"] for entry in jobs]
    assert backup.get_restore_job_metadata(RestoreJobId=job)["Metadata"] == asked["Metadata"]


@pytest.mark.parametrize(
    ("specification", "kept"),
    [
        ({"Enabled": False}, {"encryptionType": "Default"}),
        ({"Enabled": True}, {"encryptionType": "KMS", "kmsMasterKeyArn": "Not Applicable"}),
        ({"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}, {"encryptionType": "KMS", "kmsMasterKeyArn": KEY}),
    ],
)
def test_a_point_keeps_its_tables_encryption(client, backup, dynamodb, table, vault, backup_role, specification, kept):
    dynamodb.update_table(TableName=table, SSESpecification=specification)
    arn = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    shown = backup.get_recovery_point_restore_metadata(BackupVaultName=vault, RecoveryPointArn=arn)["RestoreMetadata"]
    assert {key: value for key, value in shown.items() if key != "aws:backup:request-id"} == kept


def test_a_restore_takes_a_key_of_its_region_or_fails(client, backup, dynamodb, point, table, role, name):
    target = f"{table}-denied"

    def failed(metadata, **more):
        shown = restored(backup, Metadata={"targetTableName": target} | metadata, **(point | more))
        assert shown["Status"] == "FAILED"
        return shown["StatusMessage"]

    encrypted = {"targetTableName": f"{table}-key", "encryptionType": "KMS", "kmsMasterKeyArn": KEY}
    restored(backup, Metadata=encrypted, **point)
    shown = dynamodb.describe_table(TableName=f"{table}-key")["Table"]
    assert shown["SSEDescription"]["KMSMasterKeyArn"] == KEY
    far = KEY.replace("us-east-1", "eu-west-1")
    assert "eu-west-1" in failed({"encryptionType": "KMS", "kmsMasterKeyArn": far})
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "three"}})
    assert failed({"targetTableName": table}) == f"Table already exists: {table}"
    assert dynamodb.scan(TableName=table)["Count"] == 3
    bare = role("backup.amazonaws.com")
    for missing in ("dynamodb:RestoreTableFromAwsBackup", "dynamodb:BatchWriteItem"):
        assert f"not authorized to perform: {missing}" in failed({}, IamRoleArn=bare)
        grant(client, f"{name}-role", missing)
    assert code_of(dynamodb.describe_table, TableName=target) == NOT_FOUND
    start, gone = backup.start_restore_job, point | {"RecoveryPointArn": f"{point['RecoveryPointArn'][:-4]}0000"}
    assert code_of(start, Metadata={"encryptionType": "Default"}, **point) == INVALID
    assert code_of(start, Metadata={"targetTableName": "x-y-z"}, **gone) == NOT_FOUND


def _plan(name, **more):
    schedule = "cron(0 6 ? * SUN *)"
    return {"RestoreTestingPlanName": name, "ScheduleExpression": schedule, "RecoveryPointSelection": POINTS} | more


def _selection(role, **more):
    selection = {"RestoreTestingSelectionName": "tables", "ProtectedResourceType": "DynamoDB", "IamRoleArn": role}
    return selection | {"ProtectedResourceArns": ["*"]} | more


def test_a_testing_plan_its_selection_and_its_test(backup, name, backup_role, point, table):
    made = backup.create_restore_testing_plan(RestoreTestingPlan=_plan(name), Tags={"a": "b"})
    arn, mine = made["RestoreTestingPlanArn"], {"RestoreTestingPlanName": name}
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    shown = backup.get_restore_testing_plan(**mine)["RestoreTestingPlan"]
    assert shown["StartWindowHours"] == 24
    assert shown["RecoveryPointSelection"]["SelectionWindowDays"] == 30
    pages = backup.get_paginator("list_restore_testing_plans").paginate(PaginationConfig={"PageSize": 1})
    assert name in [each["RestoreTestingPlanName"] for page in pages for each in page["RestoreTestingPlans"]]
    any_point = {"RecoveryPointSelection": POINTS | {"Algorithm": "ANY"}}
    for wrong in (_plan("with-hyphen"), _plan(f"{name}_2", **any_point)):
        assert code_of(backup.create_restore_testing_plan, RestoreTestingPlan=wrong) == INVALID

    selection = {"RestoreTestingSelectionName": "tables", **mine}
    backup.create_restore_testing_selection(RestoreTestingSelection=_selection(backup_role), **mine)
    (found,) = backup.list_restore_testing_selections(**mine)["RestoreTestingSelections"]
    assert found["RestoreTestingSelectionName"] == "tables"
    found = backup.get_restore_testing_selection(**selection)["RestoreTestingSelection"]
    assert found["IamRoleArn"] == backup_role

    # A restore with the role of a selection is a test of its plan.
    job = restored(backup, Metadata={"targetTableName": f"{table}-tested"}, **point)
    assert job["CreatedBy"] == {"RestoreTestingPlanArn": arn}
    tested = {"RestoreJobId": job["RestoreJobId"]}
    backup.put_restore_validation_result(ValidationStatus="FAILED", ValidationStatusMessage="no", **tested)
    shown = backup.describe_restore_job(**tested)
    assert (shown["ValidationStatus"], shown["ValidationStatusMessage"]) == ("FAILED", "no")

    assert code_of(backup.delete_restore_testing_plan, **mine) == "InvalidRequestException"
    backup.delete_restore_testing_selection(**selection)
    backup.delete_restore_testing_plan(**mine)
    assert code_of(backup.get_restore_testing_plan, **mine) == NOT_FOUND
