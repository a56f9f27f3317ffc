"""How the engine learns of a resource type's handlers."""

from collections.abc import Callable
from typing import Any

import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.provisioners as engine
import ministack.services.cloudformation.stacks as stacks

from embedded_aws.patching import wrap
from embedded_aws.replies import Json

# Physical id and attributes for Fn::GetAtt.
Made = tuple[str, dict[str, Any]]


def register(kind: str, **handlers: Any) -> None:
    """Set ``create``, ``update``, ``delete`` of a type; updates are told the logical id too."""
    engine._RESOURCE_HANDLERS.setdefault(kind, {}).update(handlers, update_with_logical_id=True)


def wrap_shared(name: str, function: Callable[..., Any]) -> None:
    """As ``patching.wrap``, for a function that the engine's stacks import by its name."""
    wrap(engine, name, function)
    setattr(stacks, name, getattr(engine, name))


def importable(kind: str, name: str, adopt: Callable[[Json], Made], records: Any) -> None:
    """Let a change set import what ``records`` have under the property ``name``.

    Source: the primaryIdentifier of the type's registry schema; the guide, "Import AWS resources
    into a CloudFormation stack".
    """

    def problem(value: str) -> str | None:
        return None if value in records else f"{kind} '{value}' does not exist"

    engine._RESOURCE_HANDLERS[kind]["import"] = adopt
    changesets._IMPORT_LOOKUPS[kind] = ((name,), problem)
