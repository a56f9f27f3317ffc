"""Restores of recovery points, and restore testing plans, which never run.

Sources: botocore backup model; AWS Backup guide, "Restore a DynamoDB database" (metadata);
github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks/table-restore.md (what a restored table
lacks); API reference, DeleteRestoreTestingPlan. That a taken name ends in FAILED is not verified on AWS.
"""

import pytest

from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import back_up, code_of, create_backup_role, grant, refused, restored, table_arn

KEY = "arn:aws:kms:us-east-1:000000000000:key/2f1a"
POINTS = {"Algorithm": "LATEST_WITHIN_WINDOW", "RecoveryPointTypes": ["SNAPSHOT"], "IncludeVaults": ["*"]}


@pytest.fixture
def point(client, dynamodb, table, vault, backup_role, setting):
    """Arguments that name a recovery point of a table with everything a restore drops, and its role."""
    setting("backup_job_seconds", 0)
    setting("restore_job_seconds", 0)
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.update_table(TableName=table, StreamSpecification=stream, DeletionProtectionEnabled=True)
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    arn = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    return {"RecoveryPointArn": arn, "IamRoleArn": backup_role}


def test_a_restored_table_has_the_items_but_no_stream_expiry_recovery_or_tags(backup, dynamodb, point, table, setting):
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "later"}})
    setting("restore_job_seconds", 1)
    metadata = {"TargetTableName": f"{table}-1", "encryptionType": "Default"}
    job = backup.start_restore_job(Metadata=metadata, **point)["RestoreJobId"]
    being = dynamodb.describe_table(TableName=f"{table}-1")["Table"]
    shown = backup.describe_restore_job(RestoreJobId=job)
    if shown["Status"] != "COMPLETED":  # a slow machine may have missed it
        assert being["TableStatus"] == "CREATING"
        assert being["RestoreSummary"]["SourceTableArn"] == table_arn(table)
        assert "CreatedResourceArn" not in shown
    setting("restore_job_seconds", 0)
    target = f"{table}-2"
    shown = restored(backup, Metadata={"targetTableName": target}, **point)
    assert shown["Status"] == "COMPLETED"
    assert (shown["CreatedResourceArn"], shown["SourceResourceArn"]) == (table_arn(target), table_arn(table))
    items = dynamodb.scan(TableName=target)["Items"]
    assert sorted(item["pk"]["S"] for item in items) == ["one", "two"]
    found = dynamodb.query(
        TableName=target,
        IndexName="ByUser",
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "User"},
        ExpressionAttributeValues={":u": {"S": "tom"}},
    )
    assert found["Count"] == 2

    shown = dynamodb.describe_table(TableName=target)["Table"]
    assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert (shown["TableStatus"], shown["DeletionProtectionEnabled"]) == ("ACTIVE", False)
    assert "StreamSpecification" not in shown
    expiry = dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"
    recovery = dynamodb.describe_continuous_backups(TableName=target)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"] == []


def test_a_key_of_the_region_is_applied_and_another_fails_the_job(backup, dynamodb, point, table):
    metadata = {"targetTableName": f"{table}-key", "encryptionType": "KMS", "kmsMasterKeyArn": KEY}
    restored(backup, Metadata=metadata, **point)
    shown = dynamodb.describe_table(TableName=f"{table}-key")["Table"]
    assert shown["SSEDescription"]["KMSMasterKeyArn"] == KEY
    far = {"targetTableName": f"{table}-far", "kmsMasterKeyArn": KEY.replace("us-east-1", "eu-west-1")}
    shown = restored(backup, Metadata=metadata | far, **point)
    assert (shown["Status"], "eu-west-1" in shown["StatusMessage"]) == ("FAILED", True)
    assert code_of(dynamodb.describe_table, TableName=f"{table}-far") == "ResourceNotFoundException"


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
    arn = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    shown = client("backup").get_recovery_point_restore_metadata(BackupVaultName=vault, RecoveryPointArn=arn)
    assert {k: v for k, v in shown["RestoreMetadata"].items() if k != "aws:backup:request-id"} == kept


def test_a_restore_fails_or_is_refused(client, backup, dynamodb, point, table, name):
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "three"}})
    taken = restored(backup, Metadata={"targetTableName": table}, **point)
    assert (taken["Status"], taken["StatusMessage"]) == ("FAILED", f"Table already exists: {table}")
    assert dynamodb.scan(TableName=table)["Count"] == 3
    bare, target = point | {"IamRoleArn": create_backup_role(client, f"{name}-bare")}, f"{table}-denied"
    for missing in ("dynamodb:RestoreTableFromAwsBackup", "dynamodb:BatchWriteItem"):
        shown = restored(backup, Metadata={"targetTableName": target}, **bare)
        assert shown["Status"] == "FAILED"
        assert f"not authorized to perform: {missing}" in shown["StatusMessage"]
        grant(client, f"{name}-bare", missing)
    assert code_of(dynamodb.describe_table, TableName=target) == "ResourceNotFoundException"
    start, gone = backup.start_restore_job, point | {"RecoveryPointArn": f"{point['RecoveryPointArn'][:-4]}0000"}
    assert code_of(start, Metadata={"encryptionType": "Default"}, **point) == "InvalidParameterValueException"
    assert code_of(start, Metadata={"targetTableName": "x-y-z"}, **gone) == "ResourceNotFoundException"


def test_jobs_are_listed(backup, point, table):
    arguments = point | {"Metadata": {"targetTableName": f"{table}-listed"}, "IdempotencyToken": table}
    job = restored(backup, **arguments)["RestoreJobId"]
    assert backup.start_restore_job(**arguments)["RestoreJobId"] == job
    by_resource = backup.list_restore_jobs_by_protected_resource(ResourceArn=table_arn(table))
    assert [entry["RestoreJobId"] for entry in by_resource["RestoreJobs"]] == [job]
    listed = backup.list_restore_jobs(ByStatus="COMPLETED")["RestoreJobs"]
    assert job in [entry["RestoreJobId"] for entry in listed]
    assert backup.get_restore_job_metadata(RestoreJobId=job)["Metadata"] == arguments["Metadata"]


def _plan(name, **more):
    schedule = "cron(0 6 ? * SUN *)"
    return {"RestoreTestingPlanName": name, "ScheduleExpression": schedule, "RecoveryPointSelection": POINTS} | more


def _selection(role):
    return {
        "RestoreTestingSelectionName": "tables",
        "ProtectedResourceType": "DynamoDB",
        "IamRoleArn": role,
        "ProtectedResourceArns": ["*"],
    }


def test_a_testing_plan_its_selection_and_its_test(backup, name, backup_role, point, table):
    made = backup.create_restore_testing_plan(RestoreTestingPlan=_plan(name), Tags={"a": "b"})
    arn, mine = made["RestoreTestingPlanArn"], {"RestoreTestingPlanName": name}
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    shown = backup.get_restore_testing_plan(**mine)["RestoreTestingPlan"]
    assert shown["StartWindowHours"] == 24
    assert shown["RecoveryPointSelection"]["SelectionWindowDays"] == 30
    pages = backup.get_paginator("list_restore_testing_plans").paginate(PaginationConfig={"PageSize": 1})
    assert name in [p["RestoreTestingPlanName"] for q in pages for p in q["RestoreTestingPlans"]]
    for change in (
        {"RestoreTestingPlanName": "with-hyphen"},
        {"RecoveryPointSelection": POINTS | {"Algorithm": "ANY"}},
    ):
        wrong = _plan(f"{name}_2", **change)
        assert code_of(backup.create_restore_testing_plan, RestoreTestingPlan=wrong) == "InvalidParameterValueException"

    selection = {"RestoreTestingSelectionName": "tables", **mine}
    backup.create_restore_testing_selection(RestoreTestingSelection=_selection(backup_role), **mine)
    (listed,) = backup.list_restore_testing_selections(**mine)["RestoreTestingSelections"]
    assert listed["RestoreTestingSelectionName"] == "tables"
    got = backup.get_restore_testing_selection(**selection)["RestoreTestingSelection"]
    assert got["IamRoleArn"] == backup_role

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
    assert code_of(backup.get_restore_testing_plan, **mine) == "ResourceNotFoundException"


def test_a_stack_with_testing_plan_and_selection(client, backup, name, backup_role):
    def resources(**more):
        selection = _selection(backup_role) | {"RestoreTestingPlanName": {"Ref": "Plan"}}
        return {
            "Plan": resource("AWS::Backup::RestoreTestingPlan", _plan(name, **more)),
            "Selection": resource("AWS::Backup::RestoreTestingSelection", selection),
        }

    stack, mine = Stack(client, name).create(**resources()), {"RestoreTestingPlanName": name}
    assert (stack.status, stack.output("Plan")) == ("CREATE_COMPLETE", name)
    assert stack.update(**resources(StartWindowHours=12)).status == "UPDATE_COMPLETE"
    assert backup.get_restore_testing_plan(**mine)["RestoreTestingPlan"]["StartWindowHours"] == 12
    (listed,) = backup.list_restore_testing_selections(**mine)["RestoreTestingSelections"]
    assert listed["ProtectedResourceType"] == "DynamoDB"
    assert stack.delete().status == "DELETE_COMPLETE"
    assert refused(backup.get_restore_testing_plan, **mine)[1] == "ResourceNotFoundException"
