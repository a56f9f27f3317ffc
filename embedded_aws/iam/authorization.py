"""The resource, the condition keys and the further permissions with which a call is authorized.

Sources: Service Authorization Reference, the pages of AWS Backup (calls that it lists without a resource type stay
on "*"), of AWS Step Functions (calls that name a Map Run are about it), of DynamoDB (calls of exports name a table or
an export by its ARN) and of IAM (iam:PermissionsBoundary is the boundary that the request sets, else the one that the
role has); IAM User Guide, "AWS global condition context keys" (aws:PrincipalArn is, for the session of a role, "the
ARN of the role that was assumed"). What does not exist yet has no aws:ResourceTag. The engine reads the tags of the
resource for aws:ResourceTag only where a policy of the caller names that key, and not where the caller's boundary does.
"""

import json
from collections.abc import Callable
from typing import Any

import ministack.core.iam_actions as actions
import ministack.services.iam as iam
import ministack.services.tagging as tagging

from embedded_aws.constraints import rest_operation
from embedded_aws.iam.further_permissions import PASSED, further_permissions, passed_roles, refusal
from embedded_aws.iam.reference import carries, resource_of
from embedded_aws.replies import Json

_SETTING = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
_CHANGING = frozenset(
    "iam:AttachRolePolicy iam:DeleteRolePermissionsBoundary iam:DeleteRolePolicy iam:DetachRolePolicy "
    "iam:PutRolePolicy".split()
)
# The fields of requests of AWS Backup that have the tags of what it creates.
_TAGS = {"backup:CreateBackupPlan": "BackupPlanTags", "backup:CreateBackupVault": "BackupVaultTags"}
_RESOURCE_TAG, _REQUEST_TAG = "aws:resourcetag/", "aws:RequestTag/"


def extract_resource_arn(
    original: Callable[..., Any], service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any
) -> Any:
    """The ARN that a call is about; "*" for none."""
    found = None
    if service == "states":
        found = actions._safe_json_field(body, "mapRunArn")
    if service == "dynamodb":  # calls of exports
        found = actions._safe_json_field(body, "ExportArn") or actions._safe_json_field(body, "TableArn")
    if service == "backup":
        region, account = rest[-2:]
        found = _backup_resource(method, path, body, f"arn:aws:backup:{region}:{account}")
    return found or original(service, method, path, headers, body, *rest)


def _backup_resource(method: str, path: str, body: bytes, prefix: str) -> str | None:
    """The ARN that a call of AWS Backup names, or None; ``prefix`` begins those of the caller's vaults and plans."""
    operation, named = rest_operation("backup", method, path)
    called = operation.name if operation else ""
    if arn := named.get("RecoveryPointArn") or named.get("ResourceArn"):
        return str(arn)
    if vault := named.get("BackupVaultName"):
        return f"{prefix}:backup-vault:{vault}"
    if called == "CreateBackupPlan" or "BackupPlanId" in named:
        return f"{prefix}:backup-plan:{named.get('BackupPlanId', '*')}"
    return (actions._safe_json_field(body, "RecoveryPointArn") or "*") if called == "StartRestoreJob" else None


def request_context(original: Callable[..., Json], service: str, action: str, body: bytes, params: Json) -> Json:
    """With the boundary that the call is about, and the tags of what AWS Backup creates."""
    found = original(service, action, body, params)
    if boundary := boundary_of(action, params):
        found = found | {"iam:PermissionsBoundary": boundary}
    if roles := passed_roles(action, body, params):
        found = found | {PASSED: roles}
    return found | _tags_of(action, body) if action.startswith("backup:Create") else found


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


def resolve_condition_key(original: Callable[..., Any], key: str, context: Any) -> Any:
    """The value of a condition key in a call, or None."""
    name = key.lower()
    if not carries(context.action, key):
        return None
    if name == "aws:principalarn":
        return role_of(context.principal_arn)
    found = original(key, context)
    if found is None and name.startswith(_RESOURCE_TAG):
        tags = tagging.resource_tags(context.resource_arn) or {}
        lower = {tag.lower(): value for tag, value in tags.items()}
        return lower.get(name.removeprefix(_RESOURCE_TAG))
    return found


def role_of(principal: str) -> str:
    """The ARN of the role that a session's ARN names, path included; another ARN as it is."""
    kind, _, rest = principal.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return principal
    role = iam._roles.get(rest.split("/", 1)[0])
    return str(role["Arn"]) if role else principal


def enforce(
    original: Callable[..., Any],
    key: str,
    action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: Json | None = None,
) -> Any:
    """The resource is one that the action takes, and the caller has every further permission that the call needs."""
    keys = service_context or {}
    resource_arn = resource_of(action, resource_arn)
    own = {name: value for name, value in keys.items() if name != PASSED}
    denied = original(key, action, service, region, resource_arn, own)
    for further, on, its_keys in () if denied else further_permissions(action, region, resource_arn, keys):
        if denied := original(key, further, further.partition(":")[0], region, on, its_keys):
            return refusal(denied, further, on)
    return denied


def _tags_of(action: str, body: bytes) -> Json:
    """The condition keys of the tags that a request of AWS Backup gives to what it creates."""
    try:
        tags = json.loads(body or b"{}").get(_TAGS.get(action, "Tags")) or {}
    except (ValueError, AttributeError):
        return {}  # the service itself refuses it
    if not isinstance(tags, dict) or not tags:
        return {}
    return {f"{_REQUEST_TAG}{name}": value for name, value in tags.items()} | {"aws:TagKeys": list(tags)}
