"""``make demo`` as a person meets it: to its end, and interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import PROJECT


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.Popen([sys.executable, "-m", "local.demo", "--folder", folder], cwd=PROJECT,
                            env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip


def processes_of(folder: Path) -> list[str]:
    """Commands that were started with an environment that names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def test_the_whole_life_ends_well_and_leaves_nothing(tmp_path):
    with start(tmp_path / "demo") as demo:
        output, _ = demo.communicate(timeout=300)
    lines = output.strip().splitlines()
    assert demo.returncode == 0, output
    assert lines[-1].startswith("demo: ok")
    assert "Tom → Jerry: Hey Jerry, are you free?" in output
    assert "Jerry → Tom: Yes, Tom. What's up?" in output
    assert "recovery-point:" in output
    assert "empty, but for what AWS itself keeps" in output
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "demo").exists()


def test_an_interrupt_leaves_no_process(tmp_path):
    with start(tmp_path / "demo") as demo:
        seen = ""
        while "deploy" not in seen:
            seen += demo.stdout.read(1)
        time.sleep(3)  # into the CDK CLI's run of the app
        assert any("cdk" in command for command in processes_of(tmp_path))
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, seen + output
    assert "demo: interrupted" in output
    assert "Traceback" not in output
    assert processes_of(tmp_path) == []
