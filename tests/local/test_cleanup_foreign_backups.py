"""A clean-up leaves on-demand backups alone that only look like the deployment's."""

import json
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from embedded_aws.tests.support.engine import configure
from tests.support.ops_deployment import QUICK, USUAL, Deployment


@pytest.fixture
def stage(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK)
    with closing(Deployment(client, name)) as stage:
        yield stage
    configure(aws, **USUAL)


def _make_table(stage, name):
    stage.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


def _back_up(stage, table):
    """An on-demand backup of ``table``, and when it was made."""
    details = stage.client("dynamodb").create_backup(TableName=table, BackupName="theirs")
    return details["BackupDetails"]["BackupArn"], details["BackupDetails"]["BackupCreationDateTime"]


def _exists(stage, backup):
    found = stage.client("dynamodb").list_backups()["BackupSummaries"]
    return any(summary["BackupArn"] == backup for summary in found)


def _wait_for_a_later_second(moment):
    while datetime.now(UTC).replace(microsecond=0) <= moment:
        time.sleep(0.02)


def test_a_backup_of_an_earlier_table_of_the_same_name_stays(stage, capsys):
    _make_table(stage, stage.table)
    backup, made = _back_up(stage, stage.table)
    stage.client("dynamodb").delete_table(TableName=stage.table)
    _wait_for_a_later_second(made)
    stage.deploy().destroy()
    assert stage.ops("cleanup", "--yes", "--json") == 0
    stays = {item["id"]: item["reason"] for item in json.loads(capsys.readouterr().out)["stays"]}
    assert "older than the stack" in stays[backup]
    assert f"aws dynamodb delete-backup --backup-arn {backup}" in stays[backup]
    assert _exists(stage, backup)
    assert stage.remains() == {"backup"}


def test_a_backup_of_a_deleted_table_that_others_had_in_the_vault_stays(stage):
    """Its recovery point goes with the vault; the backup that DynamoDB keeps is not the vault's."""
    stage.deploy()
    foreign = f"{stage.table}-orders"
    _make_table(stage, foreign)
    backup, _ = _back_up(stage, foreign)
    iam, role = stage.client("iam"), f"Theirs-{stage.stage}"
    trust = {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    iam.put_role_policy(
        RoleName=role, PolicyName="All", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    stage.client("backup").start_backup_job(
        BackupVaultName=stage.vault,
        IamRoleArn=arn,
        ResourceArn=f"arn:aws:dynamodb:us-east-1:000000000000:table/{foreign}",
    )
    stage.client("dynamodb").delete_table(TableName=foreign)
    stage.destroy()
    assert stage.ops("cleanup", "--yes") == 0
    assert _exists(stage, backup)
    assert stage.remains() == set()


def test_a_backup_whose_table_is_named_goes_however_old_it_is(stage):
    _make_table(stage, stage.table)
    backup, made = _back_up(stage, stage.table)
    stage.client("dynamodb").delete_table(TableName=stage.table)
    _wait_for_a_later_second(made)
    stage.deploy().destroy()
    assert stage.ops("cleanup", "--yes", "--table", stage.table) == 0
    assert not _exists(stage, backup)
