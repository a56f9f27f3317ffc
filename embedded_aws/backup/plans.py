"""Backup plans: their vaults must exist, their selections go first, and equals are refused.

Source: TF plan.go, and the answers that the provider's users quote.
"""

import uuid
from collections.abc import Callable
from typing import Any

import ministack.services.backup as engine

from embedded_aws.backup import lifecycles
from embedded_aws.replies import ApiError, Json, Reply

HAS_SELECTIONS = "Related backup plan selections must be deleted prior to backup plan deletion"
SAME_DOCUMENT = "Backup plan with the same plan document already exists"


def install() -> None:
    """Check plans on the way to the engine, for its API and its CloudFormation alike."""
    for name, check in (
        ("_create_plan", _check_create),
        ("_update_plan", _check_update),
        ("_delete_plan", _check_delete),
    ):
        setattr(engine, name, _checked(check, getattr(engine, name)))


def _checked(check: Callable[..., None], original: Callable[..., Any]) -> Callable[..., Reply]:
    def handler(*arguments: Any) -> Reply:
        try:
            check(*arguments)
        except ApiError as error:
            return error.reply()
        reply: Reply = original(*arguments)
        return reply

    return handler


def _check_create(body: Json) -> None:
    plan = body.get("BackupPlan") or {}
    for other in engine._plans.values():
        if _without_ids(other["BackupPlan"]) == _without_ids(plan):
            raise ApiError("AlreadyExistsException", SAME_DOCUMENT)
    _check_rules(plan)


def _check_update(_: str, body: Json) -> None:
    _check_rules(body.get("BackupPlan") or {})


def _check_rules(plan: Json) -> None:
    """Check each rule and give it the id that AWS gives it."""
    for rule in plan.get("Rules", []):
        vault = rule.get("TargetBackupVaultName")
        if vault not in engine._vaults:
            raise ApiError("InvalidParameterValueException", f"Cannot find Backup vault {vault}")
        # CloudFormation may hand a number over as text.
        days = {name: int(value) for name, value in (rule.get("Lifecycle") or {}).items()}
        lifecycles.check(days)
        rule.setdefault("RuleId", str(uuid.uuid4()))


def _check_delete(plan_id: str) -> None:
    if any(kept["BackupPlanId"] == plan_id for kept in engine._selections.values()):
        raise ApiError("InvalidRequestException", HAS_SELECTIONS)


def _without_ids(plan: Json) -> Json:
    rules = [{name: value for name, value in rule.items() if name != "RuleId"} for rule in plan.get("Rules", [])]
    return plan | {"Rules": rules}
