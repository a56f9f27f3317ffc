"""The order of a stack's deletion holds when a resource cannot be deleted."""

from typing import Any

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.stacks as engine


def install() -> None:
    """Keep what a resource depends on that could not be deleted.

    The engine goes on with everything; CloudFormation deletes a resource only
    after those that depend on it, so a custom resource that failed to delete
    still has its function and its permissions when the deletion is tried again.

    Source: CloudFormation User Guide, "DependsOn attribute": the resource with
    the attribute is deleted before the one it names.
    """
    delete = engine._delete_resource

    def delete_in_order(kind: str, physical_id: str, props: Any, stack_name: str = "", logical_id: str = "") -> Any:
        if dependent := _undeleted_dependent(stack_name, logical_id):
            raise ValueError(f"{dependent} depends on it and could not be deleted")
        return delete(kind, physical_id, props, stack_name, logical_id)

    engine._delete_resource = delete_in_order


def _undeleted_dependent(stack_name: str, logical_id: str) -> str:
    """A resource that failed to delete and depends on ``logical_id``; empty when there is none."""
    stack = cloudformation._stacks.get(stack_name)
    if not stack or stack.get("StackStatus") != "DELETE_IN_PROGRESS":
        return ""
    resources = stack.get("_resources", {})
    definitions = (stack.get("_template") or {}).get("Resources", {})
    for name, resource in resources.items():
        if name != logical_id and resource.get("ResourceStatus") == "DELETE_FAILED":
            needed = engine._with_dependencies([name], definitions, set(resources))
            if logical_id in needed:
                return str(name)
    return ""
