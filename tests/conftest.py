"""Fixtures every tier shares."""

import gc
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

from embedded_aws.environment import without_aws
from embedded_aws.tests.support.engine import read_descriptions_once

# The variables of the user's shell reach no test.
for name in os.environ.keys() - without_aws(os.environ).keys():
    del os.environ[name]
# The CDK's own validation of a template is half of the time of a synth, and a second of every
# run of the app; `make check` validates.
os.environ["CDK_VALIDATION"] = "false"
# On a slow machine the first run takes longer than Hypothesis expects; that is no mistake of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Commands make clients of their own, which took half of their time.
read_descriptions_once()

PROJECT = Path(__file__).resolve().parent.parent
# What a deployment needs of the project, and nothing else of it.
NEEDED = ("app.py", "cdk.json", "stacks", "seed", "dynamo", "functions", "model")
# Modules stay until the end: looking through them again and again takes a third of a unit test's
# time.
gc.disable()


def context() -> dict[str, Any]:
    """The context in cdk.json."""
    return dict(json.loads((PROJECT / "cdk.json").read_text())["context"])


def copy_project(folder: Path, files: Sequence[str] = NEEDED) -> Path:
    """Copy files and folders of the project, by default what a deployment needs, to ``folder``, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / name, folder / name)
    return folder


def pytest_collection_finish() -> None:
    """Collect garbage from here on, in what tests make."""
    gc.freeze()
    gc.enable()
