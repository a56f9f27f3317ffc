"""Which stages a review is of, where both sides of it list their own in cdk.json."""

import json
import subprocess

import pytest

from ops.__main__ import main
from ops.cost.assembly import StackTemplate
from ops.review import command as review
from ops.review import sources
from tests.support.cost_templates import of

NEW = "stage qa: new (HEAD has no such stage in cdk.json)"
GONE = (
    "stage prod: no longer in cdk.json; its stack, if deployed, stays and is no longer reviewed or updated by anybody"
)


def git(folder, *arguments):
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def list_stages(tmp_path, monkeypatch):
    """Lists stages in the cdk.json of a checkout whose HEAD lists dev and prod."""

    def lists(*stages):
        context = {"stages": {stage: {} for stage in stages}}
        (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))

    monkeypatch.setattr(sources, "PROJECT", tmp_path)
    lists("dev", "prod")
    (tmp_path / "README.md").touch()
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "Begin")
    return lists


@pytest.fixture(autouse=True)
def synthesized(monkeypatch):
    """What was synthesized: the stage, and of which side."""
    found = []

    def synthesize(side):
        def one(stage, *_, **__):
            found.append((stage, side))
            return (StackTemplate(name=f"Messages-{stage}", template=of()),)

        return one

    monkeypatch.setattr(review, "synthesize", synthesize("here"))
    monkeypatch.setattr(sources, "synthesize", synthesize("HEAD"))
    return found


def reviewed(capsys, *arguments):
    assert main(["review", "--base", "HEAD", *arguments]) == 0
    return capsys.readouterr().out


def changes(capsys, *arguments):
    """The lines of the changes of each stage."""
    found = json.loads(reviewed(capsys, "--json", *arguments))
    return {one["stage"]: one["sections"]["What changes against HEAD"] for one in found}


def test_a_stage_that_one_side_alone_lists_is_wholly_new_or_gone(list_stages, synthesized, capsys):
    list_stages("dev", "qa")
    found = changes(capsys)
    assert list(found) == ["dev", "qa", "prod"]
    assert found["dev"] == ["nothing"]
    assert found["qa"][0] == "+ added: stack Messages-qa in the region of the credentials"
    assert found["prod"][0] == "- removed: stack Messages-prod in the region of the credentials"
    assert synthesized == [("dev", "here"), ("dev", "HEAD"), ("qa", "here"), ("prod", "HEAD")]


@pytest.mark.parametrize("arguments", [(), ("--format", "markdown")], ids=str)
def test_it_is_said_before_everything_else(arguments, list_stages, capsys):
    list_stages("dev", "qa")
    assert reviewed(capsys, *arguments).startswith(f"{NEW}\n\n{GONE}\n\n")
    assert reviewed(capsys, "--stage", "qa", *arguments).startswith(f"{NEW}\n\n")
    assert "cdk.json" not in reviewed(capsys, "--stage", "dev", *arguments)


def test_what_such_a_stage_costs_is_all_more_or_all_less(list_stages, capsys):
    list_stages("dev", "qa")
    text = reviewed(capsys)
    assert "not estimated" not in text
    _, _, qa, prod = text.split("10,000 messages a day: ")
    assert qa.startswith("$0.")
    assert "(+$0." in qa.partition("\n")[0]
    assert prod.startswith("$0.00 (-$0.")
    assert "counted as gone, with what stays behind until it is cleaned up: Messages-prod" in prod


def test_a_stage_that_neither_side_lists_has_its_defaults_on_both(list_stages, capsys):
    list_stages("dev")
    assert changes(capsys, "--stage", "pr-7") == {"pr-7": ["nothing"]}


def test_without_a_list_in_the_base_every_stage_is_new(tmp_path, list_stages, capsys):
    (tmp_path / "cdk.json").write_text("{}")
    git(tmp_path, "commit", "-am", "Before the stages")
    list_stages("qa")
    assert reviewed(capsys).startswith(f"{NEW}\n\n")


def test_a_base_from_before_the_project_is_one_line(tmp_path, list_stages, capsys):
    git(tmp_path, "rm", "cdk.json")
    git(tmp_path, "commit", "-m", "Nothing")
    list_stages("dev")
    assert main(["review", "--base", "HEAD"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: revision HEAD: ")
