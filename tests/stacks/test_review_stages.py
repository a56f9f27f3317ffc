"""Which stages are reviewed where both sides list their own, and what CloudFormation's schemas say."""

import json
import re
import subprocess

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ops import template
from ops.__main__ import main
from ops.review.wording import CREATE_ONLY
from ops.template import StackTemplate
from tests.snapshots import FOLDER
from tests.support.cost_templates import of
from tests.support.templates import FULL
from tests.support.templates import synthesized as synth

NEW = "stage qa: new (HEAD does not list it in cdk.json)"
GONE = "stage prod: no longer in cdk.json; its stack, if deployed, stays without reviews and updates"


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


def test_a_stage_that_neither_side_lists_has_its_defaults_on_both(list_stages, capsys):
    list_stages("dev")
    assert changes(capsys, "--stage", "pr-7") == {"pr-7": ["nothing"]}


def test_a_base_from_before_the_project_is_one_line(tmp_path, list_stages, capsys):
    git(tmp_path, "rm", "cdk.json")
    git(tmp_path, "commit", "-m", "Nothing")
    list_stages("dev")
    assert main(["review", "--base", "HEAD"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: revision HEAD: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--base", "no-such-revision"), "'no-such-revision' is not a git revision here"),
        (("--stage", "Dev!"), "'Dev!' is not a stage"),
        (("--stage", ""), "'' is not a stage"),
    ],
)
def test_wrong_usage(arguments, words, capsys):
    assert main(["review", *arguments]) == 2
    assert words in capsys.readouterr().err


def create_only(kind: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
    return {path.removeprefix("/properties/") for path in paths}


def kinds() -> set[str]:
    """Every type of a snapshot, of a stack with all settings on, and of the table itself."""
    texts = [path.read_text() for path in FOLDER.glob("*.yaml")]
    found = {kind for text in texts for kind in re.findall(r"Type: (AWS::\w+::\w+)", text)}
    found |= {
        one["Type"] for one in synth(**FULL, alarms=True)["Resources"].values() if one["Type"].startswith("AWS::")
    }
    return found | CREATE_ONLY.keys()


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_properties_that_cannot_change_are_those_of_the_schema(kind):
    assert set(CREATE_ONLY.get(kind, ())) == create_only(kind)
