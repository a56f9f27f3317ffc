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
from stacks import pipeline_access
from stacks.function import module_files
from tests.conftest import PROJECT, copy_project


def synth(folder, *, cwd=PROJECT, environment=None, umask=-1, succeeds=True, **context):
    """Run app.py as the CLI does, which hands the context over in a variable."""
    committed = json.loads((cwd / "cdk.json").read_text())["context"]
    # HOME: jsii keeps its unpacked packages there; without them a start takes seconds more.
    kept = {name: os.environ[name] for name in ("HOME", "PATH")}
    own = {"CDK_CONTEXT_JSON": json.dumps(committed | context), "CDK_OUTDIR": str(folder), "CDK_VALIDATION": "false"}
    command = [sys.executable, "-B", "app.py"]
    variables = kept | own | (environment or {})
    done = subprocess.run(command, cwd=cwd, text=True, timeout=120, capture_output=True, env=variables, umask=umask)
    assert (done.returncode == 0) == succeeds, done.stderr
    return done


def refused(module, monkeypatch, **context) -> str:
    """The one line that the ``main`` of an app exits with, which Python prints with status 1."""
    committed = json.loads((PROJECT / "cdk.json").read_text())["context"]
    monkeypatch.setattr(module, "App", lambda: App(context=committed | context))
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert "\n" not in ended.value.code
    return ended.value.code


@pytest.mark.parametrize(
    ("module", "context", "said"),
    [
        (app, {"pitr_days": "99"}, "error: setting 'pitr_days' is 99; must be between 0 and 35. Fix it"),
        (pipeline_access, {"repository": "octo"}, "error: repository is 'octo'; must be OWNER/NAME"),
    ],
)
def test_a_wrong_setting_is_one_line(monkeypatch, module, context, said):
    assert refused(module, monkeypatch, **context).startswith(said)


def test_a_wrong_seed_is_one_line_and_status_1(tmp_path):
    project = copy_project(tmp_path / "copy")
    seed = project / "seed/messages.yaml"
    seed.write_text(seed.read_text().replace("from: jerry", "from: jery", 1))
    failed = synth(tmp_path / "out", cwd=project, succeeds=False)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert ":18: message 2: unknown user 'jery'; must be one of tom, jerry" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


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
    project, waiting = copy_project(tmp_path / "elsewhere" / "project"), {"seed_dataset": "s3://bucket/key"}
    # What running the project leaves behind must not count.
    (project / "seed/__pycache__").mkdir()
    (project / "seed/__pycache__/handler.cpython-311.pyc").write_bytes(b"stray")
    (project / "cdk.out").mkdir()
    allow_only_the_owner(project)
    usual, strict = tmp_path / "usual", tmp_path / "strict"
    synth(usual, environment={"TZ": "UTC"}, **waiting)
    other = {"TZ": "Pacific/Auckland", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "7"}
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


def allow_only_the_owner(folder):
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
