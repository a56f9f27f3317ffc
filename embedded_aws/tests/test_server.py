"""The server's own checks."""

import subprocess
import sys
from pathlib import Path


def test_another_engine_version_is_refused(tmp_path):
    program = (
        "import importlib.metadata as m; m.version = lambda name: '9.9.9';"
        f"import sys; sys.argv = ['server', {str(tmp_path)!r}];"
        "from embedded_aws import server; server.main()"
    )
    root = Path(__file__).resolve().parents[2]
    refused = subprocess.run([sys.executable, "-c", program], cwd=root, text=True, capture_output=True, timeout=60)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ministack 9.9.9 is installed")
    assert len(refused.stderr.strip().splitlines()) == 1
