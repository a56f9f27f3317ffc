"""How the engine learns of a resource type's handlers."""

from typing import Any

import ministack.services.cloudformation.provisioners as engine

# Physical id and attributes for Fn::GetAtt.
Made = tuple[str, dict[str, Any]]


def register(kind: str, **handlers: Any) -> None:
    """Set ``create``, ``update``, ``delete`` of a type; updates are told the logical id too."""
    engine._RESOURCE_HANDLERS.setdefault(kind, {}).update(handlers, update_with_logical_id=True)


def replace_function(name: str, function: Any) -> None:
    """Replace a function that the engine's other handlers call by name."""
    setattr(engine, name, function)


def replaces_on_change(kind: str, *properties: str) -> None:
    """Declare the create-only properties: a change of one replaces, of another never does."""
    engine._REPLACING_PROPERTIES[kind] = properties
