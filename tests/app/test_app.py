"""The app as the CDK CLI starts it: its errors, and that the template never varies."""

import gzip
import json
import os
import subprocess
import sys

import pytest
from aws_cdk import App

import app
from seed.__main__ import main as check_seed
from stacks import function, pipeline_access
from stacks.function import module_files
from tests.conftest import PROJECT, context, copy_project


def synth(folder, *, cwd=PROJECT, environment=None, umask=-1, **settings):
    """Run app.py as the CLI does, which hands the context over in a variable."""
    # HOME: jsii keeps its unpacked packages there; without them a start takes seconds more.
    kept = {name: os.environ[name] for name in ("HOME", "PATH")}
    own = {"CDK_CONTEXT_JSON": json.dumps(context() | settings), "CDK_OUTDIR": str(folder), "CDK_VALIDATION": "false"}
    command = [sys.executable, "-B", "app.py"]
    variables = kept | own | (environment or {})
    done = subprocess.run(command, cwd=cwd, text=True, timeout=120, capture_output=True, env=variables, umask=umask)
    assert done.returncode == 0, done.stderr


def refused(module, monkeypatch, **settings) -> str:
    """The one line that the ``main`` of an app exits with, which Python prints with status 1."""
    monkeypatch.setattr(module, "App", lambda: App(context=context() | settings))
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert "\n" not in ended.value.code
    return ended.value.code


def test_a_wrong_setting_or_seed_is_one_line(monkeypatch, tmp_path):
    said = refused(pipeline_access, monkeypatch, repository="octo")
    assert said.startswith("error: repository is 'octo'; must be OWNER/NAME")
    seed = tmp_path / "seed" / "messages.yaml"
    seed.parent.mkdir()
    seed.write_text((PROJECT / "seed/messages.yaml").read_text().replace("from: jerry", "from: jery", 1))
    monkeypatch.setattr(app, "PROJECT", tmp_path)
    assert refused(app, monkeypatch) == f"error: {seed}:18: message 2: unknown user 'jery'; must be one of tom, jerry"


def test_code_that_is_missing_or_not_python_is_one_line(monkeypatch, tmp_path):
    project = copy_project(tmp_path / "project")
    monkeypatch.setattr(function, "PROJECT", project)
    (project / "functions/indexer.py").write_text("\ndef (\n")
    assert refused(app, monkeypatch).startswith("error: functions/indexer.py:2: invalid syntax")
    (project / "functions/indexer.py").unlink()
    assert refused(app, monkeypatch).startswith("error: functions/indexer.py does not exist; ")


SENT = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}


@pytest.mark.parametrize("second", [SENT | {"body": "Ho"}, {"from": "Tom"}], ids=["one key", "wrong"])
def test_a_wrong_dataset_is_one_line_with_the_same_text_as_its_check(tmp_path, monkeypatch, capsys, second):
    file = tmp_path / "d.jsonl.gz"
    file.write_bytes(gzip.compress(f"{json.dumps(SENT)}\n{json.dumps(second)}\n".encode()))
    said = refused(app, monkeypatch, seed_dataset=str(file))
    assert said.startswith(f"error: {file}:2: ")
    assert check_seed([str(file), "--check"]) == 1
    assert capsys.readouterr().err == f"{said}\n"


def test_a_synth_elsewhere_by_another_user_with_another_clock_is_the_same_bytes_and_readable(tmp_path):
    # The characters of the folder's name are special in NODE_OPTIONS.
    project, waiting = copy_project(tmp_path / 'else "where\\é' / "project"), {"seed_dataset": "s3://bucket/key"}
    # What running the project leaves behind must not count.
    (project / "seed/__pycache__").mkdir()
    (project / "seed/__pycache__/handler.cpython-311.pyc").write_bytes(b"stray")
    (project / "cdk.out").mkdir()
    allow_only_the_owner(project)
    usual, strict = tmp_path / "usual", tmp_path / "strict"
    synth(usual, environment={"TZ": "UTC"}, **waiting)
    other = {"TZ": "Pacific/Auckland", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1"}
    synth(strict, cwd=project, environment=other, umask=0o077, **waiting)
    allow_only_the_owner(strict)  # what an earlier synth has staged is made readable again
    synth(strict, cwd=project, environment=other, umask=0o077, **waiting)
    one, two = (folder / "Messages-dev.template.json" for folder in (usual, strict))
    assert one.read_bytes() == two.read_bytes()
    (asset,) = [path for path in strict.glob("asset.*") if (path / "functions/seed_messages.py").exists()]
    files = {str(path.relative_to(asset)) for path in asset.rglob("*") if path.is_file()}
    assert files == {*module_files("functions.seed_messages")}, "only what it imports"
    staged = [path for path in strict.rglob("asset.*/**/*") if path.is_file()]
    assert {path.name for path in staged} > {"seed_messages.py", "write_dataset.py", "framework.js"}
    assert {path.stat().st_mode & 0o777 for path in staged} == {0o644}


def test_a_synth_without_staging_leaves_the_modes_of_the_project_alone(tmp_path):
    project = copy_project(tmp_path / "project")
    allow_only_the_owner(project)
    synth(tmp_path / "out", cwd=project, **{"aws:cdk:disable-asset-staging": True})
    modes = {path.stat().st_mode & 0o777 for path in project.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_node_is_started_with_the_options_of_the_app_and_of_the_user(tmp_path):
    node = tmp_path / "node"
    node.write_text(f'#!/bin/sh\necho "$NODE_OPTIONS" > "{tmp_path}/options"\nexec node "$@"\n')
    node.chmod(0o755)
    synth(tmp_path / "out", environment={"JSII_NODE": str(node), "NODE_OPTIONS": "--no-deprecation"})
    given = (tmp_path / "options").read_text()
    assert given.startswith("--v8-pool-size=")
    assert given.endswith('stacks/node.cjs" --no-deprecation\n')
    started = {"NODE_OPTIONS": given.strip(), "PATH": os.environ["PATH"]}
    done = subprocess.run(["node", "--eval", ""], env=started, text=True, capture_output=True, check=True)
    assert done.stderr == "", "Node does not fail for a flag that it does not know"


def allow_only_the_owner(folder):
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
