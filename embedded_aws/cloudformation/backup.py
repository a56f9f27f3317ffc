"""AWS::Backup::BackupVault, BackupPlan and BackupSelection; the vault with lock and access policy.

Source: the types' schemas in the CloudFormation registry (create-only properties, Ref, GetAtt).
Each goes through AWS Backup's API, so that its refusals end in CREATE_FAILED or DELETE_FAILED.
"""

import json

import ministack.services.backup as service
import ministack.services.cloudformation.provisioners as engine

from embedded_aws.backup import selections, vault_locks, vault_policies, vaults
from embedded_aws.cloudformation import backup_testing
from embedded_aws.cloudformation.registry import Made, importable, register, replace_function, replaces_on_change
from embedded_aws.replies import Json, body_of

VAULT = "AWS::Backup::BackupVault"
SELECTION = "AWS::Backup::BackupSelection"
LOCK, POLICY = "LockConfiguration", "AccessPolicy"


def install() -> None:
    """Register the types."""
    engine_update = engine._backup_vault_update

    def update(name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
        made: Made = engine_update(name, old, new, stack, logical_id)
        if made[0] == name:  # a replaced vault was created with what it has now
            _guard_vault(name, new, before=old)
        return made

    register(VAULT, create=_create_vault, update=update, delete=_delete_vault)
    importable(VAULT, "BackupVaultName", _adopt_vault, vaults.exists)
    replace_function("_backup_vault_create", _create_vault)  # the engine's update replaces with it
    replace_function("_backup_vault_delete", _delete_vault)
    register("AWS::Backup::BackupPlan", create=_create_plan, delete=_delete_plan)
    register(SELECTION, create=_create_selection, delete=_delete_selection)
    replaces_on_change(SELECTION, "BackupPlanId", "BackupSelection")
    backup_testing.install()


def _create_vault(logical_id: str, props: Json, stack: str) -> Made:
    name = props.get("BackupVaultName") or engine._physical_name(stack, logical_id, max_len=50)
    body: Json = {"BackupVaultTags": engine._tag_map(props.get("BackupVaultTags"))}
    if props.get("EncryptionKeyArn"):
        body["EncryptionKeyArn"] = props["EncryptionKeyArn"]
    _check_guards(props)  # before there is a vault: a failed creation leaves none
    vaults.create_named(name, body)
    _guard_vault(name, props, before={})
    return _adopt_vault({"BackupVaultName": name})


def _check_guards(props: Json) -> None:
    vault_locks.check(props.get(LOCK) or {})
    if props.get(POLICY):
        vault_policies.check(_text(props[POLICY]))


def _guard_vault(name: str, props: Json, *, before: Json) -> None:
    """Set lock and access policy where they change, or take them away."""
    if props.get(LOCK) != before.get(LOCK):
        if props.get(LOCK):
            vault_locks.put_on(name, props[LOCK])
        else:
            vault_locks.remove_from(name)
    if props.get(POLICY) != before.get(POLICY):
        if props.get(POLICY):
            vault_policies.put_on(name, _text(props[POLICY]))
        else:
            vault_policies.remove_from(name)


def _text(policy: Json | str) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


def _adopt_vault(identifier: Json) -> Made:
    name = identifier["BackupVaultName"]
    arn = vaults.existing(name)["BackupVaultArn"]
    return name, {"BackupVaultArn": arn, "BackupVaultName": name}


def _delete_vault(name: str, _: Json) -> None:
    if vaults.exists(name):
        vaults.delete_named(name)


def _create_plan(_: str, props: Json, __: str) -> Made:
    plan = body_of(service._create_plan(engine._backup_plan_body(props)))
    names = ("BackupPlanId", "BackupPlanArn", "VersionId")
    return plan["BackupPlanId"], {name: plan[name] for name in names}


def _delete_plan(plan_id: str, _: Json) -> None:
    if plan_id in service._plans:
        body_of(service._delete_plan(plan_id))


def _create_selection(_: str, props: Json, __: str) -> Made:
    plan_id = props["BackupPlanId"]
    made = selections.create_in(plan_id, {"BackupSelection": props["BackupSelection"]})
    selection_id = made["SelectionId"]
    # The schema's Id is "<SelectionId>_<BackupPlanId>", its primary identifier.
    attributes = {"Id": f"{selection_id}_{plan_id}", "SelectionId": selection_id, "BackupPlanId": plan_id}
    return selection_id, attributes


def _delete_selection(selection_id: str, props: Json) -> None:
    if selection_id in service._selections:
        selections.delete_from(props["BackupPlanId"], selection_id)
