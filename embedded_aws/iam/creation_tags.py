"""Whoever creates something with tags needs ``TagResource`` for it as well.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS Backup"
(CreateBackupPlan, CreateBackupVault, CreateRestoreTestingPlan each also authorize
backup:TagResource); KMS Developer Guide, "Controlling access to tags" (CreateKey with tags needs
kms:TagResource). What does not exist yet has no aws:ResourceTag.
"""

import json
from typing import Any

import ministack.core.iam_actions as actions
import ministack.core.iam_evaluator as evaluator

from embedded_aws.replies import Json

_TAGS = {
    "backup:CreateBackupPlan": "BackupPlanTags",
    "backup:CreateBackupVault": "BackupVaultTags",
    "backup:CreateRestoreTestingPlan": "Tags",
    "kms:CreateKey": "Tags",
}
_REQUEST_TAG = "aws:RequestTag/"


def install() -> None:
    """Let the engine see the tags of these requests, and check the second permission."""
    request_tags = actions.request_tag_context
    enforce = evaluator.enforce

    def context(service: str, action: str, body: bytes, params: Json) -> Json:
        found: Json = request_tags(service, action, body, params)
        return found | (_tags_of(action, body) if action.startswith("backup:Create") else {})

    def enforce_both(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Json | None = None
    ) -> Any:
        given = service_context or {}
        denied = enforce(key, action, service, region, resource_arn, given)
        tagged = any(name.lower().startswith(_REQUEST_TAG.lower()) for name in given)
        if denied or action not in _TAGS or not tagged:
            return denied
        return enforce(key, f"{service}:TagResource", service, region, resource_arn, given)

    actions.request_tag_context = context
    evaluator.enforce = enforce_both


def _tags_of(action: str, body: bytes) -> Json:
    """The condition keys of the tags that a request of AWS Backup gives to what it creates."""
    try:
        tags = json.loads(body or b"{}").get(_TAGS.get(action, "Tags")) or {}
    except (ValueError, AttributeError):
        return {}  # the service itself refuses it
    if not isinstance(tags, dict) or not tags:
        return {}
    return {f"{_REQUEST_TAG}{name}": value for name, value in tags.items()} | {"aws:TagKeys": list(tags)}
