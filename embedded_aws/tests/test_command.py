"""``python -m embedded_aws``, used by scripts that know nothing of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import boto3

s3 = boto3.client("s3")
s3.create_bucket(Bucket="other-project", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_object(Bucket="other-project", Key="greeting", Body=b"hello")
print(s3.get_object(Bucket="other-project", Key="greeting")["Body"].read().decode())
table = boto3.resource("dynamodb").create_table(
    TableName="Other",
    BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
)
table.put_item(Item={"id": "one"})
print(table.scan()["Items"], table.meta.client.meta.region_name)
"""
PRINTED = "hello\n[{'id': 'one'}] eu-west-1\n"
# What a user may have set for an account of their own.
OWN = {"AWS_PROFILE": "own", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_REGION": "eu-west-1"}


@pytest.fixture
def environment(tmp_path):
    """The environment of a user elsewhere, whose temporary files are the test's own."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return os.environ | OWN | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}


@pytest.fixture
def run(tmp_path, environment):
    """``run("sh", "-c", "exit 7")``: the ended ``python -m embedded_aws`` with these arguments."""
    return lambda *arguments: subprocess.run(
        [sys.executable, "-m", "embedded_aws", *arguments],
        cwd=tmp_path,
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
    )


def test_a_script_runs_on_it_and_nothing_is_left(run, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = run(sys.executable, "script.py")
    assert (ran.returncode, ran.stdout) == (0, PRINTED), ran.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_command_ends_with_the_status_of_its_command(run):
    assert run("--", "sh", "-c", "exit 7").returncode == 7
    assert run("sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL


def test_errors_are_one_line(run, tmp_path):
    ran = run("no-such-command")
    assert (ran.returncode, ran.stderr) == (1, "error: cannot run 'no-such-command': No such file or directory\n")
    (tmp_path / "file").touch()
    ran = run("--folder", "file", "true")
    assert (ran.returncode, ran.stderr) == (1, f"error: {tmp_path}/file: File exists; name another folder\n")
    assert run("--unknown").stderr.count("\n") == 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_its_export_lines_serve_a_shell_until_a_signal(signum, tmp_path, environment):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "embedded_aws", "--folder", "aws"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as serving:
        try:
            assert serving.stderr.readline() == "running; stop it with Ctrl-C\n"
            lines = "".join(iter(serving.stdout.readline, "export CDK_PROFILE=''\n"))
            shell = subprocess.run(
                ["sh", "-c", f'{lines}\n"$0" script.py', sys.executable],
                cwd=tmp_path,
                env=environment,
                text=True,
                capture_output=True,
            )
            assert shell.stdout == PRINTED, shell.stderr
            serving.send_signal(signum)
            assert serving.wait(60) == 128 + signum
        finally:
            serving.kill()
    assert "unset AWS_ENDPOINT_URL_S3\nunset AWS_PROFILE\n" in lines
    assert sorted(path.name for path in (tmp_path / "aws").iterdir()) == ["server.lock", "server.log", "start.lock"]
