"""CloudFormation's types of AWS Backup.

Source: the types' schemas in the CloudFormation registry (Ref, GetAtt; Ref of a restore
testing selection is both names, joined by a bar: its primary identifier has two parts). Each goes through AWS
Backup's API, so that its refusals end in CREATE_FAILED or DELETE_FAILED.
"""

import json
from typing import Any

import ministack.services.backup as service
import ministack.services.cloudformation.provisioners as engine

from embedded_aws.backup import backup_plans, restore_testing, store, vaults
from embedded_aws.backup.routes import call
from embedded_aws.cloudformation.registry import Made, named
from embedded_aws.replies import Json, body_of

LOCK, POLICY = "LockConfiguration", "AccessPolicy"
VAULT, TESTING_PLAN = "AWS::Backup::BackupVault", "AWS::Backup::RestoreTestingPlan"
PLAN, SELECTION = restore_testing.PLAN, restore_testing.SELECTION
PLAN_NAME, SELECTION_NAME = restore_testing.PLAN_NAME, restore_testing.SELECTION_NAME
VAULTS = named(VAULT, "BackupVaultName", service._vaults)
# CloudFormation hands numbers over as text.
_NUMBERS = ("StartWindowHours", "ValidationWindowHours", "SelectionWindowDays")


def _create_vault(logical_id: str, props: Json, stack: str) -> Made:
    name = props.get("BackupVaultName") or engine._physical_name(stack, logical_id, max_len=50)
    members: Json = {"BackupVaultTags": engine._tag_map(props.get("BackupVaultTags"))}
    if props.get("EncryptionKeyArn"):
        members["EncryptionKeyArn"] = props["EncryptionKeyArn"]
    # Before there is a vault: a failed creation leaves none.
    vaults.check_lock(props.get(LOCK) or {})
    if props.get(POLICY):
        vaults.check_policy(_text(props[POLICY]))
    call("CreateBackupVault", BackupVaultName=name, **members)
    _guard_vault(name, props, before={})
    return _adopt_vault({"BackupVaultName": name})


def _update_vault(name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
    made: Made = engine._backup_vault_update(name, old, new, stack, logical_id)  # its tags
    _guard_vault(name, new, before=old)
    return made


def _guard_vault(name: str, props: Json, *, before: Json) -> None:
    """Set lock and access policy where they change, or take them away."""
    lock, policy = props.get(LOCK), props.get(POLICY)
    if lock != before.get(LOCK):
        call(f"{'Put' if lock else 'Delete'}BackupVaultLockConfiguration", BackupVaultName=name, **(lock or {}))
    if policy != before.get(POLICY):
        given = {"Policy": _text(policy)} if policy else {}
        call(f"{'Put' if policy else 'Delete'}BackupVaultAccessPolicy", BackupVaultName=name, **given)


def _text(policy: Json | str) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


def _adopt_vault(identifier: Json) -> Made:
    """A vault that exists, as it is imported."""
    name = identifier["BackupVaultName"]
    arn = vaults.existing(name)["BackupVaultArn"]
    return name, {"BackupVaultArn": arn, "BackupVaultName": name}


def _delete_vault(name: str, _: Json) -> None:
    if vaults.exists(name):
        call("DeleteBackupVault", BackupVaultName=name)


def _create_plan(_: str, props: Json, __: str) -> Made:
    plan = body_of(service._create_plan(engine._backup_plan_body(props)))
    return plan["BackupPlanId"], {name: plan[name] for name in ("BackupPlanId", "BackupPlanArn", "VersionId")}


def _delete_plan(plan_id: str, _: Json) -> None:
    if plan_id in service._plans:
        body_of(service._delete_plan(plan_id))


def _create_selection(_: str, props: Json, __: str) -> Made:
    plan_id = props["BackupPlanId"]
    made = backup_plans.create_selection_in(plan_id, {"BackupSelection": props["BackupSelection"]})
    selection_id = made["SelectionId"]
    # The schema's Id is "<SelectionId>_<BackupPlanId>", its primary identifier.
    attributes = {"Id": f"{selection_id}_{plan_id}", "SelectionId": selection_id, "BackupPlanId": plan_id}
    return selection_id, attributes


def _delete_selection(selection_id: str, props: Json) -> None:
    if selection_id in service._selections:
        call("DeleteBackupSelection", BackupPlanId=props["BackupPlanId"], SelectionId=selection_id)


def _create_testing_plan(_: str, props: Json, __: str) -> Made:
    call("CreateRestoreTestingPlan", RestoreTestingPlan=_testing_plan(props), Tags=engine._tag_map(props.get("Tags")))
    return _made_testing_plan(props[PLAN_NAME])


def _update_testing_plan(name: str, _: Json, new: Json, __: str, ___: str) -> Made:
    call("UpdateRestoreTestingPlan", RestoreTestingPlanName=name, RestoreTestingPlan=_testing_plan(new))
    store.testing_plans[name]["tags"] = engine._tag_map(new.get("Tags"))
    return _made_testing_plan(name)


def _delete_testing_plan(name: str, _: Json) -> None:
    if name in store.testing_plans:
        call("DeleteRestoreTestingPlan", RestoreTestingPlanName=name)


def _made_testing_plan(name: str) -> Made:
    return name, {"RestoreTestingPlanArn": store.testing_plans[name]["plan"]["RestoreTestingPlanArn"]}


def _testing_plan(props: Json) -> Json:
    plan = _numbers({name: value for name, value in props.items() if name != "Tags"})
    return plan | {"RecoveryPointSelection": _numbers(plan.get("RecoveryPointSelection") or {})}


def _create_testing_selection(_: str, props: Json, __: str) -> Made:
    call("CreateRestoreTestingSelection", **_testing_selection(props))
    return f"{props[PLAN_NAME]}|{props[SELECTION_NAME]}", {}


def _update_testing_selection(name: str, _: Json, new: Json, __: str, ___: str) -> Made:
    call("UpdateRestoreTestingSelection", **_testing_selection(new))
    return name, {}


def _delete_testing_selection(name: str, _: Json) -> None:
    plan, selection = name.split("|")
    if selection in store.testing_plans.get(plan, {"selections": {}})["selections"]:
        call("DeleteRestoreTestingSelection", **{PLAN_NAME: plan, SELECTION_NAME: selection})


def _testing_selection(props: Json) -> Json:
    names = {name: props[name] for name in (PLAN_NAME, SELECTION_NAME)}
    return names | {SELECTION: _numbers({name: value for name, value in props.items() if name != PLAN_NAME})}


def _numbers(given: Json) -> Json:
    return {name: int(value) if name in _NUMBERS else value for name, value in given.items()}


# The handlers of each type, under the engine's names.
HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::Backup::BackupPlan": {"create": _create_plan, "delete": _delete_plan},
    "AWS::Backup::BackupSelection": {"create": _create_selection, "delete": _delete_selection},
    VAULT: {"create": _create_vault, "update": _update_vault, "delete": _delete_vault, "import": _adopt_vault},
    TESTING_PLAN: {
        "create": _create_testing_plan,
        "update": _update_testing_plan,
        "delete": _delete_testing_plan,
        "update_with_logical_id": True,
    },
    "AWS::Backup::RestoreTestingSelection": {
        "create": _create_testing_selection,
        "update": _update_testing_selection,
        "delete": _delete_testing_selection,
        "update_with_logical_id": True,
    },
}
