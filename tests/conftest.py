"""Fixtures every tier shares."""

import os
import sys
from pathlib import Path
from typing import Any

# The CDK's own validation of a template is half of the time of a synth, and a second of every
# run of the app; `make check` validates.
os.environ["CDK_VALIDATION"] = "false"
# Lambda assets are hashed by content: a test run must not leave bytecode in them.
sys.dont_write_bytecode = True

PROJECT = Path(__file__).resolve().parent.parent


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what broke without each permission, when the tests of tests/privileges ran."""
    seen = {
        tuple(value[:-1]): value[-1]
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "permission" and report.when == "call"
    }
    if seen:
        # Here, because it loads the CDK, which other tests save.
        from tests.privileges.report import print_table

        print_table(terminalreporter, seen)
