"""What a tier of the tests needs: the unit tests are Python alone."""

import subprocess
import sys

from tests.conftest import PROJECT

# In a process of its own: here other tests have loaded the CDK long since.
_LOADED = """
import importlib, pathlib, sys
for file in sorted(pathlib.Path("tests/unit").glob("test_*.py")):
    importlib.import_module(f"tests.unit.{file.stem}")
    if "jsii" in sys.modules:
        sys.exit(f"{file} loads the CDK, and with it Node; its place is tests/stacks")
"""


def test_unit_tests_load_no_cdk():
    done = subprocess.run(
        [sys.executable, "-B", "-c", _LOADED], cwd=PROJECT, text=True, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
