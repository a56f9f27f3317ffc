"""The property PermissionsBoundary of AWS::IAM::Role.

Source: the type's schema in the CloudFormation registry: the ARN of a managed policy, changed
without replacement.
"""

from collections.abc import Callable
from typing import Any

import ministack.services.cloudformation.provisioners as engine
import ministack.services.iam as iam

from embedded_aws.cloudformation.registry import Made
from embedded_aws.replies import Json

ROLE, PROPERTY = "AWS::IAM::Role", "PermissionsBoundary"


def install() -> None:
    """Let creations and updates of roles set it."""
    handlers = engine._RESOURCE_HANDLERS[ROLE]
    for verb, position in (("create", 1), ("update", 2)):
        handlers[verb] = _bounded(handlers[verb], position)


def _bounded(handler: Callable[..., Made], position: int) -> Callable[..., Made]:
    """``handler``, and then the boundary of the properties at ``position`` of its arguments."""

    def bounded(*arguments: Any, **named: Any) -> Made:
        made = handler(*arguments, **named)
        properties: Json = arguments[position]
        iam._roles[made[0]][PROPERTY] = properties.get(PROPERTY) or ""
        return made

    return bounded
