"""`make` in a shell whose home folder cannot be written: caches are in the project's folder."""

import os
import shutil
from pathlib import Path

import pytest

from local.steps import Steps
from tests.conftest import PROJECT, copy_project

CACHES = {
    "XDG_CACHE_HOME": ".cache",
    "npm_config_cache": ".cache/npm",
    "CDK_HOME": ".cache/cdk",
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT": ".cache/jsii",
}


@pytest.fixture
def make(tmp_path):
    """``make("synth", HOME="/x")``: what it prints, in a copy of the project that is set up, within two minutes."""
    project = copy_project(tmp_path / "project")
    shutil.copy(PROJECT / "Makefile", project / "Makefile")
    for name in (".venv", "node_modules"):
        (project / name).symlink_to(PROJECT / name)

    def run(*arguments, **variables):
        kept = {name: value for name, value in os.environ.items() if name not in CACHES and not name.startswith("MAKE")}
        return Steps(project / "log").run(
            ["make", "-o", ".venv/.ready", "-o", "node_modules/.ready", *arguments],
            environment=kept | variables,
            cwd=project,
            seconds=120,
        )

    run.project = project
    return run


def test_the_app_is_synthesized_for_a_stage_without_a_home(make):
    packages = str(Path.home() / ".cache/aws/jsii/package-cache")  # 200 MB, not once more
    given = {"HOME": "/proc/nope", "JSII_RUNTIME_PACKAGE_CACHE_ROOT": packages}
    template = make("synth", "STAGE=prod", "ARGS=-c pitr_days=3", **given)
    assert "TableName: Messages-prod" in template
    assert "RecoveryPeriodInDays: 3" in template


def test_every_cache_is_in_the_project_without_a_home_unless_it_is_named(make, tmp_path):
    def seen(**given):
        printed = make("--eval", "show: ; @env", "--silent", "show", **given)
        return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)

    expected = {name: str(make.project / folder) for name, folder in CACHES.items()} | {"CDK_HOME": "/own"}
    for home in ("/proc/nope", f"{PROJECT}/Makefile/home"):
        found = seen(HOME=home, CDK_HOME="/own")
        assert {name: found.get(name) for name in CACHES} == expected
        assert found["HOME"] == str(make.project / ".cache/home")
    own = seen(HOME=str(tmp_path))
    assert not CACHES.keys() & own.keys()
    assert own["HOME"] == str(tmp_path)
