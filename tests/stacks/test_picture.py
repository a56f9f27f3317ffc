"""The picture of the stack in the README is what the stack is."""

import re
from collections import Counter

import pytest

from tests.conftest import PROJECT
from tests.support.templates import stack

README = (PROJECT / "README.md").read_text()
_LABEL = re.compile(r'^  (\w+)[\[(]+".*<br/>([\w:]+)"', re.MULTILINE)
_EDGE = re.compile(r"^  (\w+) --> (\w+)$", re.MULTILINE)
IAM_POLICY, ROLE = "AWS::IAM::Policy", "AWS::IAM::Role"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"


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
        plumbing = [n for n in reached if resources.get(n, {}).get("Type") == ROLE and n not in nodes]
        for role in plumbing:  # an undrawn role: what it may touch is what its owner touches
            reached = reached | refers[role]
        real |= {(nodes[name], nodes[target]) for target in reached if target in nodes}
    assert set(_EDGE.findall(README)) == real
