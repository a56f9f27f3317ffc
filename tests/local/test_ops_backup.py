"""`python -m ops backup` against the embedded AWS."""

import contextlib
import json

import pytest

from embedded_aws.tests.support.steps import table_arn
from tests.support.ops_deployment import Deployment, interrupted


@pytest.fixture
def deployed(quick_stage, setting):
    setting("backup_job_seconds", 0.3)
    return quick_stage.deploy()


def _arn(deployed):
    (arn,) = deployed.points()
    return arn


def test_prints_exactly_the_recovery_points_arn_also_for_a_job_whose_stack_is_gone(deployed, capsys):
    assert deployed.ops("backup", "--retain", "1w", "--tag", "why=release") == 0
    out, err = capsys.readouterr()
    assert out == f"{_arn(deployed)}\n"
    assert err.startswith(f"account 000000000000, region us-east-1, stack {deployed.stack}\n")
    assert "COMPLETED 100%" in err
    backup = deployed.client("backup")
    point = backup.describe_recovery_point(BackupVaultName=deployed.vault, RecoveryPointArn=out.strip())
    assert (point["Status"], point["Lifecycle"]["DeleteAfterDays"]) == ("COMPLETED", 7)
    assert point["IamRoleArn"] == deployed.role_arn
    tags = backup.list_tags(ResourceArn=out.strip())["Tags"]
    assert (tags["messages:stack"], tags["why"]) == (deployed.stack, "release")

    assert deployed.ops("backup", "--no-wait") == 0
    out, err = capsys.readouterr()
    assert f"to wait for it and print the ARN, run this again with --job {out.strip()}" in err
    assert deployed.ops("backup", "--job", out.strip(), "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result.keys() == {"recovery_point_arn", "backup_job_id", "vault", "stack", "state", "size_bytes"}
    assert result["recovery_point_arn"] in deployed.points()
    assert (result["vault"], result["stack"]) == (deployed.vault, deployed.stack)
    deployed.destroy()
    assert deployed.ops("backup", "--job", out.strip()) == 0
    assert capsys.readouterr().out == f"{result['recovery_point_arn']}\n"


def test_one_job_runs_at_a_time_and_the_same_token_is_the_same_job(deployed, setting, monkeypatch, capsys):
    for _ in range(2):
        assert deployed.ops("backup", "--token", deployed.stage) == 0
        assert capsys.readouterr().out == f"{_arn(deployed)}\n"
    setting("backup_job_seconds", 600)
    again = ("backup", "--no-wait", "--token", f"{deployed.stage}-2")
    assert deployed.ops(*again, "--json") == 0
    job = json.loads(capsys.readouterr().out)["backup_job_id"]
    assert deployed.ops(*again) == 0
    assert capsys.readouterr().out == f"{job}\n"
    setting("backup_job_seconds", 0)
    assert deployed.ops("backup", "--no-wait") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: backup job {job} of the same table is still running")
    assert f"--job {job}" in line
    backup = deployed.client("backup")

    def end(_):
        with contextlib.suppress(backup.exceptions.InvalidRequestException):
            backup.stop_backup_job(BackupJobId=job)

    with monkeypatch.context() as patch:
        patch.setattr("time.sleep", end)  # while the command waits
        assert deployed.ops("backup") == 0
    assert f"backup job {job} of the same table is still running" in capsys.readouterr().err
    assert len(deployed.points()) == 2


def test_the_backup_of_another_table_is_refused(deployed, client, vault, backup_role, capsys):
    table = f"{deployed.table}-other"
    deployed.make_table(table)
    job = client("backup").start_backup_job(
        BackupVaultName=vault,
        ResourceArn=table_arn(table),
        IamRoleArn=backup_role,
        IdempotencyToken=f"{deployed.stage}-taken",
    )["BackupJobId"]
    taken = (
        f"--token {deployed.stage}-taken was used for backup job {job} of {table_arn(table)}, so no backup was started"
    )
    for options, words in [
        (("--token", f"{deployed.stage}-taken"), taken),
        (("--token", f"{deployed.stage}-taken", "--no-wait"), taken),
        (("--job", job), f"backup job {job} is for {table_arn(table)}, not for table {deployed.table}; check --job"),
    ]:
        assert deployed.ops("backup", *options) == 1
        out, err = capsys.readouterr()
        assert (out, err.splitlines()[-1].startswith(f"error: {words}")) == ("", True)


def test_a_failed_job_and_an_unknown_job_or_stack_are_exit_1_with_the_reason(deployed, capsys):
    role = deployed.role_arn.rpartition("/")[2]
    deployed.client("iam").delete_role_policy(RoleName=role, PolicyName="BackUpTable")
    assert deployed.ops("backup") == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1].startswith("error: backup job ")) == ("", True)
    assert "ended FAILED: " in err.splitlines()[-1]
    assert Deployment(deployed.client, f"{deployed.stage}-other").ops("backup") == 1
    err = capsys.readouterr().err
    assert f"error: stack {deployed.stack}-other does not exist in us-east-1; deploy it" in err
    assert deployed.ops("backup", "--job", "NO-SUCH-JOB") == 1
    assert "error: AWS Backup has no job NO-SUCH-JOB; check --job" in capsys.readouterr().err


def test_a_deadline_and_an_interrupt_say_how_to_go_on(deployed, setting, aws, capsys):
    setting("backup_job_seconds", 6)
    assert deployed.ops("backup", "--timeout", "0.01") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "is still " in line
    assert "to continue waiting, run this again with --job " in line
    assert deployed.ops("backup", "--job", line.partition("--job ")[2]) == 0
    assert capsys.readouterr().out == f"{_arn(deployed)}\n"
    setting("backup_job_seconds", 60)
    status, out, err = interrupted(aws, "backup job ", "backup", "--stage", deployed.stage)
    assert (status, out, "Traceback" in err) == (130, "", False)
    last, _, job = err.splitlines()[-1].partition("--job ")
    assert last == "error: interrupted; the job is still running; to continue waiting, run this again with "
    deployed.client("backup").stop_backup_job(BackupJobId=job)
