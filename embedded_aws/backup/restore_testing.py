"""Restore testing plans and their selections: stored and listed, never run.

Sources: model (shapes, the pattern of names, SelectionWindowDays 30 and StartWindowHours 24 as
defaults); API reference, DeleteRestoreTestingPlan (its selections are deleted first).
"""

import re
import uuid

from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import store
from embedded_aws.backup.requests import MISSING, Request, find, page
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json, invalid

NAME = re.compile(r"[A-Za-z0-9_]{1,50}")
PLAN, SELECTION = "RestoreTestingPlan", "RestoreTestingSelection"
PLAN_NAME, SELECTION_NAME = "RestoreTestingPlanName", "RestoreTestingSelectionName"
_DEFAULTS = {"StartWindowHours": 24, "ScheduleExpressionTimezone": "Etc/UTC"}


def create_restore_testing_plan(request: Request) -> Json:
    """CreateRestoreTestingPlan; raises ApiError for one that AWS refuses."""
    plan = request[PLAN]
    _check_name(plan[PLAN_NAME])
    if plan[PLAN_NAME] in store.testing_plans:
        raise ApiError("AlreadyExistsException", f"Restore testing plan {plan[PLAN_NAME]} exists")
    prefix = f"arn:aws:backup:{get_region()}:{get_account_id()}:restore-testing-plan:"
    record: Json = _DEFAULTS | plan
    record["RecoveryPointSelection"] = _points(plan)
    record |= {"RestoreTestingPlanArn": f"{prefix}{plan[PLAN_NAME]}-{uuid.uuid4()}", "CreationTime": store.now()}
    store.testing_plans[plan[PLAN_NAME]] = {"plan": record, "selections": {}, "tags": request.get("Tags") or {}}
    return record


def update_restore_testing_plan(request: Request) -> Json:
    """UpdateRestoreTestingPlan: fields that are not given keep their values."""
    record: Json = _plan(request[PLAN_NAME])["plan"]
    changed = record | request[PLAN] | {PLAN_NAME: record[PLAN_NAME]}
    changed["RecoveryPointSelection"] = _points(changed)
    record |= changed | {"LastUpdateTime": store.now()}
    return record | {"UpdateTime": record["LastUpdateTime"]}


def get_restore_testing_plan(request: Request) -> Json:
    """GetRestoreTestingPlan."""
    return {PLAN: _plan(request[PLAN_NAME])["plan"]}


def list_restore_testing_plans(request: Request) -> Json:
    """ListRestoreTestingPlans."""
    found = [entry["plan"] for entry in store.testing_plans.values()]
    return page(request, "RestoreTestingPlans", found, _age, dict)


def delete_restore_testing_plan(request: Request) -> None:
    """DeleteRestoreTestingPlan; raises ApiError for a missing one and while it has selections."""
    name = request[PLAN_NAME]
    if _plan(name)["selections"]:
        raise ApiError("InvalidRequestException", f"Restore testing plan {name} has selections")
    store.testing_plans.pop(name)


def create_restore_testing_selection(request: Request) -> Json:
    """CreateRestoreTestingSelection; raises ApiError for one that AWS refuses."""
    plan, selection = request[PLAN_NAME], request[SELECTION]
    entry, name = _plan(plan), selection[SELECTION_NAME]
    _check_name(name)
    roles.check_assumable(selection["IamRoleArn"])
    if name in entry["selections"]:
        raise ApiError("AlreadyExistsException", f"Restore testing selection {name} exists")
    record: Json = {"ValidationWindowHours": 0} | selection
    record |= {PLAN_NAME: plan, "CreationTime": store.now()}
    entry["selections"][name] = record
    shown: Json = entry["plan"] | record
    return shown


def update_restore_testing_selection(request: Request) -> Json:
    """UpdateRestoreTestingSelection: fields that are not given keep their values."""
    record = _selection(request)
    record |= request[SELECTION]
    shown: Json = _plan(request[PLAN_NAME])["plan"] | record
    return shown | {"UpdateTime": store.now()}


def get_restore_testing_selection(request: Request) -> Json:
    """GetRestoreTestingSelection."""
    return {SELECTION: _selection(request)}


def list_restore_testing_selections(request: Request) -> Json:
    """ListRestoreTestingSelections."""
    found = _plan(request[PLAN_NAME])["selections"].values()
    return page(request, "RestoreTestingSelections", found, _age, dict)


def delete_restore_testing_selection(request: Request) -> None:
    """DeleteRestoreTestingSelection; raises ApiError for a missing one."""
    _selection(request)
    _plan(request[PLAN_NAME])["selections"].pop(request[SELECTION_NAME])


def _plan(name: str) -> Json:
    return find(store.testing_plans, name, "restore testing plan")


def _selection(request: Request) -> Json:
    selections: dict[str, Json] = _plan(request[PLAN_NAME])["selections"]
    return find(selections, request[SELECTION_NAME], "restore testing selection")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(f"'{name}' must match {NAME.pattern}")


def _points(plan: Json) -> Json:
    selection: Json = {"SelectionWindowDays": 30, "ExcludeVaults": []}
    selection |= plan["RecoveryPointSelection"]
    if not selection.get("Algorithm"):  # which the model does not require
        raise ApiError(MISSING, "Algorithm is required")
    return selection


def _age(record: Json) -> tuple[float, str]:
    return record["CreationTime"], record.get(SELECTION_NAME) or record[PLAN_NAME]
