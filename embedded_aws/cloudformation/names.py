"""Generated physical names end in a random suffix, drawn anew for each creation.

The engine derives it from the stack's name, so deploying again after a destroy would collide
with what the destroy retained. Source: CloudFormation guide, "Name type": "CloudFormation
generates a unique physical ID".

The generated name of a state machine is ``<logical id>-<suffix>``, without the stack's name.
Sources: aws/aws-sam-cli#2022, alexcasalboni/aws-lambda-power-tuning#220.
"""

import uuid
from collections.abc import Callable

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.cloudformation.registry import Made, register
from embedded_aws.replies import Json

Create = Callable[[str, Json, str], Made]
# What a template may retain, and the property that would name it.
RETAINED = {"AWS::IAM::Role": "RoleName", "AWS::Logs::LogGroup": "LogGroupName"}
MACHINE, MACHINE_NAME = "AWS::StepFunctions::StateMachine", "StateMachineName"


def install() -> None:
    """Let the engine's own types that a stack retains have new names as well."""
    for kind, name in RETAINED.items():
        handlers = engine._RESOURCE_HANDLERS[kind]
        handlers["create"] = unique(handlers["create"], name)
    machines = engine._RESOURCE_HANDLERS[MACHINE]
    create, update = machines["create"], machines["update"]

    def create_machine(logical_id: str, props: Json, stack: str) -> Made:
        name = f"{logical_id[:67]}-{uuid.uuid4().hex[:12]}"
        made: Made = create(logical_id, {MACHINE_NAME: name} | props, stack)
        return made

    def update_machine(arn: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
        name = {MACHINE_NAME: arn.rsplit(":", 1)[-1]}
        made: Made = update(arn, name | old, name | new, stack, logical_id)
        return made

    register(MACHINE, create=create_machine, update=update_machine)


def unique(create: Create, name: str) -> Create:
    """``create`` with a new suffix, unless the property ``name`` gives the whole name."""

    def handler(logical_id: str, props: Json, stack: str) -> Made:
        if not props.get(name):
            engine._NAME_SEED.set(uuid.uuid4().hex[:8])  # the stack keeps it for its updates
        return create(logical_id, props, stack)

    return handler
