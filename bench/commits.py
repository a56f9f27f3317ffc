"""The project as it was, to measure it beside the present one."""

import subprocess
from pathlib import Path

from embedded_aws.environment import PROJECT


def earlier(commit: str, folder: Path) -> Path:
    """``folder``, which is created, with the project as it was at ``commit``."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=PROJECT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder
