"""``make demo`` as a person meets it: to its end, and interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import PROJECT


def start(folder: Path, environment: Mapping[str, str] = os.environ, project: Path = PROJECT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.demo", "--folder", folder],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def processes_of(folder: Path) -> list[str]:
    """Commands that name the folder, or were started with an environment that does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if str(folder).encode() in command + (process / "environ").read_bytes():
                found.append(command.replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def test_the_whole_life_ends_well_and_leaves_nothing(tmp_path, hostile, elsewhere):
    with start(tmp_path / "demo", hostile) as demo:
        output, _ = demo.communicate(timeout=300)
    lines = output.strip().splitlines()
    assert demo.returncode == 0, output
    assert lines[-1].startswith("demo: ok")
    assert "Tom → Jerry: Hey Jerry, are you free?" in output
    assert "Jerry → Tom: Yes, Tom. What's up?" in output
    assert "recovery-point:" in output
    before = output.index("Tom: with Jerry: Thanks! You're the best, Jerry.")
    assert before < output.index("Tom: with Jerry: Any time, Tom!"), "the list has followed"
    assert output.count("Jerry: with Tom: ") == 2
    assert re.search(r"drill +recovery time [0-9.]+ s, 8 items compared, differences 0;", output)
    assert "empty, but for what AWS itself keeps" in output
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "demo").exists()
    assert elsewhere.seen == [], "the AWS that the environment names is left alone"


SEED = """
users: {ann: Ann Lee, tom: Tom, jo: Jö}
start: 2026-01-01T09:00:00Z
every: 1m
messages:
  - {from: jo, to: tom, body: "Sent before it was written", at: 2025-01-01T00:00:00Z}
  - {from: ann, to: jo, body: "Two lines\\nin one, {to}"}
  - {from: ann, to: tom, body: "An earlier conversation", at: 2025-06-01T00:00:00Z}
"""


def test_an_edited_seed_is_what_it_shows(tmp_path):
    project = tmp_path / "project"
    folders = "chat cli dynamo embedded_aws functions local model ops seed stacks"
    for name in ("app.py", "cdk.json", *folders.split()):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        project.mkdir(exist_ok=True)
        copy(PROJECT / name, project / name)
    (project / "seed/messages.yaml").write_text(SEED)
    with start(tmp_path / "demo", project=project) as demo:
        output, _ = demo.communicate(timeout=300)
    assert demo.returncode == 0, output
    assert "1 messages of ann lee#jö" in output
    assert "Ann Lee: with Jö: Two lines\\nin one, Jö" in output
    assert "Jö → Ann Lee: Any time, Ann Lee!" in output
    assert output.count(": with Jö: Any time, Ann Lee!") == 1


def test_an_interrupt_leaves_no_process(tmp_path):
    with start(tmp_path / "demo") as demo:
        seen = ""
        while "bootstrap" not in seen:
            seen += demo.stdout.read(1)
        time.sleep(3)  # into the CDK CLI's run of the app
        running = " ".join(processes_of(tmp_path))
        assert "cdk" in running
        assert "embedded_aws.server" in running
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, seen + output
    assert not (tmp_path / "demo/commands-tmp").exists()
    assert "demo: interrupted" in output
    assert "Traceback" not in output
    assert processes_of(tmp_path) == []


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with start(tmp_path) as demo:
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "is not empty; name a folder that the demo may delete" in output
    assert (tmp_path / "thesis.txt").exists()


def test_a_second_demo_leaves_the_first_alone(tmp_path):
    with start(tmp_path / "demo") as first:
        assert "The life" in first.stdout.readline()
        with start(tmp_path / "demo") as second:
            output, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert f"a demo runs in {tmp_path / 'demo'} already" in output
        assert first.poll() is None
        first.send_signal(signal.SIGHUP)
        first.communicate(timeout=60)
    assert first.returncode == 130
    assert processes_of(tmp_path) == []
