"""The condition key iam:PermissionsBoundary of calls that make or change a role.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity
and Access Management": the boundary that the request sets, else the one that the role has.
"""

from typing import Any

import ministack.core.iam_actions as engine
import ministack.services.iam as iam

from embedded_aws.replies import Json

_SETTING = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
_CHANGING = frozenset(
    {
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePolicy",
    }
)


def install() -> None:
    """Add the key to those that the engine finds in a request."""
    original = engine.request_tag_context

    def context(service: str, action: str, body: bytes, params: Json) -> Json:
        found: Json = original(service, action, body, params)
        boundary = boundary_of(action, params)
        return found | ({"iam:PermissionsBoundary": boundary} if boundary else {})

    engine.request_tag_context = context


def boundary_of(action: str, params: Json) -> str:
    """The boundary that a call is about; empty when there is none."""
    if action in _SETTING:
        return _only(params.get("PermissionsBoundary"))
    if action in _CHANGING:
        role = iam._roles.get(_only(params.get("RoleName"))) or {}
        return str(role.get("PermissionsBoundary") or "")
    return ""


def _only(value: Any) -> str:
    return str((value[0] if isinstance(value, list) else value) or "")
