"""Fixtures of the embedded AWS's own tests."""

import pytest

from embedded_aws.tests.support.stacks import Stack
from embedded_aws.tests.support.steps import back_up, create_backup_role
from embedded_aws.tests.support.stream_readers import Streams


@pytest.fixture
def backup(client, setting):
    """AWS Backup, whose jobs and deletions take no time."""
    for step in ("backup_job", "restore_job", "recovery_point_deleting", "vault_lag"):
        setting(f"{step}_seconds", 0)
    return client("backup")


@pytest.fixture
def dynamodb(client):
    return client("dynamodb")


@pytest.fixture
def recovery_of(dynamodb):
    """``recovery_of(table)``: its point-in-time recovery."""

    def describe(table):
        shown = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        return shown["PointInTimeRecoveryDescription"]

    return describe


@pytest.fixture
def expiry_of(dynamodb):
    """``expiry_of(table)``: its time to live."""
    return lambda table: dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]


@pytest.fixture
def stack(client, name):
    """A stack that is not created yet."""
    return Stack(client, name)


@pytest.fixture
def point(client, backup, table, backup_role, vault):  # noqa: ARG001 (jobs take no time)
    """Arguments that name a recovery point of the test's own table."""
    job = back_up(
        client, vault, table, backup_role, Lifecycle={"DeleteAfterDays": 35}, RecoveryPointTags={"kind": "manual"}
    )
    return {"BackupVaultName": vault, "RecoveryPointArn": job["RecoveryPointArn"]}


@pytest.fixture
def role(client, name):
    """``role(LAMBDA, "s3:GetObject")``: the ARN of a role with these actions on everything."""
    return lambda service, *actions, suffix="role": create_backup_role(client, f"{name}-{suffix}", service, *actions)


@pytest.fixture
def streams(client, name, tmp_path, setting):
    """A table with a stream, whose failed batches are sent again almost immediately."""
    setting("stream_retry_seconds", 0.01)
    made = Streams(client, name, tmp_path / "notes")
    yield made
    made.clean()
