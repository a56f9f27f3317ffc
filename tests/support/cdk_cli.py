"""The real CDK CLI on an embedded AWS."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedded_aws.tests.support.engine import clients_of
from local.process import Running
from tests.conftest import PROJECT
from tests.support.deployment import bootstrap


def bootstrapped_cli(aws: Running, folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run("deploy", "-c", "stage=x", out=..., **variables)`` on a bootstrapped AWS; ``folder`` is for its files."""
    bootstrap(clients_of(aws))
    environment = aws.environment() | {"CDK_DISABLE_CLI_TELEMETRY": "true"}

    def run(*arguments: Any, cwd: Path = PROJECT, out: Path = folder / "cdk.out", **variables: str) -> Any:
        return subprocess.run(
            ["cdk", "-o", out, *arguments],
            cwd=cwd,
            env=environment | variables,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run
