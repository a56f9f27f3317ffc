"""Commands of the project in processes of their own: the real CDK CLI, and make targets."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from embedded_aws.process import Running
from embedded_aws.tests.support.engine import clients_of
from tests.conftest import PROJECT
from tests.support.deployment import bootstrap

Done = subprocess.CompletedProcess[str]
# Variables of a surrounding make or of the user's shell, which would change this one.
_INHERITED = {"ARGS", "BASE", "FORMAT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PLAN", "STAGE"}
# Written by targets, or part of the real checkout alone.
_OWN = {".git", ".local", "cdk.out", "cdk.context.json", "sbom"}


def run(*command: object, cwd: Path, environment: Mapping[str, str]) -> Done:
    """Run a command; its standard error goes where its standard output does."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**environment, "CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_VALIDATION": "false"},
        text=True,
        timeout=900,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def cdk(*arguments: str, cwd: Path, environment: Mapping[str, str], out: Path) -> Done:
    """Run the CDK CLI. It synthesizes an app once for each context, into a folder in ``out``."""
    rest, app = list(arguments), []
    for option in ("-a", "-c"):
        while option in rest:
            at = rest.index(option)
            app += rest[at : at + 2]
            del rest[at : at + 2]
    made = out / hashlib.sha256(" ".join(app).encode()).hexdigest()[:8]
    source = ["-a", made] if (made / "manifest.json").exists() else ["-o", made, *app]
    return run("cdk", *source, *rest, cwd=cwd, environment=environment)


def bootstrapped_cli(aws: Running, folder: Path) -> Callable[..., Done]:
    """``run("deploy", "-c", "stage=x", **variables)``: the CDK CLI on a bootstrapped embedded AWS."""
    bootstrap(clients_of(aws))

    def on_aws(*arguments: str, out: Path = folder, **variables: str) -> Done:
        return cdk(*arguments, cwd=PROJECT, environment=aws.environment() | variables, out=out)

    return on_aws


def checkout(folder: Path) -> Path:
    """``folder``, with links to everything in the project that targets do not write."""
    for path in PROJECT.iterdir():
        if path.name not in _OWN:
            (folder / path.name).symlink_to(path)
    return folder


def make(folder: Path, *arguments: str, environment: Mapping[str, str] = os.environ) -> Done:
    """``make`` in a checkout; never rebuilds .venv and node_modules, which the tests are using."""
    variables = {name: value for name, value in environment.items() if name not in _INHERITED}
    ready = ("-o", ".venv/.ready", "-o", "node_modules/.ready")
    return run("make", "--silent", *ready, *arguments, cwd=folder, environment=variables)
