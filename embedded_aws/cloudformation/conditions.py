"""Functions inside of a template's conditions.

The engine compares the text with the function itself, so the CDK's bootstrap stack gave its role a policy with no
name instead of AdministratorAccess. Source: the CDK CLI's bootstrap-template.yaml (HasCloudFormationExecutionPolicies
and others), which AWS accepts.
"""

from collections.abc import Callable
from typing import Any

import ministack.services.cloudformation.engine as templates

from embedded_aws.replies import Json

FUNCTIONS = ("Fn::Join", "Fn::FindInMap", "Fn::Sub")


def evaluate(original: Callable[[Json, Json], dict[str, bool]], template: Json, parameters: Json) -> dict[str, bool]:
    """Which conditions of a template hold."""

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        if any(function in value for function in FUNCTIONS):
            return templates._resolve_refs(value, {}, parameters, {}, template.get("Mappings", {}), "", "")
        return {key: resolved(each) for key, each in value.items()}

    return original(template | {"Conditions": resolved(template.get("Conditions", {}))}, parameters)
