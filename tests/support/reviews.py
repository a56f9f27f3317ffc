"""The command `ops review`, and what it printed."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.conftest import PROJECT


def review(environment: Mapping[str, str], *arguments: str) -> Any:
    """What ``python -m ops review --json`` prints about its one stack."""
    done = subprocess.run(
        [sys.executable, "-m", "ops", "review", "--json", *arguments],
        cwd=PROJECT,
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    return found


def changes(found: Any) -> Any:
    """The lines of the changes, of the stage or of one of its stacks."""
    (lines,) = [v for k, v in found["sections"].items() if k.startswith("What changes against")]
    return lines
