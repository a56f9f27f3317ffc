"""What the README says about the stack is what the stack is."""

import dataclasses
import json
import re
from collections import Counter

import pytest

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.unit.test_stack import stack

README = (PROJECT / "README.md").read_text()
_LABEL = re.compile(r'^  (\w+)[\[(]+".*<br/>([\w:]+)"', re.MULTILINE)
_EDGE = re.compile(r"^  (\w+) --> (\w+)$", re.MULTILINE)
IAM_POLICY, ROLE = "AWS::IAM::Policy", "AWS::IAM::Role"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"


def settings_table() -> str:
    """The table of settings as the README has it."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    dev, prod = (settings_from_context(context | {"stage": stage}) for stage in ("dev", "prod"))
    rows = ["| setting | dev | prod | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(Settings):
        values = [_shown(getattr(settings, field.name)) for settings in (dev, prod)]
        rows.append(f"| `{field.name}` | {' | '.join(values)} | {field.metadata['help']} |")
    return "\n".join(rows)


def _shown(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value else "-"


def test_the_table_of_settings_is_complete():
    start, end = "<!-- settings: kept by tests/unit/test_readme.py -->\n", "\n<!-- /settings -->"
    found = README.split(start)[1].split(end)[0]
    assert found == settings_table(), f"put this into README.md:\n{settings_table()}"


def references(value) -> set[str]:
    """The logical ids that a value refers to."""
    if isinstance(value, list):
        return set().union(*map(references, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    found = {value["Ref"]} if "Ref" in value else set()
    if "Fn::GetAtt" in value:
        found.add(value["Fn::GetAtt"][0])
    return found | references(list(value.values()))


@pytest.fixture(scope="module")
def resources():
    return stack().to_json()["Resources"]


def drawn_names(resources) -> dict[str, str]:
    """Which resource each node of the picture stands for: the one of its type, or its name."""
    names = {}
    for node, kind in _LABEL.findall(README):
        same = [name for name, resource in resources.items() if resource["Type"] == kind]
        # The construct library gives the framework's function a name of its own.
        spelled = {name: name.replace("frameworkonEvent", "Function") for name in same}
        named = [name for name in same if node in spelled[name]]
        (found,) = same if len(same) == 1 else named
        names[found] = node
    return names


def test_the_picture_shows_every_resource(resources):
    drawn = Counter(kind for _, kind in _LABEL.findall(README))
    real = Counter(resource["Type"] for resource in resources.values())
    for plumbing in (IAM_POLICY, QUEUE_POLICY, ROLE):
        real.pop(plumbing)
    drawn.pop(ROLE)  # of the roles, the one that outlives the stack
    assert drawn == real


def test_the_pictures_arrows_are_the_templates_references(resources):
    nodes = drawn_names(resources)
    refers = {name: references(resource["Properties"]) for name, resource in resources.items()}
    for policy in [r for r in resources.values() if r["Type"] == IAM_POLICY]:
        for role in references(policy["Properties"]["Roles"]):
            refers[role] |= references(policy["Properties"]["PolicyDocument"])
    real = set()
    for name in nodes:
        reached = refers[name]
        plumbing = [
            n for n in reached if resources.get(n, {}).get("Type") == ROLE and n not in nodes
        ]
        for role in plumbing:  # an undrawn role: what it may touch is what its owner touches
            reached = reached | refers[role]
        real |= {(nodes[name], nodes[target]) for target in reached if target in nodes}
    assert set(_EDGE.findall(README)) == real


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.M))))
def test_every_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:|\.PHONY:.* {target}\b", (PROJECT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+)\)", README))))
def test_every_file_that_is_linked_exists(path):
    assert (PROJECT / path).exists()


def test_the_example_of_a_seed_is_a_valid_one(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "messages.yaml"
    file.write_text(example)
    assert [item["Body"] for item in load_items(file)] == [
        "Hey Jerry, are you free?", "Yes, Tom.", "{} are braces"
    ]  # fmt: skip
