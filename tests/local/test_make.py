"""The make targets of a stack's life, as the README has them, on the embedded AWS."""

import pytest

from tests.support.make_steps import checkout, make


@pytest.fixture
def run(aws, tmp_path):
    """``run("deploy")``: what the target prints; it must end with status 0."""
    folder = checkout(tmp_path)
    environment = aws.environment() | {"CDK_DISABLE_CLI_TELEMETRY": "true"}

    def run(*arguments):
        done = make(folder, *arguments, environment=environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def test_a_stage_from_bootstrap_to_destroy(run, name):
    stage = f"STAGE=pr-{name}"
    assert "bootstrapped" in run("bootstrap", stage)
    assert "[+] AWS::DynamoDB::GlobalTable" in run("diff", stage)
    assert f"Messages-pr-{name}" in run("deploy", stage, "ARGS=--require-approval never")
    assert "No drift detected" in run("drift", stage)
    assert "\n  nothing\n" in run("review", stage)
    assert "destroyed" in run("destroy", stage, "ARGS=--force")
