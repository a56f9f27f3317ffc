"""The make targets that need no AWS, in a checkout that they may write to.

No test runs `lock` and `audit`, which need registries, `sbom`, which is slow and which CI runs,
`setup`, which made the tests' own environment, and `format` and `clean`, which change the checkout.
`demo`, `up`, `console`, `pictures`, `bench` and `accept` are one command each, with tests of their own.
"""

import re

import pytest

from tests.conftest import PROJECT
from tests.support.commands import checkout, make

TARGETS = re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.M)


@pytest.fixture
def folder(tmp_path):
    return checkout(tmp_path)


def test_help_names_every_target(folder):
    done = make(folder, "help")
    assert done.returncode == 0, done.stdout
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_the_commands_of_a_target_can_be_listed(target, folder):
    done = make(folder, "--dry-run", target)
    assert done.returncode == 0, done.stdout


def test_a_review_gets_what_is_given_to_make(folder):
    assert _command(folder, "review", "STAGE=prod", "BASE=main", "FORMAT=markdown", "ARGS=-c pitr_days=3") == (
        "python -m ops review --stage 'prod' --base 'main' --format 'markdown' -c pitr_days=3"
    )
    assert _command(folder, "review") == "python -m ops review"


def _command(folder, *arguments):
    return " ".join(make(folder, "--dry-run", *arguments).stdout.replace("\\\n", " ").split())


def test_the_template_is_printed_for_a_stage(folder):
    done = make(folder, "synth", "STAGE=prod", "ARGS=-c pitr_days=3")
    assert done.returncode == 0, done.stdout
    assert "TableName: Messages-prod" in done.stdout
    assert "RecoveryPeriodInDays: 3" in done.stdout


def test_the_licences_of_everything_locked_are_known(folder):
    done = make(folder, "licences")
    assert done.returncode == 0, done.stdout


def test_a_pull_requests_checkout_gets_its_context(folder):
    done = make(folder, "preview-context")
    assert done.returncode == 0, done.stdout
    context = (PROJECT / "stacks/pipeline/preview-context.json").read_text()
    assert (folder / "cdk.context.json").read_text() == context
