"""CloudFormation's types of AWS Backup.

Source: the types' schemas in the CloudFormation registry (Ref, GetAtt; Ref of a restore
testing selection is both names, joined by a bar: its primary identifier has two parts). Each goes through AWS
Backup's API, so that its refusals end in CREATE_FAILED or DELETE_FAILED.
"""

import json
from collections.abc import Callable

import ministack.services.backup as service
import ministack.services.cloudformation.provisioners as engine

from embedded_aws.backup import backup_plans, restore_testing, store, vaults
from embedded_aws.backup.requests import Request
from embedded_aws.cloudformation.registry import Made, named
from embedded_aws.replies import Json, body_of

VAULT = "AWS::Backup::BackupVault"
TESTING_PLAN = "AWS::Backup::RestoreTestingPlan"
LOCK, POLICY = "LockConfiguration", "AccessPolicy"
PLAN_NAME, SELECTION_NAME = restore_testing.PLAN_NAME, restore_testing.SELECTION_NAME
VAULTS = named(VAULT, "BackupVaultName", service._vaults)
# CloudFormation hands numbers over as text.
_NUMBERS = ("StartWindowHours", "ValidationWindowHours", "SelectionWindowDays")


def create_vault(logical_id: str, props: Json, stack: str) -> Made:
    """Create a vault with its lock and its access policy."""
    name = props.get("BackupVaultName") or engine._physical_name(stack, logical_id, max_len=50)
    body: Json = {"BackupVaultName": name, "BackupVaultTags": engine._tag_map(props.get("BackupVaultTags"))}
    if props.get("EncryptionKeyArn"):
        body["EncryptionKeyArn"] = props["EncryptionKeyArn"]
    # Before there is a vault: a failed creation leaves none.
    vaults.check_lock(props.get(LOCK) or {})
    if props.get(POLICY):
        vaults.check_policy(_text(props[POLICY]))
    vaults.create_vault(Request(body))
    _guard_vault(name, props, before={})
    return adopt_vault({"BackupVaultName": name})


def update_vault(original: Callable[..., Made], name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
    """Update a vault with its lock and its access policy."""
    made = original(name, old, new, stack, logical_id)
    _guard_vault(name, new, before=old)
    return made


def _guard_vault(name: str, props: Json, *, before: Json) -> None:
    """Set lock and access policy where they change, or take them away."""
    lock, policy, vault = props.get(LOCK), props.get(POLICY), {"BackupVaultName": name}
    if lock != before.get(LOCK):
        (vaults.put_lock if lock else vaults.remove_lock)(Request(vault | (lock or {})))
    if policy != before.get(POLICY):
        body = {"Policy": _text(policy)} if policy else {}
        (vaults.put_policy if policy else vaults.remove_policy)(Request(vault | body))


def _text(policy: Json | str) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


def adopt_vault(identifier: Json) -> Made:
    """Import a vault that exists."""
    name = identifier["BackupVaultName"]
    arn = vaults.existing(name)["BackupVaultArn"]
    return name, {"BackupVaultArn": arn, "BackupVaultName": name}


def delete_vault(name: str, _: Json) -> None:
    """Delete a vault, unless it has recovery points."""
    if vaults.exists(name):
        vaults.delete_vault(Request({"BackupVaultName": name}))


def create_plan(_: str, props: Json, __: str) -> Made:
    """Create a backup plan."""
    plan = body_of(service._create_plan(engine._backup_plan_body(props)))
    return plan["BackupPlanId"], {name: plan[name] for name in ("BackupPlanId", "BackupPlanArn", "VersionId")}


def delete_plan(plan_id: str, _: Json) -> None:
    """Delete a backup plan, unless it has selections."""
    if plan_id in service._plans:
        body_of(service._delete_plan(plan_id))


def create_selection(_: str, props: Json, __: str) -> Made:
    """Create a selection in its plan."""
    plan_id = props["BackupPlanId"]
    made = backup_plans.create_selection_in(plan_id, {"BackupSelection": props["BackupSelection"]})
    selection_id = made["SelectionId"]
    # The schema's Id is "<SelectionId>_<BackupPlanId>", its primary identifier.
    attributes = {"Id": f"{selection_id}_{plan_id}", "SelectionId": selection_id, "BackupPlanId": plan_id}
    return selection_id, attributes


def delete_selection(selection_id: str, props: Json) -> None:
    """Delete a selection."""
    if selection_id in service._selections:
        backup_plans.delete_selection(Request({"BackupPlanId": props["BackupPlanId"], "SelectionId": selection_id}))


def create_testing_plan(_: str, props: Json, __: str) -> Made:
    """Create a restore testing plan."""
    body = {restore_testing.PLAN: _testing_plan(props), "Tags": engine._tag_map(props.get("Tags"))}
    restore_testing.create_plan(Request(body))
    return _made_testing_plan(props[PLAN_NAME])


def update_testing_plan(name: str, _: Json, new: Json, __: str, ___: str) -> Made:
    """Update a restore testing plan."""
    restore_testing.update_plan(Request({PLAN_NAME: name, restore_testing.PLAN: _testing_plan(new)}))
    store.testing_plans[name]["tags"] = engine._tag_map(new.get("Tags"))
    return _made_testing_plan(name)


def delete_testing_plan(name: str, _: Json) -> None:
    """Delete a restore testing plan."""
    if name in store.testing_plans:
        restore_testing.delete_plan(Request({PLAN_NAME: name}))


def _made_testing_plan(name: str) -> Made:
    return name, {"RestoreTestingPlanArn": store.testing_plans[name]["plan"]["RestoreTestingPlanArn"]}


def _testing_plan(props: Json) -> Json:
    plan = _numbers({name: value for name, value in props.items() if name != "Tags"})
    plan["RecoveryPointSelection"] = _numbers(plan.get("RecoveryPointSelection") or {})
    return plan


def create_testing_selection(_: str, props: Json, __: str) -> Made:
    """Create a selection in its restore testing plan."""
    restore_testing.create_selection(_testing_selection(props))
    return f"{props[PLAN_NAME]}|{props[SELECTION_NAME]}", {}


def update_testing_selection(name: str, _: Json, new: Json, __: str, ___: str) -> Made:
    """Update a restore testing selection."""
    restore_testing.update_selection(_testing_selection(new))
    return name, {}


def delete_testing_selection(name: str, _: Json) -> None:
    """Delete a restore testing selection."""
    plan, selection = name.split("|")
    if selection in store.testing_plans.get(plan, {"selections": {}})["selections"]:
        restore_testing.delete_selection(Request({PLAN_NAME: plan, SELECTION_NAME: selection}))


def _testing_selection(props: Json) -> Request:
    selection = _numbers({name: value for name, value in props.items() if name != PLAN_NAME})
    names = {name: props[name] for name in (PLAN_NAME, SELECTION_NAME)}
    return Request(names | {restore_testing.SELECTION: selection})


def _numbers(given: Json) -> Json:
    return {name: int(value) if name in _NUMBERS else value for name, value in given.items()}
