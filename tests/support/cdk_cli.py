"""The real CDK CLI on an embedded AWS."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.process import Running
from tests.conftest import PROJECT


def bootstrapped_cli(aws: Running, folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run("deploy", "-c", "stage=x", out=..., **variables)``, after `cdk bootstrap`; ``folder`` is for its files."""
    environment = aws.environment() | {"CDK_DISABLE_CLI_TELEMETRY": "true"}

    def run(*arguments: Any, cwd: Path = PROJECT, out: Path = folder / "cdk.out", **variables: str) -> Any:
        return subprocess.run(
            ["cdk", *arguments] if arguments[0] == "bootstrap" else ["cdk", "-o", out, *arguments],
            cwd=cwd,
            env=environment | variables,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    # Outside the app's folder, so that the CLI does not synthesize the app.
    done = run("bootstrap", "aws://000000000000/us-east-1", cwd=folder)
    assert done.returncode == 0, done.stdout
    return run
