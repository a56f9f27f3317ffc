"""What runs against the embedded AWS reaches nothing else, whatever the environment names."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.support.elsewhere import SECRET

SCRIPT = """
import boto3
print(boto3.client("sts").get_caller_identity()["Account"])
print(boto3.client("dynamodb", region_name="eu-west-1").list_tables()["TableNames"])
boto3.client("s3").list_buckets()
print(boto3.Session().available_profiles)
"""


@pytest.fixture
def run(aws, hostile, elsewhere, tmp_path):
    """``run("python", "-m", "chat", "tables")``: behind ``local run``, as a person types it."""
    (tmp_path / ".cdk.json").write_text(f'{{"profile": "own", "proxy": "{elsewhere.url}"}}')

    def run(*command):
        state = str(Path(aws.ca_file).parent)
        done = subprocess.run(
            [sys.executable, "-m", "local", "--state", state, "run", "--", *command],
            cwd=PROJECT,
            env=hostile | {"HOME": str(tmp_path)},
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_projects_own_commands_ask_the_embedded_aws_alone(run, elsewhere, table):
    assert table in run("python", "-m", "chat", "tables").splitlines()
    assert elsewhere.seen == []


def test_a_script_sees_one_account_and_no_profile(run, elsewhere):
    assert run("python", "-c", SCRIPT).splitlines() == ["000000000000", "[]", "[]"]
    assert elsewhere.seen == []


def test_the_cdk_cli_asks_the_embedded_aws_alone(run, elsewhere, tmp_path):
    # Outside the project's folder it does not synthesize the app.
    run("sh", "-c", f"cd {tmp_path} && cdk bootstrap aws://000000000000/us-east-1")
    assert elsewhere.seen == []


def test_no_key_and_no_address_is_in_the_environment_but_those_of_proxies(run, elsewhere):
    environment = run("env")
    assert SECRET not in environment
    naming = [line.partition("=")[0] for line in environment.splitlines() if elsewhere.url in line]
    assert [name for name in naming if not name.lower().endswith("_proxy")] == []


def test_the_proxy_of_other_addresses_stays_and_so_do_its_exceptions(run, elsewhere):
    environment = dict(line.split("=", 1) for line in run("env").splitlines() if "=" in line)
    assert environment["HTTPS_PROXY"] == elsewhere.url
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1,localhost,example.com"


@pytest.mark.parametrize(
    "options",
    [
        ("cleanup", "--points", "2", "--rounds", "1", "--memory-points", "2"),
        ("seeding", "--items", "100", "--rounds", "1", "--no-lambda"),
    ],
    ids=lambda options: options[0],
)
def test_a_benchmark_measures_an_embedded_aws_of_its_own(hostile, elsewhere, options):
    name, *arguments = options
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments],
        cwd=PROJECT,
        env=hostile,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert elsewhere.seen == []
