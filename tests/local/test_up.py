"""``make up`` and ``make watch`` as a user meets them: edits of the seed, good ones and bad ones."""

import json
import signal
import subprocess
import sys

import boto3
import pytest

from embedded_aws import process
from tests.conftest import NEEDED, copy_project
from tests.support.processes import processes_naming

FIRST = "Hey {to}, are you free?"
CHANGED = "changed jerry#tom  2026-01-01T09:00:00.000Z  Tom: "


@pytest.fixture
def project(tmp_path):
    """A copy of the project; its embedded AWS is stopped at the end."""
    yield copy_project(tmp_path / "project", [*NEEDED, "cli", "embedded_aws", "local"])
    process.stop(tmp_path / "project/.local")


@pytest.fixture
def local(project, hostile):
    """``local("up")`` in the copy; it is killed at the end, should a test fail."""
    processes = []

    def started(*arguments):
        command = [sys.executable, "-m", "local", *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        one = subprocess.Popen(command, cwd=project, env=hostile, text=True, start_new_session=True, **streams)
        processes.append(one)
        return one

    yield started
    for one in processes:
        process.kill_group(one.pid)
        one.communicate()


@pytest.fixture
def seed(project):
    """``seed(old, new)``: edit the seed of the copy."""
    path = project / "seed/messages.yaml"

    def edit(old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edit


def read_to(watching, end):
    """What is printed, to the line that starts with ``end``."""
    lines = []
    for line in watching.stdout:
        lines.append(line)
        if line.lstrip(" 0123456789").startswith(end):
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_every_save_is_deployed_and_what_changed_in_the_table_is_printed(local, seed, project, tmp_path, elsewhere):
    watching = local("watch")
    first = read_to(watching, "watching app.py, cdk.json, ")
    assert "5 messages seeded" in first
    wanted = project / ".local/app.json"  # written again where the app that was started ahead was of no use
    written = wanted.stat().st_mtime_ns

    with (project / "functions/indexer.py").open("a") as code:
        code.write("# saved\n")
    seed(FIRST, "Are you busy, {to}?")
    both = read_to(watching, "watching ")
    assert "saved: functions/indexer.py, seed/messages.yaml\n" in both
    assert "messages: 1 changed" in both
    assert CHANGED + "Are you busy, Jerry?\n" in both
    assert "bootstrap" not in both

    seed("every: 1m", "every: 1q")
    *_, error, _ = read_to(watching, "watching ").splitlines()
    assert error.startswith(f"error: {project}/seed/messages.yaml:14: every: '1q' is not a time span")
    seed("every: 1q", "every: 1m")
    assert "table       no message added, changed or removed" in read_to(watching, "watching ")
    watching.send_signal(signal.SIGINT)
    rest, _ = watching.communicate(timeout=60)
    assert (watching.returncode, rest) == (0, "")
    assert wanted.stat().st_mtime_ns == written

    seed("Are you busy, {to}?", FIRST)
    first, second = local("up"), local("up")
    output = "".join(one.communicate(timeout=180)[0] for one in (first, second))
    assert (first.returncode, second.returncode) == (0, 0), output
    assert output.count("waiting for another make up or make watch to deploy\n") == 1
    assert CHANGED + "Hey Jerry, are you free?\n" in output
    assert "python -m chat history jerry#tom\n" in output
    assert elsewhere.seen == []
    assert process.stop(project / ".local"), "it is left running for the next command"
    assert processes_naming(tmp_path) == []


def test_a_later_deployment_fails_succeeds_and_has_a_region_that_is_not_bootstrapped(project, local, seed):
    # A plan that was not applied, and the outputs of an embedded AWS that was stopped.
    plan = {"StackName": "Messages-dev", "ChangeSetName": "plan-1", "ChangeSetType": "CREATE"}
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    with pytest.MonkeyPatch.context() as environment:
        for name, value in process.find_or_start(project / ".local").environment().items():
            environment.setenv(name, value)
        boto3.client("cloudformation").create_change_set(**plan, TemplateBody=template)
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/Messages"
    (project / ".local/outputs-dev.json").write_text(json.dumps({"Messages-dev": {"TableArn": arn}}))
    assert "2  bootstrap   account 000000000000, region us-east-1" in up(local)

    function = project / "functions/seed_messages.py"
    code = function.read_text()
    function.write_text(f"{code}raise ValueError\n")
    seed(FIRST, "Are you busy, {to}?")
    assert "deploy      failed\n" in up(local, status=1)
    function.write_text(code)

    output = up(local, "-c", "region=us-east-1", "-c", "copy_region=eu-central-1")
    assert "deploy      not bootstrapped yet\n" in output
    assert "regions eu-central-1, us-east-1" in output
    assert "Messages-dev-Copies-us-east-1: vault" in output
    assert CHANGED + "Are you busy, Jerry?\n" in output


def up(local, *settings, status=0):
    """What ``make up`` prints."""
    run = local("up", *settings)
    output, _ = run.communicate(timeout=180)
    assert run.returncode == status, output
    return output
