"""What a plan backs up: the role must be AWS Backup's to assume, and may look tags up.

Source: TF selection.go (texts and codes; it waits for both to be true); the second text in full:
vinycoolguy2015/awslambda#1; guide, "Passing roles".
"""

import ministack.services.backup as engine

from embedded_aws.backup.requests import Request
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json, body_of


def create(request: Request) -> Json:
    """CreateBackupSelection."""
    selection = request.body.get("BackupSelection") or {}
    role = selection.get("IamRoleArn", "")
    roles.check_role(role, request.headers, request.query)
    return create_in(request.path["plan"], request.body)


def create_in(plan_id: str, body: Json) -> Json:
    """Add a selection to a plan; raises ApiError unless plan and role can be used."""
    _check_plan(plan_id)
    selection = body.get("BackupSelection") or {}
    role = selection.get("IamRoleArn", "")
    roles.check_assumable(role)
    if roles.denial(role, "tag:GetResources", "*"):
        raise ApiError("InvalidParameterValueException", f"IAM Role {role} is not authorized to call tag:GetResources")
    for other in engine._selections.values():
        same_plan = other["BackupPlanId"] == plan_id
        if same_plan and other["SelectionName"] == selection.get("SelectionName"):
            raise ApiError("AlreadyExistsException", "Backup selection with the same name already exists")
    return body_of(engine._create_selection(plan_id, body))


def get(request: Request) -> Json:
    """GetBackupSelection."""
    _check(request.path["plan"], request.path["selection"])
    return body_of(engine._get_selection(request.path["plan"], request.path["selection"]))


def delete(request: Request) -> None:
    """DeleteBackupSelection."""
    delete_from(request.path["plan"], request.path["selection"])


def delete_from(plan_id: str, selection_id: str) -> None:
    """Take a selection out of its plan; raises ApiError when there is none."""
    _check(plan_id, selection_id)
    body_of(engine._delete_selection(plan_id, selection_id))


def _check_plan(plan_id: str) -> None:
    if plan_id not in engine._plans:
        raise ApiError("InvalidParameterValueException", "Cannot find Backup plan")


def _check(plan_id: str, selection_id: str) -> None:
    _check_plan(plan_id)
    found = engine._selections.get(selection_id)
    if found is None or found["BackupPlanId"] != plan_id:
        raise ApiError("InvalidParameterValueException", "Cannot find Backup selection")
