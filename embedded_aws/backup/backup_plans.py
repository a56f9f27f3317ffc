"""Backup plans and their selections: vaults and roles must exist, selections are deleted before their plan.

Sources: TF plan.go and selection.go (texts and codes), and the answers that the provider's users quote; "is not
authorized to call tag:GetResources" in full: vinycoolguy2015/awslambda#1; guide, "Passing roles".
"""

import uuid

import ministack.services.backup as engine

from embedded_aws.backup import store
from embedded_aws.backup.requests import Request
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Handler, Json, Reply, body_of, invalid, ok

HAS_SELECTIONS = "Related backup plan selections must be deleted prior to backup plan deletion"
SAME_DOCUMENT = "Backup plan with the same plan document already exists"


def create_plan(original: Handler, body: Json) -> Reply:
    """CreateBackupPlan, for the API and CloudFormation alike."""
    plan = body.get("BackupPlan") or {}
    for other in engine._plans.values():
        if _without_ids(other["BackupPlan"]) == _without_ids(plan):
            raise ApiError("AlreadyExistsException", SAME_DOCUMENT)
    _check_rules(plan)
    return original(body)


def get_plan(original: Handler, plan_id: str) -> Reply:
    """GetBackupPlan."""
    body = body_of(original(plan_id))
    body.pop("BackupPlanName")  # AWS gives the name within the plan only
    return ok(body)


def update_plan(original: Handler, plan_id: str, body: Json) -> Reply:
    """UpdateBackupPlan."""
    _check_rules(body.get("BackupPlan") or {})
    return original(plan_id, body)


def _check_rules(plan: Json) -> None:
    """Check each rule and give it the id that AWS gives it."""
    for rule in plan.get("Rules", []):
        vault = rule.get("TargetBackupVaultName")
        if vault not in engine._vaults:
            raise invalid(f"Cannot find Backup vault {vault}")
        # CloudFormation may hand a number over as text.
        days = {name: int(value) for name, value in (rule.get("Lifecycle") or {}).items()}
        store.checked_lifecycle(days)
        rule.setdefault("RuleId", str(uuid.uuid4()))


def delete_plan(original: Handler, plan_id: str) -> Reply:
    """DeleteBackupPlan."""
    if any(kept["BackupPlanId"] == plan_id for kept in engine._selections.values()):
        raise ApiError("InvalidRequestException", HAS_SELECTIONS)
    return original(plan_id)


def _without_ids(plan: Json) -> Json:
    rules = [{name: value for name, value in rule.items() if name != "RuleId"} for rule in plan.get("Rules", [])]
    return plan | {"Rules": rules}


def create_backup_selection(request: Request) -> Json:
    """CreateBackupSelection by a caller, who must be allowed to pass the role."""
    roles.check_role(request["BackupSelection"]["IamRoleArn"], request.caller)
    return create_selection_in(request["BackupPlanId"], request.members)


def create_selection_in(plan_id: str, body: Json) -> Json:
    """Add a selection to a plan; raises ApiError unless plan and role can be used."""
    _check_plan(plan_id)
    selection = body["BackupSelection"]
    role = selection["IamRoleArn"]
    roles.check_assumable(role)
    if roles.denial(role, "tag:GetResources", "*"):
        raise invalid(f"IAM Role {role} is not authorized to call tag:GetResources")
    for other in engine._selections.values():
        same_plan = other["BackupPlanId"] == plan_id
        if same_plan and other["SelectionName"] == selection.get("SelectionName"):
            raise ApiError("AlreadyExistsException", "Backup selection with the same name already exists")
    return body_of(engine._create_selection(plan_id, body))


def get_backup_selection(request: Request) -> Json:
    """GetBackupSelection."""
    return body_of(engine._get_selection(*_existing_selection(request)))


def delete_backup_selection(request: Request) -> None:
    """DeleteBackupSelection; raises ApiError when the plan does not have the selection."""
    body_of(engine._delete_selection(*_existing_selection(request)))


def _check_plan(plan_id: str) -> None:
    if plan_id not in engine._plans:
        raise invalid("Cannot find Backup plan")


def _existing_selection(request: Request) -> tuple[str, str]:
    plan_id, selection_id = request["BackupPlanId"], request["SelectionId"]
    _check_plan(plan_id)
    found = engine._selections.get(selection_id)
    if found is None or found["BackupPlanId"] != plan_id:
        raise invalid("Cannot find Backup selection")
    return plan_id, selection_id
