"""What CloudFormation says in a change set, in lines."""

import pytest

from ops import change_sets

TABLE = {"LogicalResourceId": "MessagesTable9E4E97A0", "ResourceType": "AWS::DynamoDB::GlobalTable"}
TITLE = "MessagesTable (AWS::DynamoDB::GlobalTable)"


def target(name, recreation):
    return {"Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}}


def lines(*changes):
    return change_sets.changes({"Changes": [{"ResourceChange": TABLE | change} for change in changes]})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Action": "Add"}, [f"+ added: {TITLE}"]),
        ({"Action": "Import"}, [f"= imported: {TITLE}"]),
        ({"Action": "Remove", "PolicyAction": "Retain"}, [f"- removed: {TITLE}", "    stays behind"]),
        (
            {"Action": "Modify", "Replacement": "False", "Details": [target("BillingMode", "Never")] * 2},
            [f"~ changed: {TITLE}", "    BillingMode"],
        ),
        (
            {
                "Action": "Modify",
                "Replacement": "True",
                "PolicyAction": "ReplaceAndRetain",
                "Details": [target("BillingMode", "Never"), target("KeySchema", "Always")],
            },
            [f"! replaced: {TITLE}", "    because of KeySchema; the old one stays behind"],
        ),
        (
            {"Action": "Modify", "Replacement": "Conditional", "Details": [target("Replicas", "Conditionally")]},
            [f"! perhaps replaced: {TITLE}", "    CloudFormation decides during the deployment, because of Replicas"],
        ),
        ({"Action": "Dynamic"}, [f"! dynamic: {TITLE}"]),
    ],
)
def test_each_change_says_what_happens_and_why(change, expected):
    assert lines(change) == expected


def test_what_needs_attention_comes_first_and_outputs_alone_are_said():
    assert lines({"Action": "Add"}, {"Action": "Modify", "Replacement": "True"})[0] == f"! replaced: {TITLE}"
    assert lines() == ["~ changed: the outputs alone"]


@pytest.mark.parametrize(
    ("status", "reason", "empty"),
    [
        ("FAILED", "The submitted information didn't contain changes. Submit different information to", True),
        ("FAILED", "No updates are to be performed.", True),
        ("FAILED", "Template error", False),
        ("CREATE_COMPLETE", "", False),
    ],
)
def test_a_change_set_without_changes_is_known_by_its_reason(status, reason, empty):
    assert change_sets.is_empty({"Status": status, "StatusReason": reason}) is empty


def test_the_description_of_a_template_changes_nothing():
    assert change_sets.is_same({"Description": "a", "Resources": {}}, {"Resources": {}})
    assert not change_sets.is_same({"Resources": {"A": {}}}, {"Resources": {}})


def test_names_of_plans_differ():
    names = {change_sets.new_name() for _ in range(20)}
    assert len(names) == 20
    assert {change_sets.checked_name(name) for name in names} == names
