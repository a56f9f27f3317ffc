"""`make up` as a person meets it: what it deploys and where, and what it says of that."""

import os
import signal
import subprocess
import sys

import pytest

from embedded_aws.tests.support.engine import clients_of
from local.process import find, stop
from tests.conftest import PROJECT

HOME, THERE = "eu-west-1", "us-east-1"


@pytest.fixture
def up(tmp_path, hostile):
    """``up("--stage", "pr-1")``; the embedded AWS that it starts ends with the test."""

    def run(*options, state=tmp_path):
        return subprocess.run(
            [sys.executable, "-m", "local", "--state", str(state), "up", *options],
            cwd=PROJECT,
            env=hostile,
            text=True,
            capture_output=True,
            timeout=300,
        )

    yield run
    stop(tmp_path)


def test_a_stage_with_copies_is_deployed_to_both_of_its_regions(up, tmp_path, elsewhere):
    context = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    done = up("--stage", "pr-1", *context)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"regions {HOME}, {THERE}" in done.stdout
    assert "Messages-pr-1: table Messages-pr-1, vault Messages-pr-1-" in done.stdout
    assert f"Messages-pr-1-Copies-{HOME}: vault Messages-pr-1-Copies-{HOME}-v" in done.stdout
    # What to try next is where the stack is, and about this stack.
    assert f"export AWS_REGION={HOME}" in done.stdout
    assert f"cdk -c stage=pr-1 {' '.join(context)} diff" in done.stdout
    client = clients_of(find(tmp_path))
    for region, name in ((HOME, "Messages-pr-1"), (THERE, f"Messages-pr-1-Copies-{HOME}")):
        cloudformation = client("cloudformation", region_name=region)
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert elsewhere.seen == [], "the AWS that the environment names is left alone"


def test_an_engine_that_is_killed_under_it_is_one_line(tmp_path, hostile):
    command = [sys.executable, "-m", "local", "--state", str(tmp_path), "up"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=hostile, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as up:
        seen = ""
        while "bootstrap" not in seen:
            seen += up.stdout.read(1)
        os.kill(find(tmp_path).pid, signal.SIGKILL)
        _, errors = up.communicate(timeout=120)
    assert up.returncode == 1
    assert errors == (
        "error: the embedded AWS ended during this step, by a signal or by itself; run the same "
        f"command again (its log: {tmp_path}/server.log)\n"
    )
    assert find(tmp_path) is None


def test_a_folder_that_cannot_be_made_is_one_line(up):
    failed = up(state="/proc/nope")
    assert failed.returncode == 1
    assert failed.stderr == ("error: /proc/nope/up.log: No such file or directory; name another folder\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-c", "region"], "'region' must be KEY=VALUE"),
        (["-c", "stage=prod"], "'stage=prod' must be said as --stage (make: STAGE=...)"),
        (["--require-approval", "never"], "unrecognized arguments: --require-approval never"),
    ],
)
def test_what_is_not_a_setting_is_wrong_usage_in_one_line(up, tmp_path, options, said):
    failed = up(*options)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: ")
    assert said in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert find(tmp_path) is None
