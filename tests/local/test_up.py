"""`make up` as a user meets it: what it deploys, where, and what it prints."""

import subprocess
import sys

from embedded_aws.tests.support.engine import clients_of
from local.process import find, stop
from tests.conftest import PROJECT

HOME, THERE = "eu-west-1", "us-east-1"


def test_a_stage_with_copies_is_deployed_to_both_of_its_regions(tmp_path, hostile, elsewhere):
    context = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    command = [sys.executable, "-m", "local", "--state", tmp_path, "up", "--stage", "pr-1", *context]
    try:
        done = subprocess.run(command, cwd=PROJECT, env=hostile, text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        for shown in (
            f"regions {HOME}, {THERE}",
            "Messages-pr-1: table Messages-pr-1, vault Messages-pr-1-",
            f"Messages-pr-1-Copies-{HOME}: vault Messages-pr-1-Copies-{HOME}-v",
            # What to try next is where the stack is, and about this stack.
            f"export AWS_REGION={HOME}",
            f"cdk -c stage=pr-1 {' '.join(context)} diff",
            f"python -m local --state {tmp_path} stop",
        ):
            assert shown in done.stdout
        client = clients_of(find(tmp_path))
        for region, name in ((HOME, "Messages-pr-1"), (THERE, f"Messages-pr-1-Copies-{HOME}")):
            (stack,) = client("cloudformation", region_name=region).describe_stacks(StackName=name)["Stacks"]
            assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert elsewhere.seen == [], "the AWS that the environment names is left alone"
    finally:
        stop(tmp_path)
