"""`make` in a shell whose home folder cannot be written: caches are in the project's folder."""

import os
import shutil
from pathlib import Path

import pytest

from local.steps import Steps
from tests.conftest import PROJECT

FILES = (
    "Makefile",
    "app.py",
    "cdk.json",
    "dynamo",
    "functions",
    "model",
    "package-lock.json",
    "requirements",
    "requirements.txt",
    "seed",
    "stacks",
)
CACHES = {
    "XDG_CACHE_HOME": ".cache",
    "npm_config_cache": ".cache/npm",
    "CDK_HOME": ".cache/cdk",
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT": ".cache/jsii",
}
SHOW = ["--eval", "show: ; @env", "--silent", "show"]


@pytest.fixture
def project(tmp_path):
    """A copy of the project that is set up: `make` is told that it is."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in FILES:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy2
        copy(PROJECT / name, folder / name)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(PROJECT / name)
    return folder


@pytest.fixture
def make(project):
    """``make(["synth"], HOME="/x")``: what it prints; ends within two minutes."""

    def run(arguments, **variables):
        environment = {
            name: value for name, value in os.environ.items() if name not in CACHES and not name.startswith("MAKE")
        }
        return Steps(project / "log").run(
            ["make", "-o", ".venv/.ready", "-o", "node_modules/.ready", *arguments],
            environment=environment | variables,
            cwd=project,
            seconds=120,
        )

    return run


def shown(printed):
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


@pytest.fixture(params=["/proc/nope", "under a file"])
def no_home(request, tmp_path):
    """A home folder that is not there and cannot be made."""
    if request.param != "under a file":
        return request.param
    (tmp_path / "file").touch()
    return str(tmp_path / "file/home")


def test_the_app_is_synthesized_without_a_home(make, no_home):
    packages = str(Path.home() / ".cache/aws/jsii/package-cache")  # 200 MB, not once more
    template = make(["synth"], HOME=no_home, JSII_RUNTIME_PACKAGE_CACHE_ROOT=packages)
    assert "AWS::DynamoDB::GlobalTable" in template


def test_every_cache_is_in_the_project_without_a_home(make, project, no_home):
    seen = shown(make(SHOW, HOME=no_home))
    assert {name: seen.get(name) for name in CACHES} == {name: str(project / folder) for name, folder in CACHES.items()}
    assert seen["HOME"] == str(project / ".cache/home")


def test_a_cache_that_the_environment_names_is_used(make, no_home):
    assert shown(make(SHOW, HOME=no_home, CDK_HOME="/own"))["CDK_HOME"] == "/own"


def test_a_home_that_can_be_written_keeps_the_caches(make, tmp_path):
    seen = shown(make(SHOW, HOME=str(tmp_path)))
    assert not CACHES.keys() & seen.keys()
    assert seen["HOME"] == str(tmp_path)
