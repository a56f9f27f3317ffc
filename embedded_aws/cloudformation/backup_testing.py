"""AWS::Backup::RestoreTestingPlan and RestoreTestingSelection.

Source: the types' schemas in the CloudFormation registry: names are create-only, Ref of a plan is
its name and of a selection both names, joined by a bar (its primary identifier has two parts).
"""

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.backup import restore_testing, store
from embedded_aws.backup.requests import Request
from embedded_aws.cloudformation.registry import Made, register, replaces_on_change
from embedded_aws.replies import Json

PLAN = "AWS::Backup::RestoreTestingPlan"
SELECTION = "AWS::Backup::RestoreTestingSelection"
PLAN_NAME, SELECTION_NAME = restore_testing.PLAN_NAME, restore_testing.SELECTION_NAME
# CloudFormation hands numbers over as text.
_NUMBERS = ("StartWindowHours", "ValidationWindowHours", "SelectionWindowDays")


def install() -> None:
    """Register both types."""
    register(PLAN, create=_create_plan, update=_update_plan, delete=_delete_plan)
    register(SELECTION, create=_create_selection, update=_update_selection, delete=_delete_selection)
    replaces_on_change(PLAN, PLAN_NAME)
    replaces_on_change(SELECTION, PLAN_NAME, SELECTION_NAME, "ProtectedResourceType")


def _create_plan(_: str, props: Json, __: str) -> Made:
    restore_testing.add_plan(_plan(props), engine._tag_map(props.get("Tags")))
    return _made_plan(props[PLAN_NAME])


def _update_plan(name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
    if new[PLAN_NAME] != name:
        made: Made = engine._replace_resource(PLAN, name, old, new, stack, logical_id)
        return made
    request = Request({"plan": name}, {restore_testing.PLAN: _plan(new)})
    restore_testing.update_plan(request)
    store.testing_plans[name]["tags"] = engine._tag_map(new.get("Tags"))
    return _made_plan(name)


def _delete_plan(name: str, _: Json) -> None:
    if name in store.testing_plans:
        restore_testing.remove_plan(name)


def _made_plan(name: str) -> Made:
    arn = store.testing_plans[name]["plan"]["RestoreTestingPlanArn"]
    return name, {"RestoreTestingPlanArn": arn}


def _plan(props: Json) -> Json:
    plan = _numbers({name: value for name, value in props.items() if name != "Tags"})
    plan["RecoveryPointSelection"] = _numbers(plan.get("RecoveryPointSelection") or {})
    return plan


def _create_selection(_: str, props: Json, __: str) -> Made:
    plan, name = props[PLAN_NAME], props[SELECTION_NAME]
    restore_testing.add_selection(plan, _numbers(_without_plan(props)))
    return f"{plan}|{name}", {}


def _update_selection(name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
    fixed = (PLAN_NAME, SELECTION_NAME, "ProtectedResourceType")
    if any(old.get(key) != new.get(key) for key in fixed):
        made: Made = engine._replace_resource(SELECTION, name, old, new, stack, logical_id)
        return made
    path = {"plan": new[PLAN_NAME], "selection": new[SELECTION_NAME]}
    body = {restore_testing.SELECTION: _numbers(_without_plan(new))}
    restore_testing.update_selection(Request(path, body))
    return name, {}


def _delete_selection(name: str, _: Json) -> None:
    plan, selection = name.split("|")
    if selection in store.testing_plans.get(plan, {"selections": {}})["selections"]:
        restore_testing.remove_selection(plan, selection)


def _without_plan(props: Json) -> Json:
    return {name: value for name, value in props.items() if name != PLAN_NAME}


def _numbers(given: Json) -> Json:
    return {name: int(value) if name in _NUMBERS else value for name, value in given.items()}
