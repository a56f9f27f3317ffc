"""``make up`` and ``make watch`` as a user meets them: edits of the seed, good ones and bad ones."""

import signal
import subprocess
import sys

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
    """``local("up")`` in the copy."""

    def started(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            cwd=project,
            env=hostile,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    return started


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
    with local("watch") as watching:
        first = read_to(watching, "deploy ")
        assert "watching app.py, cdk.json, " in first
        assert "5 messages seeded" in first

        with (project / "functions/indexer.py").open("a") as code:
            code.write("# saved\n")
        seed(FIRST, "Are you busy, {to}?")
        both = read_to(watching, CHANGED)
        assert "saved: functions/indexer.py, seed/messages.yaml\n" in both
        assert "messages: 1 changed" in both
        assert both.endswith(CHANGED + "Are you busy, Jerry?\n")
        assert "bootstrap" not in both

        seed("every: 1m", "every: 1q")
        assert read_to(watching, "error: ").endswith(
            f"error: {project}/seed/messages.yaml:14: every: '1q' is not a time span: "
            "a number and s, m, h, d, w or y, for example 30d\n"
        )
        seed("every: 1q", "every: 1m")
        read_to(watching, "table       no message added, changed or removed")
        watching.send_signal(signal.SIGINT)
        rest, _ = watching.communicate(timeout=60)
    assert (watching.returncode, rest) == (0, "")

    seed("Are you busy, {to}?", FIRST)
    with local("up") as up:
        output, _ = up.communicate(timeout=120)
    assert up.returncode == 0, output
    assert CHANGED + "Hey Jerry, are you free?\n" in output
    assert "python -m chat history jerry#tom\n" in output
    assert elsewhere.seen == []
    assert process.stop(project / ".local"), "it is left running for the next command"
    assert processes_naming(tmp_path) == []


def test_a_region_that_a_deployed_stage_lacks_is_bootstrapped(local):
    def up(*settings):
        with local("up", *settings) as run:
            output, _ = run.communicate(timeout=120)
        assert run.returncode == 0, output
        return output

    assert "not bootstrapped" not in up()
    output = up("-c", "region=us-east-1", "-c", "copy_region=eu-central-1")
    assert "deploy      not bootstrapped yet\n" in output
    assert "regions eu-central-1, us-east-1" in output
    assert "Messages-dev-Copies-us-east-1: vault" in output
    assert "table       no message added, changed or removed" in output
