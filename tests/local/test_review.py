"""A review against the deployed stacks, and where there are none."""

import pytest

from tests.support.deployment import Deployment
from tests.support.reviews import changes, review
from tests.support.templates import ITEMS

pytestmark = pytest.mark.usefixtures("bootstrapped")


def test_a_change_against_the_deployed_stack(aws, client, name):
    deployment = Deployment(client, f"pr-{name}")
    absent = review(aws.environment(), "--stage", deployment.stage)
    assert f"stack {deployment.stack} is not deployed" in absent["base"]

    deployment.deploy(ITEMS, pitr_days=35)
    found = review(aws.environment(), "--stage", deployment.stage)
    assert f"the deployed stack {deployment.stack} in account" in found["base"]
    assert any("RecoveryPeriodInDays: 35 → 7" in line for line in changes(found))
    deployment.destroy()


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
