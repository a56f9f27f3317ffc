"""How the engine learns of a resource type's handlers."""

from collections.abc import Callable
from typing import Any

import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.provisioners as engine

from embedded_aws.replies import Json

# Physical id and attributes for Fn::GetAtt.
Made = tuple[str, dict[str, Any]]
Check = Callable[[str], bool]


def register(kind: str, **handlers: Any) -> None:
    """Set ``create``, ``update``, ``delete`` of a type; updates are told the logical id too."""
    engine._RESOURCE_HANDLERS.setdefault(kind, {}).update(handlers, update_with_logical_id=True)


def importable(kind: str, name: str, adopt: Callable[[Json], Made], exists: Check) -> None:
    """Let a change set import what ``exists`` under the property ``name``.

    Source: the primaryIdentifier of the type's registry schema; the guide, "Import AWS resources
    into a CloudFormation stack".
    """

    def problem(value: str) -> str | None:
        return None if exists(value) else f"{kind} '{value}' does not exist"

    engine._RESOURCE_HANDLERS[kind]["import"] = adopt
    changesets._IMPORT_LOOKUPS[kind] = ((name,), problem)


def replace_function(name: str, function: Any) -> None:
    """Replace a function that the engine's other handlers call by name."""
    setattr(engine, name, function)


def replaces_on_change(kind: str, *properties: str) -> None:
    """Declare the create-only properties: a change of one replaces, of another never does."""
    engine._REPLACING_PROPERTIES[kind] = properties
