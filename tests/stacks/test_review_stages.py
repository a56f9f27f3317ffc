"""Which stages are reviewed where both sides list their own, and what CloudFormation's schemas say."""

import json
import re
import subprocess
import threading

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ops import template
from ops.__main__ import main
from ops.review import base
from ops.review.wording import TYPES
from ops.template import StackTemplate
from tests.snapshots import FOLDER
from tests.support.cost_templates import of
from tests.support.templates import FULL
from tests.support.templates import synthesized as synth

NEW = "stage qa: new (HEAD does not list it in cdk.json)"
GONE = "stage prod: no longer in cdk.json; its stack, if deployed, stays without reviews and updates"
CREATE_ONLY = TYPES["create_only"]


def git(folder, *arguments):
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def list_stages(tmp_path, monkeypatch):
    """Lists stages in the cdk.json of a checkout whose HEAD lists dev and prod."""

    def lists(*stages):
        context = {"stages": {stage: {} for stage in stages}}
        (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))

    monkeypatch.setattr(template, "PROJECT", tmp_path)
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

    def synthesize(stage, *_, project=None):
        found.append((stage, "HEAD" if project else "here"))
        return (StackTemplate(name=f"Messages-{stage}", template=of()),)

    monkeypatch.setattr(template, "synthesize", synthesize)
    return found


def reviewed(capsys, *arguments):
    assert main(["review", "--base", "HEAD", *arguments]) == 0
    return capsys.readouterr().out


def test_a_stage_that_one_side_alone_lists_is_wholly_new_or_gone_which_is_said_first(list_stages, synthesized, capsys):
    list_stages("dev", "qa")
    found = {one["stage"]: one["sections"] for one in json.loads(reviewed(capsys, "--json"))}
    lines = {stage: sections["What changes against HEAD"] for stage, sections in found.items()}
    assert list(lines) == ["dev", "qa", "prod"]
    assert lines["dev"] == ["nothing"]
    assert lines["qa"][0] == "+ added: stack Messages-qa in the region of the credentials"
    assert lines["prod"][0] == "- removed: stack Messages-prod in the region of the credentials"
    assert sorted(synthesized) == [("dev", "HEAD"), ("dev", "here"), ("prod", "HEAD"), ("qa", "here")]
    for arguments in ((), ("--format", "markdown")):
        assert reviewed(capsys, *arguments).startswith(f"{NEW}\n\n{GONE}\n\n")
        assert reviewed(capsys, "--stage", "qa", *arguments).startswith(f"{NEW}\n\n")
        assert "cdk.json" not in reviewed(capsys, "--stage", "dev", *arguments)
    # A stage that neither side lists has its defaults on both.
    assert "What changes against HEAD\n  nothing\n" in reviewed(capsys, "--stage", "pr-7")


def test_a_base_is_synthesized_once_for_its_commit_and_packages(
    tmp_path, list_stages, synthesized, monkeypatch, capsys
):
    def sides(name="HEAD"):
        """The sides that a review of stage dev synthesizes."""
        synthesized.clear()
        assert main(["review", "--base", name, "--stage", "dev"]) == 0
        assert "What changes against" in capsys.readouterr().out
        return sorted(side for _, side in synthesized)

    assert sides() == ["HEAD", "here"]
    assert sides() == ["here"]
    git(tmp_path, "tag", "other-name")
    list_stages("dev", "qa")  # not committed
    assert sides("other-name") == ["here"]
    git(tmp_path, "commit", "-a", "-m", "List qa")
    assert sides() == ["HEAD", "here"]
    assert sides("other-name") == ["here"]
    monkeypatch.setattr(base, "_versions", lambda: "upgraded")
    assert sides() == ["HEAD", "here"]
    for kept in (tmp_path / ".cache/review").iterdir():
        kept.write_text("[{")
    assert sides() == ["HEAD", "here"]
    monkeypatch.setattr(base, "_MOST_KEPT", 1)
    assert sides("other-name") == ["HEAD", "here"]
    assert len(list((tmp_path / ".cache/review").iterdir())) == 1


def test_both_sides_are_synthesized_at_the_same_time(list_stages, monkeypatch, capsys):
    list_stages("dev")
    together = threading.Barrier(2, timeout=60)

    def synthesize(stage, *_, **__):
        together.wait()
        return (StackTemplate(name=f"Messages-{stage}", template=of()),)

    monkeypatch.setattr(template, "synthesize", synthesize)
    assert "  nothing\n" in reviewed(capsys, "--stage", "dev")


def test_a_base_from_before_the_project_or_an_unknown_one_is_one_line(tmp_path, list_stages, capsys):
    git(tmp_path, "rm", "cdk.json")
    git(tmp_path, "commit", "-m", "Nothing")
    list_stages("dev")
    assert main(["review", "--base", "HEAD"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: revision HEAD: ")
    assert main(["review", "--base", "no-such-revision"]) == 2
    assert capsys.readouterr().err.startswith("error: 'no-such-revision' is not a git revision (fatal: ")


def create_only(kind: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
    return {path.removeprefix("/properties/") for path in paths}


def test_the_properties_that_cannot_change_are_those_of_the_schema():
    """For every type in a snapshot, in a stack with all settings on, and in the table itself."""
    texts = [path.read_text() for path in FOLDER.glob("*.yaml")]
    kinds = {kind for text in texts for kind in re.findall(r"Type: (AWS::\w+::\w+)", text)}
    kinds |= {one["Type"] for one in synth(**FULL, alarms=True)["Resources"].values() if one["Type"][:3] == "AWS"}
    expected = {kind: create_only(kind) for kind in kinds | CREATE_ONLY.keys()}
    assert {kind: set(CREATE_ONLY.get(kind, ())) for kind in expected} == expected
