"""Present properties of vaults, backup plans, selections and restore tests."""

import json

import ministack.services.backup as backup

from embedded_aws.backup import store, vault_locks
from embedded_aws.cloudformation.drift.shapes import set_in_template, tag_list
from embedded_aws.replies import Json


def vault(name: str, props: Json) -> Json | None:
    """The properties of a BackupVault."""
    found = backup._vaults.get(name)
    if found is None:
        return None
    kept = {key: found[key] for key in ("BackupVaultName", "BackupVaultTags", "EncryptionKeyArn")}
    if found["Locked"]:
        days = vault_locks.MINIMUM, vault_locks.MAXIMUM
        lock = {name: found[name] for name in days if name in found}
        expected = props.get("LockConfiguration") or {}
        write_only = {name: expected[name] for name in (vault_locks.GRACE,) if name in expected}
        kept["LockConfiguration"] = lock | write_only
    if found.get("AccessPolicy"):
        kept["AccessPolicy"] = json.loads(found["AccessPolicy"])
    return kept


def plan(plan_id: str, props: Json) -> Json | None:
    """The properties of a BackupPlan; the API has other names for its rules and their vault."""
    found = backup._plans.get(plan_id)
    if found is None:
        return None
    rules = [
        rule | {"TargetBackupVault": rule.get("TargetBackupVaultName")}
        for rule in found["BackupPlan"].get("Rules") or []
    ]
    document = found["BackupPlan"] | {"BackupPlanRule": rules}
    return {"BackupPlan": set_in_template(document, props["BackupPlan"]), "BackupPlanTags": found["Tags"]}


def selection(selection_id: str, props: Json) -> Json | None:
    """The properties of a BackupSelection."""
    found = backup._selections.get(selection_id)
    if found is None:
        return None
    document = set_in_template(found, props["BackupSelection"])
    return {"BackupPlanId": found["BackupPlanId"], "BackupSelection": document}


def testing_plan(name: str, props: Json) -> Json | None:
    """The properties of a RestoreTestingPlan."""
    found = store.testing_plans.get(name)
    if found is None:
        return None
    document: Json = set_in_template(found["plan"], props)
    return document | {"Tags": tag_list(found["tags"])}


def testing_selection(identifier: str, _: Json) -> Json | None:
    """The properties of a RestoreTestingSelection."""
    plan_name, name = identifier.split("|")
    testing = store.testing_plans.get(plan_name) or {"selections": {}}
    found: Json | None = testing["selections"].get(name)
    return found
