"""The names that CloudFormation generates for state machines lack the stack's name."""

import json
import re

import pytest

from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import create_backup_role


@pytest.fixture
def machine(client, name):
    """``machine(Comment="x")``: a state machine of a template."""
    role = create_backup_role(client, name, "states.amazonaws.com")

    def make(comment="", **properties):
        states = {"Done": {"Type": "Succeed"}}
        definition = {"Comment": comment, "StartAt": "Done", "States": states}
        properties |= {"RoleArn": role, "DefinitionString": json.dumps(definition)}
        return resource("AWS::StepFunctions::StateMachine", properties)

    return make


def physical_name(stack):
    return stack.output("Machine").rsplit(":", 1)[-1]


def test_an_unnamed_state_machine_is_named_after_its_logical_id_alone(client, name, machine):
    stack = Stack(client, name).create(Machine=machine())
    found = physical_name(stack)
    assert re.fullmatch(r"Machine-\w{12}", found)
    stack.update(Machine=machine("changed"))
    assert physical_name(stack) == found
    other = Stack(client, f"{name}-other").create(Machine=machine())
    assert physical_name(other) not in (found, "")
    stack.delete()
    other.delete()


def test_a_state_machine_that_gets_a_name_is_replaced(client, name, machine):
    stack = Stack(client, name).create(Machine=machine())
    before = physical_name(stack)
    stack.update(Machine=machine(StateMachineName=name))
    assert (stack.status, physical_name(stack)) == ("UPDATE_COMPLETE", name)
    listed = client("stepfunctions").list_state_machines()["stateMachines"]
    assert before not in [found["name"] for found in listed]
    stack.delete()
