"""Commands as processes: a Ctrl-C while they are still being loaded."""

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import PROJECT


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [("ops", "backups"), ("chat", "tables")], ids=" ".join)
def test_it_is_one_line(tmp_path, command, ending):
    (tmp_path / "boto3.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    ) as process:
        try:
            assert process.stdout.readline() == "loading\n"
            process.send_signal(ending)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err.startswith("error: interrupted; ")
    assert err.count("\n") == 1
