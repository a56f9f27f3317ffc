"""What the handlers of a resource type return, and how one is found that is imported into a stack."""

from collections.abc import Callable
from typing import Any

# Physical id and attributes for Fn::GetAtt.
Made = tuple[str, dict[str, Any]]


def named(kind: str, name: str, records: Any) -> tuple[tuple[str], Callable[[str], str | None]]:
    """How a change set finds what it imports: ``records`` have it under the property ``name``.

    Source: the primaryIdentifier of the type's registry schema; the guide, "Import AWS resources
    into a CloudFormation stack".
    """

    def problem(value: str) -> str | None:
        return None if value in records else f"{kind} '{value}' does not exist"

    return (name,), problem
