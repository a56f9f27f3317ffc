"""The server's own checks."""

import importlib.metadata
import subprocess
import sys

import pytest

from embedded_aws import server
from embedded_aws.environment import PROJECT


def test_another_engine_version_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9.9")
    with pytest.raises(SystemExit, match=r"^error: ministack 9\.9\.9 is installed, .* Run `make setup`, .*$"):
        server.check_engine_version()


def test_the_start_does_not_wait_for_modules_that_few_use(tmp_path):
    """botocore and Cognito's key are a quarter of a start that waits for them."""
    command = [sys.executable, "-X", "importtime", "-m", "embedded_aws.server", tmp_path, "--until-stdin-closes"]
    done = subprocess.run(command, cwd=PROJECT, input="", text=True, capture_output=True, timeout=60)
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "ministack.services.dynamodb" in imported, done.stderr
    assert imported & {"botocore.session", "ministack.services.cognito"} == set()
