"""How the engine learns of a resource type's handlers."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.provisioners as engine

from embedded_aws.replies import Json

# Physical id and attributes for Fn::GetAtt.
Made = tuple[str, dict[str, Any]]


def register(kind: str, create_only: Iterable[str] = (), **handlers: Any) -> None:
    """Set ``create``, ``update``, ``delete`` of a type; updates are told the logical id too.

    A change of a property in ``create_only`` replaces the resource, of another never does.
    """
    fixed = tuple(create_only)
    if fixed:
        engine._REPLACING_PROPERTIES[kind] = fixed
    if fixed and "update" in handlers:
        handlers["update"] = functools.partial(_update_or_replace, kind, fixed, handlers["update"])
    engine._RESOURCE_HANDLERS.setdefault(kind, {}).update(handlers, update_with_logical_id=True)


def _update_or_replace(
    kind: str, fixed: tuple[str, ...], update: Any, name: str, old: Json, new: Json, stack: str, logical_id: str
) -> Made:
    if any(old.get(key) != new.get(key) for key in fixed):
        update = functools.partial(engine._replace_resource, kind)
    made: Made = update(name, old, new, stack, logical_id)
    return made


def importable(kind: str, name: str, adopt: Callable[[Json], Made], records: Any) -> None:
    """Let a change set import what ``records`` have under the property ``name``.

    Source: the primaryIdentifier of the type's registry schema; the guide, "Import AWS resources
    into a CloudFormation stack".
    """

    def problem(value: str) -> str | None:
        return None if value in records else f"{kind} '{value}' does not exist"

    engine._RESOURCE_HANDLERS[kind]["import"] = adopt
    changesets._IMPORT_LOOKUPS[kind] = ((name,), problem)
