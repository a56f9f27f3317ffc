"""`python -m ops cleanup` against the embedded AWS."""

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from embedded_aws.tests.support.engine import configure
from local.environment import PROJECT
from ops.cleanup import command
from ops.cleanup.deletion import PointDeletion
from tests.support.ops_deployment import QUICK, USUAL, Deployment

FAST = ("--rate", "1000")


@pytest.fixture
def stage(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK)
    with closing(Deployment(client, name)) as stage:
        yield stage
    configure(aws, **USUAL)


@pytest.fixture
def destroyed(stage):
    """A destroyed stage that left all it can: three points, a backup, vault, role, log group."""
    stage.deploy()
    for _ in range(3):
        stage.start_job()
    stage.client("dynamodb").create_backup(TableName=stage.table, BackupName="by-hand")
    stage.destroy()
    stage.client("logs").create_log_group(logGroupName=stage.log_group)
    return stage


def _result(capsys):
    return json.loads(capsys.readouterr().out)


def _kinds(items):
    return sorted(item["kind"] for item in items)


def test_everything_goes_and_a_second_run_finds_nothing(destroyed, capsys):
    assert destroyed.remains() == {"vault", "role", "log group", "backup"}
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 0
    result = _result(capsys)
    assert (result["account"], result["region"]) == ("000000000000", "us-east-1")
    assert result["stack"] == destroyed.stack
    assert result["left"] == result["stays"] == []
    assert _kinds(result["deleted"]) == ["backup vault", "log group", *["recovery point"] * 3, "role", "table backup"]
    assert destroyed.remains() == set()

    assert destroyed.ops("cleanup") == 0
    out, err = capsys.readouterr()
    where = f"account 000000000000, region us-east-1, stack {destroyed.stack}"
    assert out.startswith(f"nothing to delete was found in {where}; if the stack was somewhere else")
    assert err == f"{where}\n"


def test_a_stage_that_never_was(stage, capsys):
    assert stage.ops("cleanup", "--yes") == 0
    assert capsys.readouterr().out.startswith("nothing to delete was found")


def test_dry_run_shows_all_and_deletes_nothing(destroyed, capsys):
    points = destroyed.points()
    assert destroyed.ops("cleanup", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert all(arn in out for arn in points)
    assert f"backup vault  {destroyed.vault}  holds 3 recovery points\n" in out
    assert "dry run: nothing was deleted" in err
    assert destroyed.ops("cleanup", "--dry-run", "--json") == 0
    result = _result(capsys)
    assert result["deleted"] == []
    assert len(result["planned"]) == 7
    assert sorted(destroyed.points()) == sorted(points)
    assert destroyed.remains() == {"vault", "role", "log group", "backup"}


def test_dry_run_and_real_run_make_the_same_list(destroyed, capsys):
    assert destroyed.ops("cleanup", "--dry-run", "--json") == 0
    planned = _result(capsys)["planned"]
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 0
    assert _result(capsys)["deleted"] == planned


def _back_up_another_table(stage):
    """A point of a table of the same stage's vault; its ARN."""
    other = f"{stage.table}-other"
    _make_table(stage.client, other)
    iam, role = stage.client("iam"), stage.role_arn.rpartition("/")[2]
    allowed = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    iam.put_role_policy(
        RoleName=role, PolicyName="Other", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    return stage.client("backup").start_backup_job(
        BackupVaultName=stage.vault,
        IamRoleArn=stage.role_arn,
        ResourceArn=f"arn:aws:dynamodb:us-east-1:000000000000:table/{other}",
    )["RecoveryPointArn"]


def test_only_one_tables_points_go_and_the_rest_of_the_vault_stays(destroyed, capsys):
    theirs = _back_up_another_table(destroyed)
    mine = set(destroyed.points()) - {theirs}
    options = ("--only-table", destroyed.table, "--yes", "--json", *FAST)
    assert destroyed.ops("cleanup", *options) == 0
    result = _result(capsys)
    assert {item["id"] for item in result["deleted"]} == mine
    assert destroyed.points() == [theirs]
    assert _kinds(result["stays"]) == ["backup vault", "role", "table backup"]
    reasons = {item["kind"]: item["reason"] for item in result["stays"]}
    assert "1 recovery point of the stack not selected" in reasons["backup vault"]
    assert destroyed.remains() == {"vault", "role", "log group", "backup"}
    assert destroyed.ops("cleanup", *options) == 0  # and there is nothing more to do
    assert _result(capsys)["deleted"] == []


def test_old_points_go_and_the_newest_stay(destroyed, capsys):
    newest = destroyed.points()[0]
    assert destroyed.ops("cleanup", "--older-than", "1h", "--yes") == 0
    assert "nothing left to delete in " in capsys.readouterr().out
    assert len(destroyed.points()) == 3
    options = ("--older-than", "0h", "--keep-last", "1", "--yes", *FAST)
    assert destroyed.ops("cleanup", *options) == 0
    assert "deleted: 2 recovery points\n" in capsys.readouterr().out
    assert destroyed.points() == [newest]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--older-than", "30"), "--older-than '30' is not a time span: a number and s, m, h, d, w or y"),
        (("--keep-last", "-1"), "--keep-last must be 0 or more, got -1"),
        (("--only-table", ""), "--only-table must name a table"),
    ],
)
def test_choices_that_make_no_sense(stage, capsys, options, text):
    assert stage.ops("cleanup", *options) == 2
    assert text in capsys.readouterr().err


def test_a_caller_who_may_not_look_ahead_is_told_and_goes_on(destroyed, monkeypatch, capsys):
    _become_user(
        destroyed.client,
        monkeypatch,
        f"{destroyed.stage}-ops",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": [
                "backup:ListLegalHolds",
                "backup:DescribeBackupVault",
                "backup:GetBackupVaultAccessPolicy",
                "backup:ListCopyJobs",
            ],
            "Resource": "*",
        },
    )
    assert destroyed.ops("cleanup", "--yes", *FAST) == 0
    err = capsys.readouterr().err
    assert "could not look for legal holds: ListLegalHolds" in err
    assert f"could not look for the lock of {destroyed.vault}" in err
    assert destroyed.remains() == set()


def test_a_reader_that_stops_early_is_no_traceback(destroyed, aws):
    start = [sys.executable, "-m", "ops", "cleanup", "--dry-run", "--stage", destroyed.stage]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        start, cwd=PROJECT, env=aws.environment(), text=True, timeout=30, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr


def test_refused_while_the_stack_is_deployed(stage, capsys):
    stage.deploy()
    stage.start_job()
    assert stage.ops("cleanup", "--yes") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: stack {stage.stack} is still deployed (status CREATE_COMPLETE)")
    assert len(stage.points()) == 1
    assert stage.remains() == {"vault", "role"}


def test_refused_when_the_destroy_failed(stage, capsys):
    stage.deploy(DeletionProtectionEnabled=True)
    stage.client("cloudformation").delete_stack(StackName=stage.stack)
    stage.wait_for("DELETE_FAILED")
    assert stage.ops("cleanup", "--yes") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "(status DELETE_FAILED); its deletion failed: " in line
    assert stage.remains() == {"vault", "role"}


def test_without_terminal_and_without_yes_it_is_wrong_usage(destroyed, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert destroyed.ops("cleanup") == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("to delete, pass --yes")
    assert len(destroyed.points()) == 3


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_on_a_terminal_it_asks(destroyed, monkeypatch, capsys, answer, status):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert destroyed.ops("cleanup", *FAST) == status
    err = capsys.readouterr().err
    what = "3 recovery points, 1 table backup, 1 backup vault, 1 role, 1 log group"
    assert f"Delete {what} in account 000000000000, region us-east-1, stack" in err
    assert (destroyed.remains() == set()) == (status == 0)


def test_more_points_than_one_page_holds(stage, capsys):
    stage.deploy()
    for _ in range(1001):
        stage.start_job()
    stage.destroy()
    assert stage.ops("cleanup", "--yes", "--json", "--rate", "10000") == 0
    assert _kinds(_result(capsys)["deleted"]).count("recovery point") == 1001
    assert stage.remains() == set()


def test_a_job_that_still_runs_is_waited_for_and_its_point_goes_too(stage, aws, capsys):
    # Retained: AWS would not delete a table while it is backed up.
    stage.deploy(DeletionPolicy="Retain")
    configure(aws, backup_job_seconds=3)
    job = stage.start_job()
    stage.destroy()
    assert stage.ops("cleanup", "--yes", *FAST) == 0
    assert f"backup job {job}: COMPLETED" in capsys.readouterr().err
    assert stage.remains() == set()


def test_expired_after_a_200_is_a_named_failure_and_keeps_what_it_needs(destroyed, aws, capsys):
    configure(aws, expiring_vault=destroyed.vault)
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 1
    left = _result(capsys)["left"]
    assert _kinds(left) == ["backup vault", *["recovery point"] * 3, "role"]
    reasons = {item["kind"]: item["reason"] for item in left}
    assert reasons["recovery point"].startswith("EXPIRED: AWS Backup accepted the deletion")
    assert reasons["backup vault"].startswith("holds 3 recovery points; ")
    assert reasons["role"] == "kept: AWS Backup needs it for what is left"
    assert destroyed.remains() == {"vault", "role"}

    configure(aws, expiring_vault="")
    assert destroyed.ops("cleanup", "--yes", *FAST) == 0
    assert destroyed.remains() == set()


def test_a_vault_that_is_left_counts_every_point_in_it(stage, aws, monkeypatch, capsys):
    """Three cannot be deleted, and three come while the clean-up runs."""
    stage.deploy(DeletionPolicy="Retain")
    for _ in range(3):
        stage.start_job()
    stage.destroy()
    configure(aws, expiring_vault=stage.vault)
    run = PointDeletion.run

    def run_while_a_plan_backs_up(*arguments, **options):
        run(*arguments, **options)
        for _ in range(3):
            stage.start_job()

    monkeypatch.setattr(PointDeletion, "run", run_while_a_plan_backs_up)
    monkeypatch.setattr(command, "_LAG_SECONDS", 0.5)
    assert stage.ops("cleanup", "--yes", "--json", *FAST) == 1
    reasons = {item["id"]: item["reason"] for item in _result(capsys)["left"]}
    assert len(stage.points()) == 6
    assert reasons[stage.vault] == "holds 6 recovery points; a vault must be empty to be deleted"


def test_the_role_goes_with_its_own_vault_while_another_vault_keeps_its_points(stage, aws, capsys):
    """A stage that was deployed and destroyed twice left two vaults, each with a role."""
    roles = []
    for vault in (f"{stage.stack}-1a2b3c4d", f"{stage.stack}-5e6f7a8b"):
        stage.vault = vault
        stage.deploy()
        described = stage.client("cloudformation").describe_stacks(StackName=stage.stack)
        outputs = {o["OutputKey"]: o["OutputValue"] for o in described["Stacks"][0]["Outputs"]}
        stage.role_arn = outputs["BackupRoleArn"]
        stage.start_job()
        stage.destroy()
        roles.append(stage.role_arn.rpartition("/")[2])
    configure(aws, expiring_vault=stage.vault)
    assert stage.ops("cleanup", "--yes", "--json", *FAST) == 1
    result = _result(capsys)
    assert [item["id"] for item in result["deleted"] if item["kind"] == "role"] == roles[:1]
    assert [item["id"] for item in result["left"] if item["kind"] == "role"] == roles[1:]


def test_one_point_that_cannot_go_stops_and_hides_no_other(destroyed, monkeypatch, capsys):
    forbidden = destroyed.points()[1]
    _become_user(
        destroyed.client,
        monkeypatch,
        f"{destroyed.stage}-ops",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "backup:DeleteRecoveryPoint", "Resource": forbidden},
    )
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 1
    left = {item["id"]: item["reason"] for item in _result(capsys)["left"]}
    assert "the caller needs permission for DeleteRecoveryPoint" in left[forbidden]
    assert set(left) == {forbidden, destroyed.vault, destroyed.role_arn.rpartition("/")[2]}
    assert destroyed.points() == [forbidden]


def test_what_the_caller_may_not_look_for_is_left_and_named(destroyed, monkeypatch, capsys):
    _become_user(
        destroyed.client,
        monkeypatch,
        f"{destroyed.stage}-ops",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "backup:ListBackupVaults", "Resource": "*"},
    )
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 1
    result = _result(capsys)
    reasons = {item["kind"]: item["reason"] for item in result["left"]}
    assert "ListBackupVaults" in reasons["vaults"]
    assert reasons["role"] == "kept: it is unknown what still needs it"
    assert _kinds(result["deleted"]) == ["log group", "table backup"]
    assert destroyed.remains() == {"vault", "role"}


def test_read_only_credentials_delete_nothing_and_are_named(destroyed, monkeypatch, capsys):
    before = destroyed.remains()
    reads = [
        f"{service}:{verb}*"
        for service in ("backup", "cloudformation", "dynamodb", "iam", "kms", "logs", "sts")
        for verb in ("Describe", "Get", "List")
    ]
    _become_user(
        destroyed.client, monkeypatch, f"{destroyed.stage}-ops", {"Effect": "Allow", "Action": reads, "Resource": "*"}
    )
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 1
    result = _result(capsys)
    assert result["deleted"] == []
    points = [item for item in result["left"] if item["kind"] == "recovery point"]
    assert len(points) == 3
    assert all("backup:DeleteRecoveryPoint" in point["reason"] for point in points)
    assert destroyed.remains() == before


def test_backups_of_a_table_whose_owner_nobody_may_ask_for_stay(destroyed, monkeypatch, capsys):
    _become_user(
        destroyed.client,
        monkeypatch,
        f"{destroyed.stage}-ops",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "dynamodb:DescribeTable", "Resource": "*"},
    )
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 1
    assert "DescribeTable" in _result(capsys)["left"][0]["reason"]
    assert destroyed.remains() == {"role", "backup"}


def test_a_retained_table_and_its_data_stay(stage, capsys):
    stage.deploy(DeletionPolicy="Retain")
    stage.destroy()
    stage.client("dynamodb").put_item(TableName=stage.table, Item={"pk": {"S": "kept"}})
    assert stage.ops("cleanup", "--yes", "--json", *FAST) == 0
    (stays,) = _result(capsys)["stays"]
    assert (stays["kind"], stays["id"]) == ("table", stage.table)
    assert f"aws dynamodb delete-table --table-name {stage.table}" in stays["reason"]
    assert stage.client("dynamodb").scan(TableName=stage.table)["Count"] == 1


def test_a_retained_table_stays_with_the_regions_of_its_replicas(stage, capsys):
    stage.deploy(DeletionPolicy="Retain")
    dynamodb = stage.client("dynamodb")
    create = {"Create": {"RegionName": "eu-west-1"}}
    dynamodb.update_table(TableName=stage.table, ReplicaUpdates=[create])
    stage.destroy()
    assert stage.ops("cleanup", "--yes", "--json", *FAST) == 0
    (stays,) = _result(capsys)["stays"]
    assert "delete its replicas in eu-west-1 likewise" in stays["reason"]
    delete = {"Delete": {"RegionName": "eu-west-1"}}
    dynamodb.update_table(TableName=stage.table, ReplicaUpdates=[delete])


def test_a_deleted_tables_system_backup_stays_until_it_expires(stage, capsys):
    pitr = {"PointInTimeRecoveryEnabled": True}
    stage.deploy(PointInTimeRecoverySpecification=pitr).destroy()
    assert stage.ops("cleanup", "--yes", "--json", *FAST) == 0
    (stays,) = _result(capsys)["stays"]
    assert stays["kind"] == "table backup"
    assert stays["until"] > "2026"
    assert "cannot be deleted" in stays["reason"]


def test_a_customer_key_is_scheduled_for_deletion_last(destroyed, capsys):
    kms = destroyed.client("kms")
    tags = [{"TagKey": "messages:stack", "TagValue": destroyed.stack}]
    key = kms.create_key(Tags=tags)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{destroyed.stack}-1a2b3c4d", TargetKeyId=key)
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 0
    (stays,) = _result(capsys)["stays"]
    assert (stays["kind"], stays["id"]) == ("key", key)
    assert stays["until"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert destroyed.ops("cleanup", "--yes") == 0


def test_a_key_that_any_table_is_encrypted_with_stays(stage, capsys):
    """Also a restored table, which has neither tag nor name of the stage."""
    kms = stage.client("kms")
    tags = [{"TagKey": "messages:stack", "TagValue": stage.stack}]
    key = kms.create_key(Tags=tags)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{stage.stack}-1a2b3c4d", TargetKeyId=key)
    restored = f"restored-{stage.stage}"
    encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    _make_table(stage.client, restored, SSESpecification=encryption)
    assert stage.ops("cleanup", "--yes", "--json") == 0
    (stays,) = _result(capsys)["stays"]
    assert stays == {"kind": "key", "id": key, "reason": f"table {restored} is encrypted with it"}
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_what_belongs_to_others_is_not_touched(destroyed, capsys):
    """A stage whose name begins with this one's, and a live table of another owner."""
    neighbour = Deployment(destroyed.client, f"{destroyed.stage}-2").deploy()
    neighbour.start_job()
    neighbour.destroy()
    destroyed.client("logs").create_log_group(logGroupName=neighbour.log_group)
    _elsewhere(destroyed.client, destroyed)
    _make_table(destroyed.client, destroyed.table)
    backup = destroyed.client("dynamodb").create_backup(TableName=destroyed.table, BackupName="theirs")
    assert destroyed.ops("cleanup", "--yes", "--json", *FAST) == 0
    (role,) = _result(capsys)["stays"]
    assert "of the stack of that name in eu-west-1: run this with --region eu-west-1" in role["reason"]
    assert neighbour.remains() == {"vault", "role", "log group"}
    assert len(neighbour.points()) == 1
    destroyed.client("dynamodb").describe_backup(BackupArn=backup["BackupDetails"]["BackupArn"])
    destroyed.client("iam").get_role(RoleName=f"{destroyed.stack}-Role-ELSEWHERE")


def test_interrupted_and_started_again(stage, aws):
    stage.deploy()
    for _ in range(30):
        stage.start_job()
    stage.destroy()
    start = [sys.executable, "-m", "ops", "cleanup", "--yes", "--stage", stage.stage]
    with subprocess.Popen(
        [*start, "--rate", "10"],
        cwd=PROJECT,
        env=aws.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while len(stage.points()) > 27:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == ("error: interrupted; running the same command again continues")
    assert "Traceback" not in err
    assert 0 < len(stage.points()) <= 27

    assert stage.ops("cleanup", "--yes", *FAST) == 0
    assert stage.remains() == set()


def _become_user(client, monkeypatch, user, *statements):
    iam = client("iam")
    iam.create_user(UserName=user)
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName=user, PolicyName="ops", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


def _make_table(client, name, **more):
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        **more,
    )


def _elsewhere(client, stage):
    """The role of the stack of the same name in another region: IAM is global."""
    iam, name = client("iam"), f"{stage.stack}-Role-ELSEWHERE"
    trust = {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}
    table = f"arn:aws:dynamodb:eu-west-1:000000000000:table/{stage.table}"
    allowed = {"Effect": "Allow", "Action": "dynamodb:CreateBackup", "Resource": table}
    iam.create_role(
        RoleName=name,
        Path="/messages/",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        Tags=[{"Key": "messages:stack", "Value": stage.stack}],
    )
    iam.put_role_policy(
        RoleName=name,
        PolicyName="BackUpTable",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
