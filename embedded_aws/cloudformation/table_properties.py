"""From the properties of a CloudFormation table to those of DynamoDB's CreateTable.

Pure. AWS::DynamoDB::GlobalTable keeps per replica what AWS::DynamoDB::Table keeps at its top
(registry schemas of both types); only the replica of the stack's own region exists here.
"""

from embedded_aws.replies import Json

# What both types and CreateTable call by the same name.
SHARED = (
    "TableName",
    "KeySchema",
    "AttributeDefinitions",
    "BillingMode",
    "LocalSecondaryIndexes",
    "TimeToLiveSpecification",
)
# What a GlobalTable keeps in its replica and a Table at its top.
OF_REPLICA = (
    "PointInTimeRecoverySpecification",
    "DeletionProtectionEnabled",
    "ContributorInsightsSpecification",
    "Tags",
    "TableClass",
)
OF_TABLE = (*SHARED, *OF_REPLICA, "OnDemandThroughput", "ProvisionedThroughput")


def from_table(props: Json) -> Json:
    """The properties of an AWS::DynamoDB::Table, with specifications in the API's form."""
    table = {name: props[name] for name in OF_TABLE if name in props}
    table["GlobalSecondaryIndexes"] = props.get("GlobalSecondaryIndexes") or []
    table["Tags"] = _own(table.get("Tags"))
    return table | _specifications(props, (props.get("SSESpecification") or {}))


def from_global_table(props: Json, region: str) -> Json:
    """The properties of an AWS::DynamoDB::GlobalTable, as those of its table in ``region``.

    Raises ValueError when the table has no replica there.
    """
    replicas = [entry for entry in props.get("Replicas", []) if entry.get("Region") == region]
    if not replicas:
        raise ValueError(f"Replicas must include the stack's own region, {region}")
    replica = replicas[0]
    table = {name: props[name] for name in SHARED if name in props}
    table |= {name: replica[name] for name in OF_REPLICA if name in replica}
    table |= _throughput(props, replica)
    of_replica = {index["IndexName"]: index for index in replica.get("GlobalSecondaryIndexes", [])}
    table["GlobalSecondaryIndexes"] = [
        _index(index, of_replica.get(index["IndexName"], {})) for index in props.get("GlobalSecondaryIndexes") or []
    ]
    table["Tags"] = _own(table.get("Tags"))
    encryption = (props.get("SSESpecification") or {}) | (replica.get("SSESpecification") or {})
    return table | _specifications(props, encryption)


def _own(tags: list[Json] | None) -> list[Json]:
    """The tags without CloudFormation's own: the schemas say cloudFormationSystemTags: false."""
    return [tag for tag in tags or [] if not tag["Key"].startswith("aws:")]


def _index(index: Json, replica: Json) -> Json:
    named = {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
    return named | _throughput(index, replica)


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
    found: Json = {}
    if all(units.values()):
        found["ProvisionedThroughput"] = units
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
