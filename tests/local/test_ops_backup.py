"""`python -m ops backup` against the embedded AWS."""

import json
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import table_arn
from local.environment import PROJECT
from tests.support.ops_deployment import QUICK, USUAL, Deployment


@pytest.fixture
def deployed(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK | {"backup_job_seconds": 0.3})
    with closing(Deployment(client, name)) as deployment:
        yield deployment.deploy()
    configure(aws, **USUAL)


def _arn(deployed):
    (arn,) = deployed.points()
    return arn


def test_prints_exactly_the_recovery_points_arn(deployed, capsys):
    assert deployed.ops("backup", "--retain", "1w", "--tag", "why=release") == 0
    out, err = capsys.readouterr()
    assert out == f"{_arn(deployed)}\n"
    assert err.startswith(f"account 000000000000, region us-east-1, stack {deployed.stack}\n")
    assert "COMPLETED 100%" in err

    point = deployed.client("backup").describe_recovery_point(
        BackupVaultName=deployed.vault, RecoveryPointArn=out.strip()
    )
    assert point["Status"] == "COMPLETED"
    assert point["Lifecycle"]["DeleteAfterDays"] == 7
    assert point["IamRoleArn"] == deployed.role_arn
    tags = deployed.client("backup").list_tags(ResourceArn=out.strip())["Tags"]
    assert (tags["messages:stack"], tags["why"]) == (deployed.stack, "release")


def test_json_has_what_a_pipeline_needs(deployed, capsys):
    assert deployed.ops("backup", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["recovery_point_arn"] == _arn(deployed)
    assert result["vault"] == deployed.vault
    assert result["stack"] == deployed.stack


def test_without_advanced_features_the_job_names_the_point(deployed, capsys):
    switches = ("ResourceTypeOptInPreference", "ResourceTypeManagementPreference")
    backup = deployed.client("backup")
    backup.update_region_settings(**{name: {"DynamoDB": False} for name in switches})
    try:
        assert deployed.ops("backup", "--tag", "a=b") == 0
    finally:
        backup.update_region_settings(**{name: {"DynamoDB": True} for name in switches})
    out, err = capsys.readouterr()
    assert out == f"{_arn(deployed)}\n"
    assert "its tags are not kept" in err


def test_a_running_job_of_the_table_is_waited_for(deployed, aws, capsys):
    configure(aws, backup_job_seconds=3)
    job = deployed.start_job()
    configure(aws, backup_job_seconds=0)
    assert deployed.ops("backup") == 0
    err = capsys.readouterr().err
    assert f"backup job {job} of the same table runs already" in err
    assert len(deployed.points()) == 2


def test_without_waiting_it_prints_the_job_and_how_to_go_on(deployed, aws, capsys):
    configure(aws, backup_job_seconds=0.5)
    assert deployed.ops("backup", "--no-wait") == 0
    out, err = capsys.readouterr()
    job = out.strip()
    assert f"running this again with --job {job} waits for it" in err
    assert deployed.ops("backup", "--job", job) == 0
    assert capsys.readouterr().out == f"{_arn(deployed)}\n"


def test_without_waiting_a_second_backup_is_refused(deployed, aws, capsys):
    configure(aws, backup_job_seconds=30)
    job = deployed.start_job()
    assert deployed.ops("backup", "--no-wait") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"error: backup job {job} of the same table runs already" in line
    assert f"--job {job}" in line
    deployed.client("backup").stop_backup_job(BackupJobId=job)


def test_the_same_token_is_the_same_job_while_it_runs(deployed, aws, capsys):
    configure(aws, backup_job_seconds=60)
    again = ("backup", "--no-wait", "--token", deployed.stage)
    assert deployed.ops(*again, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert deployed.ops(*again) == 0
    out, err = capsys.readouterr()
    assert out == f"{first['backup_job_id']}\n"
    assert "started this job before, and it still runs" in err
    assert deployed.ops("backup", "--no-wait", "--token", f"{deployed.stage}-2") == 0
    assert f"it can begin when job {first['backup_job_id']} has ended" in capsys.readouterr().err
    deployed.client("backup").stop_backup_job(BackupJobId=first["backup_job_id"])


def test_the_same_token_is_the_same_backup_when_it_is_done(deployed, capsys):
    for _ in range(2):
        assert deployed.ops("backup", "--token", deployed.stage) == 0
        assert capsys.readouterr().out == f"{_arn(deployed)}\n"


@pytest.mark.parametrize("options", [(), ("--no-wait",)])
def test_a_token_of_another_tables_backup_is_refused(deployed, client, vault, table, backup_role, options, capsys):
    job = client("backup").start_backup_job(
        BackupVaultName=vault,
        ResourceArn=table_arn(table),
        IamRoleArn=backup_role,
        IdempotencyToken=f"{deployed.stage}-taken",
    )["BackupJobId"]
    assert deployed.ops("backup", "--token", f"{deployed.stage}-taken", *options) == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == (
        "",
        f"error: --token {deployed.stage}-taken started backup job {job} of {table_arn(table)} "
        "before, and none now; choose another --token",
    )


def test_a_failed_job_is_exit_1_with_awss_reason(deployed, capsys):
    role = deployed.role_arn.rpartition("/")[2]
    deployed.client("iam").delete_role_policy(RoleName=role, PolicyName="BackUpTable")
    assert deployed.ops("backup") == 1
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("error: backup job ")
    assert "ended FAILED: " in last


def test_a_stack_that_does_not_exist(deployed, capsys):
    assert Deployment(deployed.client, f"{deployed.stage}-other").ops("backup") == 1
    err = capsys.readouterr().err
    assert f"error: stack {deployed.stack}-other does not exist in us-east-1; deploy it" in err


def test_a_deadline_says_how_to_go_on(deployed, aws, capsys):
    configure(aws, backup_job_seconds=2)
    assert deployed.ops("backup", "--timeout", "0.01") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "is still " in line
    assert "running this again with --job " in line
    job = line.partition("--job ")[2].split()[0]
    assert deployed.ops("backup", "--job", job) == 0
    assert capsys.readouterr().out == f"{_arn(deployed)}\n"


def test_a_job_that_nobody_knows(deployed, capsys):
    assert deployed.ops("backup", "--job", "NO-SUCH-JOB") == 1
    assert "error: AWS Backup knows no job NO-SUCH-JOB; check --job" in capsys.readouterr().err


def test_a_job_of_another_table_is_refused(deployed, client, vault, table, backup_role, capsys):
    job = client("backup").start_backup_job(
        BackupVaultName=vault, ResourceArn=table_arn(table), IamRoleArn=backup_role
    )["BackupJobId"]
    assert deployed.ops("backup", "--job", job) == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == (
        "",
        f"error: backup job {job} is of {table_arn(table)}, not of table {deployed.table}; check "
        "--job, or name the stack of its table with --stage or --stack",
    )


def test_a_job_is_known_after_its_stack_is_gone(deployed, capsys):
    job = deployed.start_job()
    assert deployed.ops("backup", "--job", job) == 0
    deployed.destroy()
    capsys.readouterr()
    assert deployed.ops("backup", "--job", job) == 0
    assert capsys.readouterr().out == f"{_arn(deployed)}\n"


def test_interrupted_it_says_how_to_go_on(deployed, aws, capsys):
    configure(aws, backup_job_seconds=2.5)
    command = [sys.executable, "-m", "ops", "backup", "--stage", deployed.stage]
    with subprocess.Popen(
        command, cwd=PROJECT, env=aws.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        line = ""
        while "RUNNING" not in line and "CREATED" not in line:
            line = process.stderr.readline()
            assert line, "ended before its job ran"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert last.startswith("error: interrupted; the job goes on; running this again with --job ")
    assert deployed.ops("backup", "--job", last.partition("--job ")[2].split()[0]) == 0
    assert capsys.readouterr().out == f"{_arn(deployed)}\n"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"AWS_ENDPOINT_URL": "https://127.0.0.1:9"}, "check the network"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "check AWS_ENDPOINT_URL"),
        ({"AWS_CA_BUNDLE": "/nowhere.pem"}, "AWS_CA_BUNDLE"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no AWS credentials"),
        ({"AWS_PROFILE": "nobodys"}, "nobodys"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "no AWS region is set"),
    ],
)
def test_a_wrong_environment_is_one_line(deployed, monkeypatch, capsys, changed, text):
    for key, value in changed.items():
        monkeypatch.setenv(key, value)
    assert deployed.ops("backup") == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert text in line


def test_missing_permission_names_the_call(deployed, monkeypatch, capsys):
    iam, user = deployed.client("iam"), f"{deployed.stage}-nobody"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    assert deployed.ops("backup") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: DescribeStacks: AccessDenied")
    assert line.endswith("the caller needs permission for DescribeStacks")
