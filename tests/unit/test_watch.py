"""When `make watch` deploys."""

import os
from types import SimpleNamespace

import pytest

from local import watch
from local.steps import StepFailed


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "cdk.json").write_text('{"watch": {"include": ["app.py", "seed/**"]}}')
    (tmp_path / "seed/__pycache__").mkdir(parents=True)
    monkeypatch.setattr(watch, "PROJECT", tmp_path)
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(watch, "interrupt_on_terminate", lambda: None)
    return tmp_path


@pytest.fixture
def ended(project, monkeypatch):
    """``ended(first, second, ...)``: the exit status of a watch in whose deployments these are called."""

    def run(*deployments):
        rest = iter(deployments)
        monkeypatch.setattr(watch, "deployed", lambda *_: next(rest)())
        return watch.watch(project, "dev")

    return run


def interrupt():
    raise KeyboardInterrupt


def test_saves_during_a_deployment_are_taken_afterwards_in_one_go(project, ended, capsys):
    def save_two():
        for name in ("app.py", "seed/a.yaml"):
            (project / name).write_text("x")
        for name in (
            "app.py~",
            ".app.py.swp",
            "seed/#a.yaml#",
            "seed/a.yaml___jb_tmp___",
            "seed/__pycache__/a.pyc",
            "other.py",
        ):
            (project / name).write_text("not watched")

    assert ended(save_two, interrupt) == 130
    output, errors = capsys.readouterr()
    assert output == "\nsaved: app.py, seed/a.yaml\n"
    assert errors.startswith("watching app.py, seed/**; press Ctrl-C to stop\n")


def test_a_failed_deployment_is_one_line_and_a_deleted_file_is_a_change(project, ended, capsys):
    (project / "app.py").write_text("x")

    def fail():
        (project / "app.py").unlink()
        raise StepFailed("every: '1q' is not a time span")

    assert ended(fail, interrupt) == 130
    output, errors = capsys.readouterr()
    assert errors.startswith("error: every: '1q' is not a time span\nwatching ")
    assert output == "\nsaved: app.py\n"


def test_a_file_that_is_still_being_written_is_waited_for_and_a_ctrl_c_is_how_it_ends(project, ended, monkeypatch):
    texts = iter(["a", "ab", "abc", None])
    deployed = []

    def look(_):
        text = next(texts, "end")
        if text == "end":
            interrupt()
        if text:
            (project / "app.py").write_text(text)
            os.utime(project / "app.py", ns=(0, len(text)))

    monkeypatch.setattr(watch, "time", SimpleNamespace(sleep=look))
    assert ended(lambda: None, lambda: deployed.append((project / "app.py").read_text())) == 0
    assert deployed == ["abc"]
