"""The names that CloudFormation generates, the order in which it deletes, and who waits for its operations.

Generated physical names end in a random suffix, drawn for each creation. The engine derives it from the stack's
name, and a log group's name has none, so deploying again after a destroy would collide with what the destroy retained.
Source: CloudFormation guide, "Name type": "CloudFormation generates a unique physical ID". The generated name of a
state machine is ``<logical id>-<suffix>``, without the stack's name. Sources: aws/aws-sam-cli#2022,
alexcasalboni/aws-lambda-power-tuning#220.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.provisioners as engine
import ministack.services.cloudformation.stacks as stacks

from embedded_aws.cloudformation.registry import Made
from embedded_aws.replies import Json

Create = Callable[[str, Json, str], Made]
# Less than clients wait for an answer.
PATIENCE_SECONDS = 20


async def handle_request(
    handle: Callable[..., Awaitable[Any]], method: str, path: str, headers: dict[str, str], body: bytes, query: Any
) -> Any:
    """Answer the CDK CLI when the operation has ended: it asks every five seconds, with no option to ask sooner."""
    asks = b"Action=DescribeStacks" in body and "aws-cdk" in headers.get("user-agent", "")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while asks and time.monotonic() < deadline and any(map(_is_changing, cloudformation._stacks.values())):
        await asyncio.sleep(0.02)
    return await handle(method, path, headers, body, query)


def _is_changing(stack: Json) -> bool:
    status = str(stack.get("StackStatus"))
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def generated(create: Create, logical_id: str, props: Json, stack: str, *, name: str, pattern: str) -> Made:
    """``create`` with a generated name in the property ``name``, unless it is given: the engine's has no suffix."""
    made = pattern.format(stack=stack, logical_id=logical_id[:67], suffix=uuid.uuid4().hex[:12])
    return create(logical_id, {name: made} | props, stack)


def kept(update: Callable[..., Made], physical_id: str, old: Json, new: Json, *rest: str, name: str) -> Made:
    """``update`` of a resource that keeps its generated name."""
    own = {name: physical_id.rsplit(":", 1)[-1]}
    return update(physical_id, own | old, own | new, *rest)


def unique(create: Create, logical_id: str, props: Json, stack: str, *, name: str) -> Made:
    """``create`` with a new suffix, unless the property ``name`` gives the whole name; a template may retain it."""
    if not props.get(name):
        engine._NAME_SEED.set(uuid.uuid4().hex[:8])  # the stack keeps it for its updates
    return create(logical_id, props, stack)


def delete_resource(
    delete: Callable[..., Any], kind: str, physical_id: str, props: Any, stack_name: str = "", logical_id: str = ""
) -> Any:
    """Keep what a resource depends on that could not be deleted.

    The engine goes on with everything; CloudFormation deletes a resource only after those that
    depend on it, so a custom resource that failed to delete still has its function and its
    permissions when the deletion is tried again. Source: CloudFormation User Guide, "DependsOn
    attribute": the resource with the attribute is deleted before the one it names.
    """
    if dependent := _undeleted_dependent(stack_name, logical_id):
        raise ValueError(f"{dependent} depends on it and could not be deleted")
    return delete(kind, physical_id, props, stack_name, logical_id)


def _undeleted_dependent(stack_name: str, logical_id: str) -> str:
    """A resource that failed to delete and depends on ``logical_id``; empty when there is none."""
    stack = cloudformation._stacks.get(stack_name)
    if not stack or stack.get("StackStatus") != "DELETE_IN_PROGRESS":
        return ""
    resources = stack.get("_resources", {})
    definitions = (stack.get("_template") or {}).get("Resources", {})
    for name, resource in resources.items():
        if name != logical_id and resource.get("ResourceStatus") == "DELETE_FAILED":
            needed = stacks._with_dependencies([name], definitions, set(resources))
            if logical_id in needed:
                return str(name)
    return ""
