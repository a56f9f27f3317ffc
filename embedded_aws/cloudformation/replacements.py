"""Which changes replace a resource: those of properties that its type's schema calls create-only.

Sources: the definition of resource type schemas (see ``schemas``), createOnlyProperties and replacementStrategy; the
API reference, ResourceTargetDefinition (RequiresRecreation); the guide, "Update behaviors of stack resources". A
replacement keeps no custom name; the text: the guide, "Troubleshooting CloudFormation".
"""

from collections.abc import Callable
from typing import Any

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.cloudformation.registry import Made
from embedded_aws.cloudformation.schemas import CONDITIONAL, CREATE_ONLY, Path_, name_property, paths, schema_of
from embedded_aws.replies import Json

STRATEGY, DELETE_FIRST = "replacementStrategy", "delete_then_create"


def property_recreation(original: Callable[[str, str], str], kind: str, name: str) -> str:
    """Whether a change of the property replaces the resource; the engine knows only some types."""
    if not schema_of(kind):
        return original(kind, name)
    if (name,) in paths(kind, CREATE_ONLY) or name in engine._REPLACING_PROPERTIES.get(kind, ()):
        return "Always"
    nested = {path[0] for path in (*paths(kind, CREATE_ONLY), *paths(kind, CONDITIONAL))}
    return "Conditionally" if name in nested else "Never"


def replacing_change(original: Callable[..., bool], kind: str, old: Json, new: Json) -> bool:
    """Whether the change replaces the resource, also one inside of a property."""
    changed = (_at(old, path) != _at(new, path) for path in paths(kind, CREATE_ONLY))
    return any(changed) or original(kind, old, new)


def _at(value: Any, path: Path_) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def custom_named_error(
    original: Callable[..., str | None], kind: str, old: Json, new: Json, physical_id: str | None = None
) -> str | None:
    """Why a resource whose name stays cannot be replaced; None when it can."""
    prop = name_property(kind) or ""
    name = new.get(prop)
    known_otherwise = "exists" in engine._CUSTOM_NAME_REPLACEMENT.get(kind, {})
    if name and name == old.get(prop) and not known_otherwise and engine._replacing_change(kind, old, new):
        return (
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {physical_id or name} and update the stack again."
        )
    return original(kind, old, new, physical_id)


def replace_resource(
    original: Callable[..., Made], kind: str, physical_id: str, old: Json, new: Json, stack: str, logical_id: str
) -> Made:
    """Delete first where the schema says so: two of these resources cannot exist at once."""
    if schema_of(kind).get(STRATEGY) == DELETE_FIRST:
        engine._delete_resource(kind, physical_id, old, stack, logical_id)
        return engine._provision_resource(kind, logical_id, new, stack)  # type: ignore[no-any-return]
    return original(kind, physical_id, old, new, stack, logical_id)
