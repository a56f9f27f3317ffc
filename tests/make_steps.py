"""Make targets, run in a checkout of their own."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import PROJECT

# What a surrounding make, or the user's shell, would say to this one.
_SAID = {"ARGS", "BASE", "FORMAT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "STAGE"}
# What targets write, or what is of this checkout alone.
_OWN = {".git", ".local", "cdk.out", "cdk.context.json", "sbom"}


def checkout(folder: Path) -> Path:
    """``folder``, with links to everything in the project's except for what targets write."""
    for path in PROJECT.iterdir():
        if path.name not in _OWN:
            (folder / path.name).symlink_to(path)
    return folder


def make(
    folder: Path, *arguments: str, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """``make`` in a checkout, which never sets .venv and node_modules up again: tests run there."""
    variables = {name: value for name, value in environment.items() if name not in _SAID}
    ready = ("-o", ".venv/.ready", "-o", "node_modules/.ready")
    return subprocess.run(
        ["make", "--silent", *ready, *arguments],
        cwd=folder, env=variables | {"CDK_VALIDATION": "false"}, text=True, timeout=300,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
