"""A review against the deployed stacks, and where there are none."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.backup_copies import CopiesStack
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.support.deployment import POLL, Deployment
from tests.support.templates import ITEMS

pytestmark = pytest.mark.usefixtures("bootstrapped")

HOME, THERE = "us-east-1", "eu-west-1"


def review(environment, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "ops", "review", "--json", *arguments],
        cwd=PROJECT,
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    return found


def changes(found):
    """The lines of the changes, of the stage or of one of its stacks."""
    (lines,) = [v for k, v in found["sections"].items() if k.startswith("What changes against")]
    return lines


def copies(stage, **settings):
    """The template of the stage's copies, without the parameter that the CDK's bootstrap has."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    stack = CopiesStack(App(context=context), settings=Settings(stage=stage, **settings))
    return Template.from_stack(stack).to_json() | {"Parameters": {}, "Rules": {}}


@pytest.fixture
def two_stacks(client, name):
    """A stage that is deployed in two regions, under a lock."""
    settings = {
        "region": HOME,
        "copy_region": THERE,
        "vault_lock": "governance",
        "monthly_backup_retention_days": 35,
        "copy_retention_days": 40,
    }
    home = Deployment(client, f"pr-{name[:8]}")
    there = client("cloudformation", region_name=THERE)
    copies_stack = f"{home.stack}-Copies-{HOME}"
    body = copies(home.stage, **settings)
    there.create_stack(StackName=copies_stack, TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_NAMED_IAM"])
    there.get_waiter("stack_create_complete").wait(StackName=copies_stack, WaiterConfig=POLL)
    home.deploy(ITEMS, **settings)
    context = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    yield SimpleNamespace(stage=home.stage, own=home.stack, copies=copies_stack, context=context)
    home.destroy()
    there.delete_stack(StackName=copies_stack)
    there.get_waiter("stack_delete_complete").wait(StackName=copies_stack, WaiterConfig=POLL)


def test_a_change_against_the_deployed_stack(aws, client, name):
    deployment = Deployment(client, f"pr-{name}")
    absent = review(aws.environment(), "--stage", deployment.stage)
    assert f"stack {deployment.stack} is not deployed" in absent["base"]

    deployment.deploy(ITEMS, pitr_days=35)
    found = review(aws.environment(), "--stage", deployment.stage)
    assert f"the deployed stack {deployment.stack} in account" in found["base"]
    assert any("RecoveryPeriodInDays: 35 → 7" in line for line in changes(found))
    deployment.destroy()


def test_each_stack_of_a_stage_is_compared_in_its_own_region(aws, two_stacks):
    found = review(aws.environment(), "--stage", two_stacks.stage, *two_stacks.context, "-c", "copy_retention_days=60")
    own, there = found["stacks"]
    assert (own["stack"], own["region"]) == (two_stacks.own, HOME)
    assert (there["stack"], there["region"]) == (two_stacks.copies, THERE)
    days = [line for line in changes(own) if "CopyActions[" in line]
    assert [line.endswith(".Lifecycle.DeleteAfterDays: 40 → 60") for line in days] == [True, True]
    assert changes(there) == [
        "~ changed: Vault (AWS::Backup::BackupVault)",
        "    LockConfiguration.MaxRetentionDays: 40 → 60",
        "    LockConfiguration.MinRetentionDays: 39 → 59",
    ]


def test_a_stack_that_the_stage_no_longer_has_is_found_where_the_plan_copies_to(aws, two_stacks):
    found = review(aws.environment(), "--stage", two_stacks.stage, "-c", f"region={HOME}")
    _, there = found["stacks"]
    assert (there["stack"], there["region"]) == (two_stacks.copies, THERE)
    lines = changes(there)
    assert f"- removed: stack {two_stacks.copies} in {THERE}" in lines
    vault = lines.index("- removed: Vault (AWS::Backup::BackupVault)")
    assert lines[vault + 1] == "    stays behind"


def test_a_review_needs_no_account(aws):
    nowhere = {name: value for name, value in aws.environment().items() if "AWS" not in name}
    nowhere |= {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    found = review(nowhere, "--stage", "dev")
    assert found["compared"] is False
    assert "compare with a git revision" in found["base"]
    assert any("SeedSeedingRole" in line for line in found["sections"]["Who may do what"])


def test_a_git_revision_of_this_project():
    found = review(None, "--stage", "dev", "--base", "HEAD")
    assert "What changes against HEAD" in found["sections"]
