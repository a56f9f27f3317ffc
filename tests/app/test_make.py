"""The make targets that need no AWS, in a checkout that they may write to.

No test runs `lock` and `audit`, which need registries, `conformance`, which needs the suite,
`sbom`, which is slow and which CI runs, `setup`, which made the tests' own environment, and
`format` and `clean`, which change the checkout.
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
    assert {line.split()[0] for line in run(folder, "help").splitlines()} == set(TARGETS)


def run(folder, *arguments) -> str:
    done = make(folder, *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_the_commands_of_a_target_can_be_listed(target, folder):
    run(folder, "--dry-run", target)


def test_a_review_gets_what_is_given_to_make(folder):
    assert _command(folder, "review", "STAGE=prod", "BASE=main", "FORMAT=markdown", "ARGS=-c pitr_days=3") == (
        "python -m ops review --stage 'prod' --base 'main' --format 'markdown' -c pitr_days=3"
    )
    assert _command(folder, "review") == "python -m ops review"


def _command(folder, *arguments):
    return " ".join(run(folder, "--dry-run", *arguments).replace("\\\n", " ").split())


def test_the_licences_of_everything_locked_are_known_and_a_pull_requests_checkout_gets_its_context(folder):
    run(folder, "licences")
    run(folder, "preview-context")
    context = (PROJECT / "stacks/pipeline/preview-context.json").read_text()
    assert (folder / "cdk.context.json").read_text() == context
