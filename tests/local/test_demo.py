"""``make demo`` as a user meets it: to its end, and interrupted."""

import os
import re
import signal
import subprocess
import sys

from embedded_aws.tests.support.steps import eventually
from local import demo
from tests.conftest import PROJECT, copy_project
from tests.support.processes import processes_naming

SEED = """
users: {ann: Ann Lee, tom: Tom, jo: Jö}
start: 2026-01-01T09:00:00Z
every: 1m
messages:
  - {from: jo, to: tom, body: "Sent before it was written", at: 2025-01-01T00:00:00Z}
  - {from: ann, to: jo, body: "Two lines\\nin one, {to}"}
  - {from: ann, to: tom, body: "An earlier conversation", at: 2025-06-01T00:00:00Z}
"""
PARTS = "app.py cdk.json chat cli dynamo embedded_aws functions local model ops seed stacks".split()


def start(folder, environment=os.environ, project=PROJECT):
    return subprocess.Popen(
        [sys.executable, "-m", "local.demo", "--folder", folder],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def test_the_whole_life_ends_well_and_leaves_nothing(tmp_path, hostile, elsewhere):
    """Of a project with another seed than ours."""
    project = copy_project(tmp_path / "project", PARTS)
    (project / "seed/messages.yaml").write_text(SEED)
    with start(tmp_path / "demo", hostile, project) as whole:
        output, _ = whole.communicate(timeout=300)
    assert whole.returncode == 0, output
    assert output.strip().splitlines()[-1].startswith("demo: ok")
    assert "1 messages of ann lee#jö" in output
    before = output.index("Ann Lee: with Jö: Two lines\\nin one, Jö")
    assert "Jö → Ann Lee: Any time, Ann Lee!" in output
    assert before < output.index("Ann Lee: with Jö: Any time, Ann Lee!"), "the list shows the reply"
    assert "recovery-point:" in output
    assert re.search(r"recover +one message edited, .* in place in [0-9.]+ s: 3 written, differences 0", output)
    assert re.search(r"drill +recovery time [0-9.]+ s, 10 items compared, differences 0;", output)
    assert "empty, except for what AWS itself keeps" in output
    assert processes_naming(tmp_path) == []
    assert not (tmp_path / "demo").exists()
    assert elsewhere.seen == [], "the AWS that the environment names is left alone"


def test_an_interrupt_leaves_no_process_and_the_folder_of_another_is_left_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "interrupt_on_terminate", lambda: None)

    def refused(folder):
        monkeypatch.setattr(sys, "argv", ["demo", "--folder", str(folder)])
        assert demo.main() == 1
        return capsys.readouterr().out

    with start(tmp_path / "demo") as first:
        seen = ""
        while "bootstrap" not in seen:
            seen += first.stdout.read(1)
        assert f"another demo is running in {tmp_path / 'demo'}" in refused(tmp_path / "demo")
        eventually(lambda: "cdk" in " ".join(processes_naming(tmp_path)))
        assert "embedded_aws.server" in " ".join(processes_naming(tmp_path))
        first.send_signal(signal.SIGHUP)
        output, _ = first.communicate(timeout=60)
    assert first.returncode == 130, seen + output
    assert not (tmp_path / "demo/commands-tmp").exists()
    assert "demo: interrupted" in output
    assert "Traceback" not in output
    assert processes_naming(tmp_path) == []

    assert "is not empty; name a folder that the demo may delete" in refused(tmp_path)
    assert (tmp_path / "demo").exists()
