"""The app that is started before the CDK CLI: its answer is the one that the CLI would have got."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest

from embedded_aws.tests.support.steps import eventually
from tests.conftest import copy_project

APP = """\
import os, pathlib, sys, time
pathlib.Path("runs").open("a").write(os.environ["CDK_CONTEXT_JSON"] + "\\n")
says = pathlib.Path("says").read_text() if pathlib.Path("says").exists() else ""
print(says, file=sys.stderr)
time.sleep(60 if says == "slow" else 0)
sys.exit(3 if says else 0)
"""
# `python -m local up`, with a shell in the place of the CDK CLI.
UP = """\
import os, pathlib, subprocess, sys, time
from local.synthesis import ahead
context, times, *options = sys.argv[1:]
with ahead(pathlib.Path("state"), options, os.environ) as (_, command):
    if context:
        variables = os.environ | {"CDK_CONTEXT_JSON": context}
        for _ in range(int(times)):
            done = subprocess.run(command, shell=True, env=variables)
        sys.exit(done.returncode)
    runs = pathlib.Path("runs")
    while not (runs.exists() and runs.read_text()):
        time.sleep(0.01)
"""


@pytest.fixture
def project(tmp_path):
    """A project with an app that keeps a line for each of its runs, and says and returns what the file ``says``."""
    project = copy_project(tmp_path, ("local", "embedded_aws", "model"))
    (project / "app.py").write_text(APP)
    (project / "cdk.json").write_text('{"app": "python3 app.py"}')
    (project / "state").mkdir()
    return project


def deploy(project, context, *options, times=1):
    """The status of the app, as the CLI sees it, what it says, and the contexts that it was run with."""
    (project / "runs").unlink(missing_ok=True)
    given = json.dumps(context) if context else ""
    command = [sys.executable, "-c", UP, given, str(times), *options]
    done = subprocess.run(command, cwd=project, text=True, capture_output=True, timeout=60, env=os.environ)
    return done.returncode, done.stderr.strip(), [json.loads(line) for line in (project / "runs").open()]


def test_one_app_runs_for_each_deployment_and_the_cli_gets_its_words_and_its_status(project):
    assert deploy(project, {"a": 1}, "-c", "stage=dev") == (0, "", [{"a": 1}])
    assert deploy(project, {"a": 1}, "-c", "stage=dev") == (0, "", [{"a": 1}])
    (project / "says").write_text("error: wrong")
    assert deploy(project, {"a": 1}, "-c", "stage=dev") == (3, "error: wrong", [{"a": 1}])


def test_the_app_runs_again_where_the_cli_wants_something_else_than_last_time(project):
    deploy(project, {"a": 1})
    assert deploy(project, {"a": 2}) == (0, "", [{"a": 1}, {"a": 2}]), "cdk.json was edited"
    assert deploy(project, {"a": 2}, "-c", "pitr_days=3") == (0, "", [{"a": 2}]), "other options: not started ahead"


def test_a_bootstrap_and_a_deployment_want_the_same(project):
    deploy(project, {"a": 1, "aws:cdk:bundling-stacks": []})
    assert deploy(project, {"a": 1, "aws:cdk:bundling-stacks": ["**"]})[2] == [{"a": 1}]


def test_an_answer_is_used_once(project):
    deploy(project, {"a": 1})
    assert deploy(project, {"a": 1}, times=2) == (0, "", [{"a": 1}, {"a": 1}])


def test_an_answer_that_no_cli_took_is_not_given_to_the_next(project):
    deploy(project, {"a": 1})
    (project / "state/app.log").write_text("status 9\n")
    assert deploy(project, {"a": 1}) == (0, "", [{"a": 1}])


def test_a_file_that_is_half_saved_is_the_clis_to_report(project):
    deploy(project, {"a": 1})
    (project / "cdk.json").write_text("{,}")
    assert deploy(project, None) == (0, "", [{"a": 1}])


def test_another_checkout_with_a_copy_of_the_state_starts_nothing_ahead(project, tmp_path_factory):
    deploy(project, {"a": 1})
    copy = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(project, copy)
    assert deploy(copy, {"a": 2}) == (0, "", [{"a": 2}])


def test_an_app_that_still_runs_at_the_end_is_killed(project):
    deploy(project, {"a": 1})
    (project / "says").write_text("slow")
    assert deploy(project, None)[0] == 0
    with (project / "state/app.log").open() as log:
        eventually(lambda: unlocked(log), seconds=20)  # as long as it runs, its log stays locked


def unlocked(file):
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    return False
