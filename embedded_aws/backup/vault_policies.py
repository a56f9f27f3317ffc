"""Access policies of vaults: whatever they deny is denied, also to the account's root user.

Sources: model (PutBackupVaultAccessPolicy and its relatives); guide, "Vault access policies";
aws-cdk's BackupVault.blockRecoveryPointDeletion (a Deny for everybody on DeleteRecoveryPoint).
IAM has allowed the call before; of the policy only an explicit Deny matters within one account
(IAM guide, "Policy evaluation logic").
"""

import json
from typing import Any

import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as evaluator
import ministack.services.backup as engine
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import vaults
from embedded_aws.backup.requests import Request
from embedded_aws.replies import ApiError, Json

_RECORD = "AccessPolicy"  # where the engine's record of the vault keeps it


def put(request: Request) -> None:
    """PutBackupVaultAccessPolicy."""
    put_on(request.path["vault"], str(request.body.get("Policy") or ""))


def put_on(name: str, policy: str) -> None:
    """Give the vault a policy; raises ApiError for one that is no policy document."""
    vault = vaults.existing(name)
    check(policy)
    vault[_RECORD] = policy


def check(policy: str) -> None:
    """Raise ApiError unless the text is a policy document."""
    try:
        document = json.loads(policy)
    except json.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not document.get("Statement"):
        raise ApiError("InvalidParameterValueException", "Policy is not a policy document")


def get(request: Request) -> Json:
    """GetBackupVaultAccessPolicy; raises ApiError when the vault has none."""
    vault = vaults.existing(request.path["vault"])
    if _RECORD not in vault:
        name = vault["BackupVaultName"]
        raise ApiError("ResourceNotFoundException", f"Backup vault {name} has no access policy")
    shown = {name: vault[name] for name in ("BackupVaultName", "BackupVaultArn")}
    return shown | {"Policy": vault[_RECORD]}


def remove(request: Request) -> None:
    """DeleteBackupVaultAccessPolicy."""
    remove_from(request.path["vault"])


def remove_from(name: str) -> None:
    """Take the vault's policy away, if it has one."""
    vaults.existing(name).pop(_RECORD, None)


def check_call(request: Request, method: str, path: str, body: bytes) -> None:
    """Raise ApiError when the policy of the vault that a call names denies it to its caller."""
    name = request.path.get("vault") or request.body.get("BackupVaultName")
    policy = engine._vaults.get(name, {}).get(_RECORD) if name else None
    if not policy:
        return
    action = iam_actions.extract_iam_action("backup", method, path, request.headers, body, request.query)
    resource = request.path.get("point") or engine._vault_arn(name)
    context: Any = evaluator.EvalContext(
        principal_arn=evaluator.caller_arn(),
        principal_type="User",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    if not evaluator.resource_policy_allows(policy, context, same_account=True):
        message = iam_actions._resource_policy_denial("backup", action, context.principal_arn, resource)
        raise ApiError("AccessDeniedException", message, 403)
