"""Fixtures of the embedded AWS's own tests."""

import pytest

from embedded_aws.tests.support.recorded import KEY
from embedded_aws.tests.support.stacks import Stack
from embedded_aws.tests.support.steps import back_up, create_backup_role, policy
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
def caller(client, name):
    """``caller(statement, ...)``: makes clients of a role that has these statements and no others."""
    iam, role = client("iam"), f"{name}-caller"
    trusting = policy({"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
    given = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}

    def make(*statements):
        iam.put_role_policy(RoleName=role, PolicyName="given", PolicyDocument=policy(*statements))
        return lambda service: client(service, aws_session_token=given["SessionToken"], **keys)

    return make


@pytest.fixture
def streams_with(client, name, tmp_path, setting):
    """``streams_with(key="id")``: a table with a stream; mappings change and failed batches are retried immediately."""
    setting("mapping_change_seconds", 0)
    setting("stream_retry_seconds", 0.01)
    made = []

    def make(**settings):
        made.append(Streams(client, name, tmp_path / "notes", **settings))
        return made[0]

    yield make
    for streams in made:
        streams.clean()


@pytest.fixture
def streams(streams_with):
    """A table with a stream."""
    return streams_with()


@pytest.fixture
def recorded(streams_with):
    """A table like most of those in LocalStack's recorded answers."""
    return streams_with(key=KEY, view="NEW_IMAGE")
