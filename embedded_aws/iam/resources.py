"""Which resource each call of AWS Backup is authorized on.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Backup".
Calls that it lists without a resource type (jobs, lists, settings) stay on "*".
"""

import re
from typing import Any

import ministack.core.iam_actions as engine

_VAULT = re.compile(r"/backup-vaults/([^/]+)(?:/.*)?")
_RECOVERY_POINT = re.compile(
    r"/backup-vaults/[^/]+/recovery-points/(.+?)(?:/(?:restore-metadata|index|disassociate))?/?"
)
_TAGGED = re.compile(r"/(?:tags|untag)/(.+?)/?")
_PLAN = re.compile(r"/backup/plans(?:/([^/]+))?(?:/.*)?")


def install() -> None:
    """Answer for the service ``backup`` and leave every other one to the engine."""
    original = engine.extract_resource_arn

    def extract(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        if service == "backup":
            region, account = rest[-2:]
            found = backup_resource(method, path, f"arn:aws:backup:{region}:{account}")
            if found:
                return found
        if service == "backup" and path.startswith("/restore-jobs") and method == "PUT":
            return engine._safe_json_field(body, "RecoveryPointArn") or "*"
        return original(service, method, path, headers, body, *rest)

    engine.extract_resource_arn = extract


def backup_resource(method: str, path: str, prefix: str) -> str | None:
    """The ARN that ``method path`` names, or None when it names none.

    ``prefix`` is what the ARNs of the caller's own vaults and plans begin with.
    """
    for pattern in (_RECOVERY_POINT, _TAGGED):
        if match := pattern.fullmatch(path):
            return match[1]
    if match := _VAULT.fullmatch(path):
        return f"{prefix}:backup-vault:{match[1]}"
    # ListBackupPlans has no resource; CreateBackupPlan is on every plan there may be.
    if (match := _PLAN.fullmatch(path)) and (match[1] or method == "PUT"):
        return f"{prefix}:backup-plan:{match[1] or '*'}"
    return None
