"""Condition keys that the engine answers otherwise than IAM, or not for permissions boundaries.

Source: IAM User Guide, "AWS global condition context keys": aws:PrincipalArn is, for the session of
a role, "the ARN of the role that was assumed"; the engine has the session. It reads the tags of
the resource for aws:ResourceTag only where a policy of the caller names that key, and not where
the caller's boundary does.
"""

from typing import Any

import ministack.core.iam_evaluator as engine
import ministack.services.iam as iam
import ministack.services.tagging as tagging

_RESOURCE_TAG = "aws:resourcetag/"


def install() -> None:
    """Answer for those keys, and leave every other one to the engine."""
    resolve = engine._resolve_condition_key

    def resolved(key: str, context: Any) -> Any:
        name = key.lower()
        if name == "aws:principalarn":
            return role_of(context.principal_arn)
        found = resolve(key, context)
        if found is None and name.startswith(_RESOURCE_TAG):
            tags = tagging.resource_tags(context.resource_arn) or {}
            lower = {tag.lower(): value for tag, value in tags.items()}
            return lower.get(name.removeprefix(_RESOURCE_TAG))
        return found

    engine._resolve_condition_key = resolved


def role_of(principal: str) -> str:
    """The ARN of the role that a session's ARN names, path included; another ARN as it is."""
    kind, _, rest = principal.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return principal
    role = iam._roles.get(rest.split("/", 1)[0])
    return str(role["Arn"]) if role else principal
