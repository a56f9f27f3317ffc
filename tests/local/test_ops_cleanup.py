"""`python -m ops cleanup` against the embedded AWS."""

import json
import time

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import eventually, listed
from ops.cleanup import command, deletion
from tests.support.ops_deployment import Deployment, interrupted

FAST = ("--rate", "1000")


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def destroyed(stage):
    """A destroyed stage that left all it can: three points, a backup, vault, role, log group."""
    return stage.leave(3, everything=True)


@pytest.fixture
def cleanup(stage, capsys):
    def run(*options, status=0):
        """What the command prints as JSON; checks its exit status."""
        capsys.readouterr()
        assert stage.ops("cleanup", "--yes", "--json", *FAST, *options) == status
        out, run.err = capsys.readouterr()
        return json.loads(out)

    return run


def _kinds(entries):
    return sorted(entry["kind"] for entry in entries)


def test_everything_is_deleted_as_planned_and_a_second_run_finds_nothing(destroyed, cleanup, capsys):
    points = destroyed.points()
    assert destroyed.ops("cleanup", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert all(arn in out for arn in points)
    assert f"backup vault  {destroyed.vault}  holds 3 recovery points\n" in out
    assert "dry run: nothing was deleted" in err
    assert destroyed.ops("cleanup", "--dry-run", "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["deleted"] == []
    assert destroyed.ops("cleanup", *FAST) == 2  # no terminal to ask on
    assert destroyed.remains() == {"vault", "role", "log group", "backup"}

    result = cleanup()
    where = {"account": "000000000000", "region": "us-east-1", "stack": destroyed.stack}
    assert result == where | {"deleted": planned["planned"], "left": [], "stays": []}
    assert _kinds(result["deleted"]) == ["backup vault", "log group", *["recovery point"] * 3, "role", "table backup"]
    assert destroyed.remains() == set()

    assert cleanup()["deleted"] == []
    assert cleanup.err == f"account 000000000000, region us-east-1, stack {destroyed.stack}\n"


def test_what_the_caller_may_not_look_for_is_named_and_what_depends_on_it_is_left(destroyed, cleanup):
    """Looking ahead is not needed; but the backups of a table whose tags are not readable may be someone else's."""
    ahead = ("ListLegalHolds", "DescribeBackupVault", "GetBackupVaultAccessPolicy", "ListCopyJobs")
    destroyed.become_user({"Action": ["dynamodb:DescribeTable", *(f"backup:{action}" for action in ahead)]})
    reasons = {entry["kind"]: entry["reason"] for entry in cleanup(status=1)["left"]}
    assert "could not read legal holds: ListLegalHolds" in cleanup.err
    assert f"could not read the lock of {destroyed.vault}" in cleanup.err
    assert "DescribeTable" in reasons["tables"]
    assert reasons["role"] == "kept: it is unknown whether something still needs it"
    assert destroyed.remains() == {"role", "backup"}


def test_a_vault_that_is_left_counts_every_point_in_it(destroyed, aws, monkeypatch, cleanup):
    """Three cannot be deleted, and one comes while the clean-up runs."""
    configure(aws, expiring_vault=destroyed.vault)
    destroyed.make_table(destroyed.table)
    delete = deletion.delete_points

    def delete_while_a_plan_backs_up(*arguments, **options):
        failures = delete(*arguments, **options)
        destroyed.start_job()
        return failures

    monkeypatch.setattr(deletion, "delete_points", delete_while_a_plan_backs_up)
    monkeypatch.setattr(command, "_LAG_SECONDS", 0.2)
    reasons = {entry["id"]: entry["reason"] for entry in cleanup(status=1)["left"]}
    assert reasons[destroyed.vault] == "holds 4 recovery points; a vault must be empty to be deleted"


def test_a_customer_key_is_scheduled_for_deletion_unless_a_table_is_encrypted_with_it(stage, cleanup):
    """Also a restored table, which has neither tag nor name of the stage."""
    kms, dynamodb = stage.client("kms"), stage.client("dynamodb")
    tags = [{"TagKey": "messages:stack", "TagValue": stage.stack}]
    key = kms.create_key(Tags=tags)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{stage.stack}-1a2b3c4d", TargetKeyId=key)
    restored = f"restored-{stage.stage}"
    stage.make_table(restored, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    (kept,) = cleanup()["stays"]
    assert kept == {"kind": "key", "id": key, "reason": f"table {restored} is encrypted with it"}
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"

    dynamodb.delete_table(TableName=restored)
    (kept,) = cleanup()["stays"]
    assert (kept["kind"], kept["id"], bool(kept["until"])) == ("key", key, True)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_what_belongs_to_others_is_not_touched(stage, cleanup):
    """Of another owner, of another region, and of a stage whose name begins with this one's; one table can be named."""
    stage.deploy()
    foreign = f"{stage.table}-orders"
    stage.make_table(foreign)
    backups = [_back_up(stage, foreign)]
    # Its recovery point is deleted with the vault; the backup that DynamoDB keeps is not the vault's.
    stage.start_job(table=foreign, IamRoleArn=stage.make_role(f"Theirs-{stage.stage}"))
    theirs = stage.points()
    stage.start_job()
    stage.client("dynamodb").delete_table(TableName=foreign)
    stage.destroy()
    result = cleanup("--only-table", foreign)
    assert [entry["id"] for entry in result["deleted"]] == theirs
    why = "only recovery points were selected"
    assert {entry["kind"]: entry["reason"] for entry in result["stays"]} == {
        "backup vault": f"{why}; 1 recovery point of the stack not selected",
        "role": why,
    }
    neighbour = Deployment(stage.client, f"{stage.stage}-2").leave(1, everything=True)
    elsewhere = f"{stage.stack}-Role-ELSEWHERE"
    table = f"arn:aws:dynamodb:eu-west-1:000000000000:table/{stage.table}"
    stage.make_role(elsewhere, resource=table, tags=[{"Key": "messages:stack", "Value": stage.stack}])
    stage.make_table(stage.table)
    backups.append(_back_up(stage, stage.table))
    (role,) = cleanup()["stays"]
    assert "belongs to the stack with that name in eu-west-1: run this with --region eu-west-1" in role["reason"]
    assert neighbour.remains() == {"vault", "role", "log group", "backup"}
    assert len(neighbour.points()) == 1
    assert all(_exists(stage, backup) for backup in backups)
    stage.client("iam").get_role(RoleName=elsewhere)


def _back_up(stage, table):
    made = stage.client("dynamodb").create_backup(TableName=table, BackupName="theirs")
    return made["BackupDetails"]["BackupArn"]


def _exists(stage, backup):
    return backup in str(listed(stage.client("dynamodb"), "list_backups"))


def test_a_backup_of_an_earlier_table_of_the_same_name_is_kept_until_the_table_is_named(stage, cleanup):
    stage.make_table(stage.table)
    backup = _back_up(stage, stage.table)
    stage.client("dynamodb").delete_table(TableName=stage.table)
    second = int(time.time())
    eventually(lambda: int(time.time()) > second)  # AWS gives some times in whole seconds
    stage.leave(0)
    kept = {entry["id"]: entry["reason"] for entry in cleanup()["stays"]}
    assert _exists(stage, backup)
    assert "older than the stack" in kept[backup]
    assert f"aws dynamodb delete-backup --backup-arn {backup}" in kept[backup]
    cleanup("--table", stage.table)
    assert not _exists(stage, backup)


def test_interrupted_and_started_again_and_at_the_rate(stage, aws, cleanup):
    stage.leave(45)
    configure(aws, deletions_seen_in_a_second=0)
    command = ("cleanup", "--yes", "--stage", stage.stage, "--rate", "10")
    status, out, err = interrupted(aws, lambda: len(stage.points()) <= 28, *command)
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "error: interrupted; run the same command again to continue"
    assert "Traceback" not in err
    assert 0 < len(stage.points()) <= 28
    # Without a pace some hundred; on a busy machine a few arrive together.
    assert configure(aws, deletions_seen_in_a_second=0)["deletions_seen_in_a_second"] <= 15
    cleanup()
    assert stage.remains() == set()
