"""A role reaches what is its stage's, and nothing of another one's."""

import pytest

from embedded_aws.tests.support.steps import KEYED, back_up, create_backup_role
from tests.privileges.assemblies import BUCKET
from tests.privileges.exercises import DENIED, basic, copy_to, point, restore_as
from tests.privileges.stage import refusal

OTHER = "Messages-other"


@pytest.fixture(scope="session", autouse=True)  # a worker may come back to this module
def other(client, stage):
    """The ARN of another stage's stream, whose table, vault, queue and code there are too."""
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    made = client("dynamodb").create_table(TableName=OTHER, StreamSpecification=stream, **KEYED)
    client("backup").create_backup_vault(BackupVaultName=OTHER)
    client("s3").put_object(Bucket=BUCKET, Key="code.zip", Body=b"x")
    client("sqs").create_queue(QueueName=OTHER)
    stage.deploy_template(stage.template)
    return made["TableDescription"]["LatestStreamArn"]


KEY = {"TableName": OTHER, "Key": {"pk": {"S": "x"}}}
ITEM = {"TableName": OTHER, "Item": {"pk": {"S": "x"}}}
QUERY = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "x"}}}
SEND = {"QueueUrl": f"https://localhost/000000000000/{OTHER}", "MessageBody": "x"}
# Whose credentials, of which service, which call, with what.
FOREIGN = [
    ("SeedSeedingRole", "dynamodb", "put_item", ITEM),
    ("SeedSeedingRole", "dynamodb", "scan", {"TableName": OTHER}),
    ("SeedSeedingRole", "dynamodb", "delete_table", {"TableName": OTHER}),
    ("SeedSeedingRole", "s3", "get_object", {"Bucket": BUCKET, "Key": "code.zip"}),
    ("SeedSeedingRole", "cognito-idp", "list_users", {"UserPoolId": "us-east-1_Another12"}),
    ("ConversationsIndexingRole", "dynamodb", "query", {"TableName": OTHER, **QUERY}),
    ("ConversationsIndexingRole", "dynamodb", "delete_item", KEY),
    ("ConversationsIndexingRole", "sqs", "send_message", SEND),
    ("DatasetWorkerRole", "dynamodb", "put_item", ITEM),
    ("DatasetWorkerRole", "dynamodb", "delete_item", KEY),
    ("DatasetCheckingRole", "s3", "get_object", {"Bucket": BUCKET, "Key": "code.zip"}),
    ("BackupTestingValidationRole", "dynamodb", "scan", {"TableName": OTHER}),
    ("BackupTestingValidationRole", "dynamodb", "describe_table", {"TableName": OTHER}),
    ("BackupEmptyingRole", "backup", "list_recovery_points_by_backup_vault", {"BackupVaultName": OTHER}),
    ("BackupEmptyingRole", "backup", "delete_backup_vault", {"BackupVaultName": OTHER}),
    ("BackupRole", "dynamodb", "delete_table", {"TableName": OTHER}),
    ("SeedProviderRole", "lambda", "list_functions", {}),
]


@pytest.mark.parametrize(
    ("holder", "service", "call", "arguments"), FOREIGN, ids=[f"{holder} {call}" for holder, _, call, _ in FOREIGN]
)
def test_what_is_another_stages_is_refused(stage, holder, service, call, arguments):
    found = refusal(getattr(stage.as_role(holder, service), call), **arguments)
    assert "denied" in found.lower()


def test_another_tables_stream_is_not_read(stage, other):
    found = refusal(
        stage.client("lambda").create_event_source_mapping,
        FunctionName=stage.name("ConversationsIndexingFunction"),
        EventSourceArn=other,
        StartingPosition="LATEST",
    )
    assert "Cannot access stream" in found


def test_another_stages_table_is_not_backed_up_and_no_backup_copied_to_another_vault(stage):
    job = back_up(stage.client, OTHER, OTHER, stage.role("BackupRole"))
    assert (job["State"], DENIED in job["StatusMessage"]) == ("FAILED", True)
    job = copy_to(stage, "BackupRole", OTHER)
    assert job["State"] == "FAILED"
    assert f"{DENIED}: backup:DescribeBackupVault" in job["StatusMessage"]


@pytest.mark.parametrize("holder", ["BackupRestoreRole", "BackupTestingRole"])
@pytest.mark.parametrize("target", [f"{OTHER}.restored", "Messages"])
def test_a_restore_takes_no_name_of_another_stage(stage, holder, target):
    job = restore_as(stage, holder, point(stage), target)
    assert (job["Status"], DENIED in job["StatusMessage"]) == ("FAILED", True)


def test_another_stages_backup_kept_by_dynamodb_is_not_restored(stage, client):
    role = create_backup_role(client, f"{OTHER}-role", "backup.amazonaws.com", "dynamodb:*")
    with basic(stage):
        arn = back_up(client, OTHER, OTHER, role)["RecoveryPointArn"]
        job = restore_as(stage, "BackupRestoreRole", arn, f"{stage.table}.foreign")
    assert (job["Status"], DENIED in job["StatusMessage"]) == ("FAILED", True)


def test_another_vaults_recovery_point_is_not_deleted(stage):
    arn = back_up(stage.client, OTHER, OTHER, stage.helper)["RecoveryPointArn"]
    backup = stage.as_role("BackupEmptyingRole", "backup")
    found = refusal(backup.delete_recovery_point, BackupVaultName=OTHER, RecoveryPointArn=arn)
    assert f"{DENIED}: backup:DeleteRecoveryPoint" in found


@pytest.mark.parametrize("holder", ["SeedSeedingRole", "ConversationsIndexingRole", "BackupRole"])
def test_the_key_is_used_through_dynamodb_alone(stage, client, holder):
    key = stage.name("StageKey")
    secret = client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    found = refusal(stage.as_role(holder, "kms").decrypt, KeyId=key, CiphertextBlob=secret)
    assert f"{DENIED}: kms:Decrypt" in found


def test_a_function_is_called_by_its_own_framework_alone(stage):
    function = stage.name("DatasetStartingFunction")
    caller = stage.as_role("SeedProviderRole", "lambda")
    assert f"{DENIED}: lambda:InvokeFunction" in refusal(caller.invoke, FunctionName=function)
