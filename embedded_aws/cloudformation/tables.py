"""AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable, made and deleted through DynamoDB's API.

The engine writes a table's record itself: over an existing one, without TTL and point-in-time
recovery, and past deletion protection. Sources: registry schemas of the two types;
aws-cdk#11208 and serverless#2181 ("already exists").
"""

from collections.abc import Callable

import ministack.services.cloudformation.provisioners as engine
import ministack.services.dynamodb as service
from ministack.core.responses import get_region

from embedded_aws.cloudformation.names import unique
from embedded_aws.cloudformation.registry import Made, importable, register, replace_function, replaces_on_change
from embedded_aws.cloudformation.table_changes import check_billing, check_indexes, check_replicas
from embedded_aws.cloudformation.table_properties import from_global_table, from_table
from embedded_aws.replies import Json, body_of

TABLE = "AWS::DynamoDB::Table"
GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
# Parts of a CloudFormation table that CreateTable does not take.
AFTERWARDS = ("TimeToLiveSpecification", "PointInTimeRecoverySpecification", "ContributorInsightsSpecification")
REPLACING = ("KeySchema", "LocalSecondaryIndexes")
Translate = Callable[[Json], Json]


def install() -> None:
    """Register both types."""
    for kind, translate in ((TABLE, from_table), (GLOBAL_TABLE, _from_global_table)):
        register(
            kind, create=unique(_creator(translate), "TableName"), update=_updater(kind, translate), delete=_delete
        )
    importable(GLOBAL_TABLE, "TableName", engine._ddb_import, _exists)
    # The engine's update replaces a table with these two.
    replace_function("_ddb_create", _create)
    replace_function("_ddb_delete", _delete)
    replaces_on_change(GLOBAL_TABLE, "TableName", "KeySchema", "LocalSecondaryIndexes")
    engine._CUSTOM_NAME_REPLACEMENT[GLOBAL_TABLE] = {"name": "TableName"}


def _exists(name: str) -> bool:
    return name in service._tables


def _from_global_table(props: Json) -> Json:
    return from_global_table(props, get_region())


def _creator(translate: Translate) -> Callable[[str, Json, str], Made]:
    def create(logical_id: str, props: Json, stack: str) -> Made:
        return _create(logical_id, translate(props), stack)

    return create


def _create(logical_id: str, table: Json, stack: str) -> Made:
    name = table.get("TableName") or engine._physical_name(stack, logical_id, max_len=255)
    if name in service._tables:
        raise ValueError(f"{name} already exists")
    request = {key: value for key, value in table.items() if key not in AFTERWARDS and value}
    body_of(service._create_table(request | {"TableName": name}))
    _apply(name, {}, table)
    return name, engine._ddb_attrs(service._tables[name]) | _identity(name)


def _updater(kind: str, translate: Translate) -> Callable[[str, Json, Json, str, str], Made]:
    def update(name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
        before, after = translate(old), translate(new)
        if any(before.get(key) != after.get(key) for key in REPLACING) and "TableName" not in after:
            # The engine would delete the table first and take its name for the new one.
            replaced: Made = engine._replace_resource(kind, name, old, new, stack, logical_id)
            return replaced
        check_billing(old, new)
        check_replicas(old, new)
        check_indexes(before, after)
        made: Made = engine._ddb_update(name, before, after, stack, logical_id)
        if made[0] == name:
            _apply(name, before, after)
            _update_rest(name, before, after)
        return made[0], made[1] | _identity(made[0])

    return update


def _delete(name: str, _: Json) -> None:
    if name in service._tables:
        body_of(service._delete_table({"TableName": name}))


def _apply(name: str, before: Json, after: Json) -> None:
    """Set what has an API call of its own, where it changes."""
    recovery = after.get("PointInTimeRecoverySpecification") or {}
    if recovery != (before.get("PointInTimeRecoverySpecification") or {}):
        wanted = recovery or {"PointInTimeRecoveryEnabled": False}
        body_of(service._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": wanted}))
    old_expiry, expiry = before.get("TimeToLiveSpecification"), after.get("TimeToLiveSpecification")
    if expiry != old_expiry:
        wanted = expiry or {"Enabled": False, "AttributeName": (old_expiry or {})["AttributeName"]}
        body_of(service._update_ttl({"TableName": name, "TimeToLiveSpecification": wanted}))


def _update_rest(name: str, before: Json, after: Json) -> None:
    """UpdateTable for what the engine's own update leaves out."""
    defaults: Json = {"TableClass": "STANDARD", "OnDemandThroughput": {}}
    changes = {
        key: after.get(key, default)
        for key, default in defaults.items()
        if before.get(key, default) != after.get(key, default)
    }
    if changes:
        body_of(service._update_table({"TableName": name} | changes))


def _identity(name: str) -> Json:
    return {"TableId": service._tables[name]["TableId"]}
