"""The app, started by the commands that review it and estimate its costs, and a review as a process."""

import json
import os

import pytest

from cli.errors import OpsError, UsageError
from ops import template
from tests.conftest import PROJECT
from tests.support import commands
from tests.support.reviews import changes, review


def test_the_app_is_synthesized_with_the_settings_of_the_command_line():
    (stack,) = template.synthesize("pr-7", ["pitr_days=0"])
    assert (stack.name, stack.region) == ("Messages-pr-7", None)
    (table,) = (one for one in stack.template["Resources"].values() if one["Type"] == "AWS::DynamoDB::GlobalTable")
    assert table["Properties"]["TableName"] == "Messages-pr-7"
    (home,) = table["Properties"]["Replicas"]
    assert home["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}


def test_the_app_is_synthesized_as_the_cdk_cli_deploys_it(tmp_path):
    done = commands.run(
        "cdk", "-c", "stage=dev", "-o", tmp_path, "synth", "--quiet", cwd=PROJECT, environment=os.environ
    )
    assert done.returncode == 0, done.stdout
    (stack,) = template.synthesize("dev")
    assert stack.template == json.loads((tmp_path / "Messages-dev.template.json").read_text())


def test_what_the_app_refuses_is_said_in_its_own_words():
    with pytest.raises(OpsError, match=r"^setting 'pitr_days' is 99; must be between 0 and 35"):
        template.synthesize("dev", ["pitr_days=99"])
    with pytest.raises(UsageError, match=r"^-c 'pitr_days' is not KEY=VALUE"):
        template.synthesize("dev", ["pitr_days"])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("import sys\nsys.exit(3)", "no output"),
    ],
)
def test_an_app_that_fails_is_one_line(code, said, tmp_path):
    (tmp_path / "app.py").write_text(code)
    (tmp_path / "cdk.json").write_text('{"context": {}}')
    with pytest.raises(OpsError) as caught:
        template.synthesize("dev", project=tmp_path)
    assert str(caught.value) == f"stage dev cannot be synthesized: {said}; `make synth` shows the traceback"


def test_a_review_needs_no_account():
    nowhere = {name: value for name, value in os.environ.items() if "AWS" not in name}
    nowhere |= {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    found = review(nowhere, "--stage", "dev")
    assert found["compared"] is False
    assert "compare with a git revision" in found["base"]
    assert any("SeedSeedingRole" in line for line in found["sections"]["Who may do what"])


def test_a_review_against_a_git_revision_of_this_project():
    found = review(os.environ, "--stage", "dev", "--base", "HEAD", "-c", "pitr_days=35")
    assert any("RecoveryPeriodInDays: 7 → 35" in line for line in changes(found))
