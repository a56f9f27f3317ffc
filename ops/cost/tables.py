"""The table of a template, as far as it decides what the table costs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.errors import OpsError

TABLE_TYPES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
# What Application Auto Scaling is told, where the template says nothing else.
TARGET = 0.7

Properties = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Provisioned units: fixed, or scaled so that ``target`` of them is used."""

    minimum: int
    maximum: int
    target: float = TARGET
    scaled: bool = False


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index; its throughput is None on demand."""

    name: str
    keys: tuple[str, ...]
    projection: str
    attributes: tuple[str, ...]
    read: Throughput | None
    write: Throughput | None


@dataclass(frozen=True, kw_only=True)
class Replica:
    """The table in one region; None is the region that the stack is deployed to."""

    region: str | None
    recovery: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; ``expires`` when DynamoDB deletes old items by itself."""

    id: str
    keys: tuple[str, ...]
    read: Throughput | None
    write: Throughput | None
    indexes: tuple[Index, ...]
    replicas: tuple[Replica, ...]
    expires: bool

    @property
    def on_demand(self) -> bool:
        """Whether requests are paid, not capacity."""
        return self.write is None

    def home(self, known: str | None) -> str | None:
        """The region of the table's stack: the ``known`` one, or that of a replica that is alone.

        None where the template leaves it to the deployment. Raises OpsError where
        several replicas are elsewhere: the table's stack has one in its own region.
        """
        named = [replica.region or known for replica in self.replicas]
        if len(named) == 1:
            return known or named[0]
        if known not in named:
            where = " and ".join(str(region) for region in named)
            raise OpsError(f"the table has replicas in {where}; say which of them is its stack's: --region")
        return known

    def regions(self, home: str) -> list[tuple[str, Replica]]:
        """Every replica with its region, that of the stack's own, ``home``, first."""
        if len(self.replicas) == 1:
            return [(home, self.replicas[0])]
        found = [(replica.region or home, replica) for replica in self.replicas]
        return sorted(found, key=lambda one: one[0] != home)


def table_of(id: str, resource: Properties) -> Table:
    """The table that a resource of one of TABLE_TYPES makes.

    Raises OpsError for a capacity that only the deployment will know.
    """
    properties: Properties = resource.get("Properties", {})
    local = resource["Type"] == TABLE_TYPES[1]
    replicas = [properties] if local else properties.get("Replicas", [{}])
    on_demand = properties.get("BillingMode") == "PAY_PER_REQUEST"
    read, write = (None, None) if on_demand else _throughput(id, properties, replicas[0])
    return Table(
        id=id,
        keys=_keys(properties),
        read=read,
        write=write,
        indexes=tuple(_indexes(id, properties, replicas[0], on_demand)),
        replicas=tuple(_replica(replica, local) for replica in replicas),
        expires=bool(properties.get("TimeToLiveSpecification", {}).get("Enabled")),
    )


def _keys(properties: Properties) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in properties.get("KeySchema", []))


def _replica(properties: Properties, local: bool) -> Replica:
    region = None if local else properties.get("Region")
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    return Replica(
        region=region if isinstance(region, str) else None, recovery=bool(recovery.get("PointInTimeRecoveryEnabled"))
    )


def _indexes(id: str, properties: Properties, replica: Properties, on_demand: bool) -> Iterator[Index]:
    of_replica = {one.get("IndexName"): one for one in replica.get("GlobalSecondaryIndexes", [])}
    for index in properties.get("GlobalSecondaryIndexes", []):
        name = index["IndexName"]
        read, write = (None, None) if on_demand else _throughput(f"{id}, index {name}", index, of_replica.get(name, {}))
        projection = index.get("Projection", {})
        yield Index(
            name=name,
            keys=_keys(index),
            projection=projection.get("ProjectionType", "KEYS_ONLY"),
            attributes=tuple(projection.get("NonKeyAttributes", [])),
            read=read,
            write=write,
        )


def _throughput(where: str, properties: Properties, replica: Properties) -> tuple[Throughput, Throughput]:
    """Read and write capacity, where a table and where a replica of a global one has them."""
    if "ProvisionedThroughput" in properties:
        both = properties["ProvisionedThroughput"]
        return _fixed(where, both, "ReadCapacityUnits"), _fixed(where, both, "WriteCapacityUnits")
    read = replica.get("ReadProvisionedThroughputSettings", {})
    write = properties.get("WriteProvisionedThroughputSettings", {})
    return _setting(where, read, "Read"), _setting(where, write, "Write")


def _setting(where: str, settings: Properties, kind: str) -> Throughput:
    scaling = settings.get(f"{kind}CapacityAutoScalingSettings")
    if scaling is None:
        return _fixed(where, settings, f"{kind}CapacityUnits")
    tracked = scaling.get("TargetTrackingScalingPolicyConfiguration", {})
    return Throughput(
        minimum=_number(where, scaling, "MinCapacity"),
        maximum=_number(where, scaling, "MaxCapacity"),
        target=_number(where, {"TargetValue": 100 * TARGET, **tracked}, "TargetValue") / 100,
        scaled=True,
    )


def _fixed(where: str, settings: Properties, name: str) -> Throughput:
    units = _number(where, settings, name)
    return Throughput(minimum=units, maximum=units)


def _number(where: str, settings: Properties, name: str) -> int:
    value = settings.get(name)
    try:
        return int(value)  # type: ignore[arg-type]  # what else it may be, int refuses
    except (TypeError, ValueError):
        raise OpsError(f"{name} of {where} is {value!r}; the estimate needs a whole number there") from None
