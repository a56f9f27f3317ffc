"""What was changed by hand, in lines, and what a plan does about it."""

import pytest

from ops import drift

TITLE = "MessagesTable (AWS::DynamoDB::GlobalTable)"
ID = {"LogicalResourceId": "MessagesTable9E4E97A0", "ResourceType": "AWS::DynamoDB::GlobalTable"}
DELETED = ID | {"StackResourceDriftStatus": "DELETED", "PhysicalResourceId": "Messages-prod"}
DIFFERENCE = {"PropertyPath": "/Replicas/0/Days", "ExpectedValue": "7", "ActualValue": "3" * 80}
MODIFIED = ID | {"StackResourceDriftStatus": "MODIFIED", "PropertyDifferences": [DIFFERENCE]}


def modify(*names, **more):
    details = [{"Target": {"Attribute": "Properties", "Name": name}} for name in names]
    return {"Changes": [{"ResourceChange": ID | {"Action": "Modify", "Details": details} | more}]}


REVERT = modify("Replicas") | {"DeploymentMode": "REVERT_DRIFT"}
OF_TABLE = MODIFIED | {"PropertyDifferences": [{"PropertyPath": "/BillingMode"}]}
REMOVE = {"Changes": [{"ResourceChange": ID | {"Action": "Remove"}}]}


@pytest.mark.parametrize(
    ("found", "change_set", "outcome"),
    [
        (DELETED, {"Changes": []}, "leaves it gone; to undo it, plan with ARGS=--revert-drift"),
        (DELETED, modify("BillingMode"), "FAILS, because it changes a resource that does not exist"),
        (DELETED, modify("KeySchema", Replacement="True"), "replaces the resource"),
        (DELETED, REMOVE, "removes it from the stack"),
        (DELETED, REVERT, "creates it again, without what it held"),
        (MODIFIED, {"Changes": []}, "keeps this; to undo it, plan with ARGS=--revert-drift"),
        (MODIFIED, modify("Replicas"), "may undo this, because it changes Replicas"),
        (MODIFIED, modify("BillingMode"), "may undo this, because it changes BillingMode"),
        (OF_TABLE, modify("BillingMode"), "undoes this, because it sets BillingMode"),
        (MODIFIED, REVERT, "undoes this"),
    ],
)
def test_a_plan_says_what_applying_does_to_a_difference(found, change_set, outcome):
    *_, last = drift.lines([found], {"Status": "CREATE_COMPLETE"} | change_set)
    assert last == f"    applying {outcome}"


def test_without_a_plan_the_lines_are_the_same_less_the_outcome():
    assert list(drift.lines([DELETED, MODIFIED])) == [
        f"! GONE: {TITLE} Messages-prod was deleted outside CloudFormation",
        f"! changed by hand: {TITLE}",
        f"    Replicas/0/Days: 7 in the template, is {'3' * 57}...",
    ]
