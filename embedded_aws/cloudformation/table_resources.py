"""AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable, made and deleted through DynamoDB's API.

The engine writes a table's record itself: over an existing one, without TTL and point-in-time
recovery, and past deletion protection. Sources: registry schemas of the two types (a GlobalTable
keeps per replica what a Table keeps at its top); aws-cdk#11208 and serverless#2181 ("already
exists"); the CloudFormation CLI's contract of resource types (to update what does not exist is
NotFound). Only the replica of the stack's own region exists here.
"""

from collections.abc import Callable, Mapping
from functools import partial

import ministack.services.cloudformation.provisioners as engine
import ministack.services.dynamodb as service
from ministack.core.responses import get_region

from embedded_aws.cloudformation.registry import Made, named
from embedded_aws.cloudformation.stack_rules import unique
from embedded_aws.dynamodb.table_backups import PROTECTED
from embedded_aws.replies import Json, body_of

TABLE = "AWS::DynamoDB::Table"
GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
RECOVERY, INSIGHTS = "PointInTimeRecoverySpecification", "ContributorInsightsSpecification"
DAYS, EXPIRY = "RecoveryPeriodInDays", "TimeToLiveSpecification"
# Parts of a CloudFormation table that CreateTable does not take.
AFTERWARDS = (EXPIRY, RECOVERY, INSIGHTS)
REPLACING = ("KeySchema", "LocalSecondaryIndexes")
Translate = Callable[[Json], Json]


def _create_translated(translate: Translate, logical_id: str, props: Json, stack: str) -> Made:
    return create(logical_id, translate(props), stack)


def create(logical_id: str, table: Json, stack: str) -> Made:
    """Create a table from properties in the form that both types are translated to."""
    name = table.get("TableName") or engine._physical_name(stack, logical_id, max_len=255)
    if name in service._tables:
        raise ValueError(f"{name} already exists")
    request = {key: value for key, value in table.items() if key not in AFTERWARDS and value}
    body_of(service._create_table(request | {"TableName": name}))
    _apply(name, {}, table)
    return name, engine._ddb_attrs(service._tables[name]) | {"TableId": service._tables[name]["TableId"]}


def adopt(identifier: Json) -> Made:
    """Import a table that exists."""
    made: Made = engine._ddb_import(identifier)
    return made


def _update(kind: str, translate: Translate, name: str, old: Json, new: Json, stack: str, logical_id: str) -> Made:
    before, after = translate(old), translate(new)
    if any(before.get(key) != after.get(key) for key in REPLACING) and "TableName" not in after:
        # The engine would delete the table first and take its name for the new one.
        replaced: Made = engine._replace_resource(kind, name, old, new, stack, logical_id)
        return replaced
    if name not in service._tables:
        raise ValueError(f"Resource of type '{kind}' with identifier '{name}' was not found.")
    check_billing(old, new)
    check_replicas(old, new)
    check_indexes(before, after)
    made: Made = engine._ddb_update(name, before, after, stack, logical_id)
    if made[0] == name:
        _apply(name, before, after)
        _update_rest(name, before, after)
    return made[0], made[1] | {"TableId": service._tables[made[0]]["TableId"]}


def delete(name: str, props: Json) -> None:
    """Delete a table, unless it is protected."""
    if name in service._tables:
        # Those of other regions are in the template alone.
        others = (replica for replica in props.get("Replicas", []) if replica["Region"] != get_region())
        if any(replica.get("DeletionProtectionEnabled") for replica in others):
            raise ValueError(PROTECTED)
        body_of(service._delete_table({"TableName": name}))


def _apply(name: str, before: Json, after: Json) -> None:
    """Change the settings that have API calls of their own."""
    recovery = after.get(RECOVERY) or {}
    if recovery != (before.get(RECOVERY) or {}):
        wanted = recovery or {"PointInTimeRecoveryEnabled": False}
        days = {DAYS: int(wanted[DAYS])} if DAYS in wanted else {}  # a parameter's value is a text
        body_of(service._update_continuous_backups({"TableName": name, RECOVERY: wanted | days}))
    old_expiry, expiry = before.get(EXPIRY) or {}, after.get(EXPIRY) or {}
    # Where it is off, a GlobalTable need not name the attribute; the API has to.
    wanted = {"Enabled": False} | {key: value for key, value in old_expiry.items() if key != "Enabled"} | expiry
    if expiry != old_expiry and "AttributeName" in wanted:
        body_of(service._update_ttl({"TableName": name, EXPIRY: wanted}))


def _update_rest(name: str, before: Json, after: Json) -> None:
    """UpdateTable for settings that the engine's own update ignores."""
    defaults: Json = {"TableClass": "STANDARD", "OnDemandThroughput": {}}
    changes = {
        key: after.get(key, default)
        for key, default in defaults.items()
        if before.get(key, default) != after.get(key, default)
    }
    if changes:
        body_of(service._update_table({"TableName": name} | changes))


# Properties with the same name in both types and in CreateTable.
SHARED = (*REPLACING, "TableName", "AttributeDefinitions", "BillingMode", EXPIRY)
# Properties that a GlobalTable has in its replica and a Table at its top.
OF_REPLICA = (RECOVERY, INSIGHTS, "DeletionProtectionEnabled", "Tags", "TableClass")
OF_TABLE = (*SHARED, *OF_REPLICA, "OnDemandThroughput", "ProvisionedThroughput")


def from_table(props: Json) -> Json:
    """The properties of an AWS::DynamoDB::Table, with specifications in the API's form."""
    table = {name: props[name] for name in OF_TABLE if name in props}
    table["GlobalSecondaryIndexes"] = props.get("GlobalSecondaryIndexes") or []
    table["Tags"] = _own_tags(table.get("Tags"))
    return table | _specifications(props, (props.get("SSESpecification") or {}))


def from_global_table(props: Json) -> Json:
    """The properties of an AWS::DynamoDB::GlobalTable, as those of its table in the stack's region.

    Raises ValueError when the table has no replica there.
    """
    region = get_region()
    replica = next((entry for entry in props.get("Replicas", []) if entry.get("Region") == region), None)
    if replica is None:
        raise ValueError(f"Replicas must include the stack's own region, {region}")
    table = {name: props[name] for name in SHARED if name in props}
    table |= {name: replica[name] for name in OF_REPLICA if name in replica}
    table |= _throughput(props, replica)
    of_replica = {index["IndexName"]: index for index in replica.get("GlobalSecondaryIndexes", [])}
    table["GlobalSecondaryIndexes"] = [
        {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
        | _throughput(index, of_replica.get(index["IndexName"], {}))
        for index in props.get("GlobalSecondaryIndexes") or []
    ]
    table["Tags"] = _own_tags(table.get("Tags"))
    encryption = (props.get("SSESpecification") or {}) | (replica.get("SSESpecification") or {})
    return table | _specifications(props, encryption)


def _own_tags(tags: list[Json] | None) -> list[Json]:
    """The tags without CloudFormation's own: the schemas say cloudFormationSystemTags: false."""
    return [tag for tag in tags or [] if not tag["Key"].startswith("aws:")]


def _throughput(props: Json, replica: Json) -> Json:
    """Capacity of a table or an index: fixed, the minimum of autoscaling, or on-demand maxima."""
    write = props.get("WriteProvisionedThroughputSettings") or {}
    read = replica.get("ReadProvisionedThroughputSettings") or {}
    units = {
        "ReadCapacityUnits": _capacity(read, "ReadCapacity"),
        "WriteCapacityUnits": _capacity(write, "WriteCapacity"),
    }
    maxima = (props.get("WriteOnDemandThroughputSettings") or {}) | (
        replica.get("ReadOnDemandThroughputSettings") or {}
    )
    found: Json = {"ProvisionedThroughput": units} if all(units.values()) else {}
    if maxima:
        found["OnDemandThroughput"] = {name: int(value) for name, value in maxima.items()}
    return found


def _capacity(settings: Json, prefix: str) -> int | None:
    scaling = settings.get(f"{prefix}AutoScalingSettings") or {}
    units = settings.get(f"{prefix}Units") or scaling.get("MinCapacity")
    return None if units is None else int(units)


def _specifications(props: Json, encryption: Json) -> Json:
    """Stream and encryption: CloudFormation names their switches otherwise or leaves them out."""
    found: Json = {}
    if props.get("StreamSpecification"):
        view = props["StreamSpecification"]["StreamViewType"]
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    if encryption.get("SSEEnabled"):
        kept = {name: encryption[name] for name in ("SSEType", "KMSMasterKeyId") if name in encryption}
        found["SSESpecification"] = {"Enabled": True} | kept
    return found


def check_indexes(before: Json, after: Json) -> None:
    """Raise ValueError for changes of indexes that DynamoDB does not make.

    Source: aws-cdk#12246 and cloudformation-coverage-roadmap#881 (one index at a time).
    """
    old, new = ({index["IndexName"] for index in table["GlobalSecondaryIndexes"]} for table in (before, after))
    if len(old ^ new) > 1:
        raise ValueError("Cannot perform more than one GSI creation or deletion in a single update")


def check_billing(before: Json, after: Json) -> None:
    """Raise ValueError for another billing mode of a global table without its seed capacity.

    The mode that is provisioned has to have it: the new one for the switch, the old one for the
    rollback of a switch to on demand.

    Source: CloudFormation reference, CapacityAutoScalingSettings, SeedCapacity; the text for OnDemand from
    aws-cdk#27735 and https://qiita.com/kosei/items/ca5bd4c5e02258269357, the other is published nowhere.
    """
    old, new = (table.get("BillingMode", "PROVISIONED") for table in (before, after))
    if (old, new) == ("PROVISIONED", "PAY_PER_REQUEST") and _lacks_seed_capacity(before):
        raise ValueError(
            "Invalid request provided: When switching billing mode to OnDemand, the previous "
            "template must specify a value for all autoscaled resources, so that Cloudformation "
            "can rollback if needed."
        )
    if (old, new) == ("PAY_PER_REQUEST", "PROVISIONED") and _lacks_seed_capacity(after):
        raise ValueError(
            "Invalid request provided: When switching billing mode to Provisioned, SeedCapacity "
            "must be specified for all autoscaled resources."
        )


def check_replicas(before: Json, after: Json) -> None:
    """Raise ValueError for changes of replicas that a global table does not take.

    Sources: CloudFormation reference, AWS::DynamoDB::GlobalTable, Replicas (one in each update;
    the text is published nowhere); DynamoDB guide, best practices for global tables (deletion
    protection is each replica's own).
    """
    old, new = ({replica["Region"]: replica for replica in table.get("Replicas", [])} for table in (before, after))
    if len(old.keys() ^ new.keys()) > 1:
        raise ValueError("Only one replica can be added or deleted in a single update")
    if any(old[region].get("DeletionProtectionEnabled") for region in old.keys() - new.keys()):
        raise ValueError(PROTECTED)


def _lacks_seed_capacity(value: object) -> bool:
    """Whether anything in ``value`` is scaled and has no seed capacity."""
    if isinstance(value, Mapping):
        if "MaxCapacity" in value:
            return "SeedCapacity" not in value
        return any(map(_lacks_seed_capacity, value.values()))
    return isinstance(value, list) and any(map(_lacks_seed_capacity, value))


# The handlers of both types.
create_table = partial(unique, partial(_create_translated, from_table), name="TableName")
create_global_table = partial(unique, partial(_create_translated, from_global_table), name="TableName")
update_table = partial(_update, TABLE, from_table)
update_global_table = partial(_update, GLOBAL_TABLE, from_global_table)
GLOBAL_TABLES = named(GLOBAL_TABLE, "TableName", service._tables)
