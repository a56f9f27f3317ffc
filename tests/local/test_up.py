"""`make up` as a user meets it: what it deploys, where, and what it prints."""

import os
import signal
import subprocess
import sys

from embedded_aws.tests.support.engine import clients_of
from local.process import find, stop
from tests.conftest import PROJECT

HOME, THERE = "eu-west-1", "us-east-1"


def up(folder, environment, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "local", "--state", str(folder), "up", *options],
        cwd=PROJECT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_stage_with_copies_is_deployed_to_both_of_its_regions(tmp_path, hostile, elsewhere):
    context = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    try:
        with up(tmp_path, hostile, "--stage", "pr-1", *context) as running:
            output, errors = running.communicate(timeout=300)
        assert running.returncode == 0, output + errors
        assert f"regions {HOME}, {THERE}" in output
        assert "Messages-pr-1: table Messages-pr-1, vault Messages-pr-1-" in output
        assert f"Messages-pr-1-Copies-{HOME}: vault Messages-pr-1-Copies-{HOME}-v" in output
        # What to try next is where the stack is, and about this stack.
        assert f"export AWS_REGION={HOME}" in output
        assert f"cdk -c stage=pr-1 {' '.join(context)} diff" in output
        assert f"python -m local --state {tmp_path} stop" in output
        client = clients_of(find(tmp_path))
        for region, name in ((HOME, "Messages-pr-1"), (THERE, f"Messages-pr-1-Copies-{HOME}")):
            (stack,) = client("cloudformation", region_name=region).describe_stacks(StackName=name)["Stacks"]
            assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert elsewhere.seen == [], "the AWS that the environment names is left alone"
    finally:
        stop(tmp_path)


def test_an_engine_that_is_killed_under_it_is_one_line(tmp_path, hostile):
    with up(tmp_path, hostile) as running:
        seen = ""
        while "bootstrap" not in seen:
            seen += running.stdout.read(1)
        os.kill(find(tmp_path).pid, signal.SIGKILL)
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 1
    assert errors == (
        "error: the embedded AWS stopped during this step; run the same "
        f"command again (its log: {tmp_path}/server.log)\n"
    )
    assert find(tmp_path) is None
