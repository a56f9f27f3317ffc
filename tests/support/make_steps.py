"""Make targets, run in a checkout of their own."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import PROJECT

# Variables of a surrounding make or of the user's shell, which would change this one.
_INHERITED = {"ARGS", "BASE", "FORMAT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "STAGE"}
# Written by targets, or part of the real checkout alone.
_OWN = {".git", ".local", "cdk.out", "cdk.context.json", "sbom"}


def checkout(folder: Path) -> Path:
    """``folder``, with links to everything in the project that targets do not write."""
    for path in PROJECT.iterdir():
        if path.name not in _OWN:
            (folder / path.name).symlink_to(path)
    return folder


def make(
    folder: Path, *arguments: str, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """``make`` in a checkout; never rebuilds .venv and node_modules, which the tests are using."""
    variables = {name: value for name, value in environment.items() if name not in _INHERITED}
    ready = ("-o", ".venv/.ready", "-o", "node_modules/.ready")
    return subprocess.run(
        ["make", "--silent", *ready, *arguments],
        cwd=folder,
        env=variables | {"CDK_VALIDATION": "false"},
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
