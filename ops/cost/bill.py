"""What a stage is billed for in a month under a load: quantities, not yet priced. Pure.

The units of a message are read off the items of the data model. It is put once; then the function that reads the stream
looks at the newest message, updates the lists of both participants, and the index with them, and looks again.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cli.errors import OpsError
from model.messages import item_bytes
from ops import template
from ops.cost.load import Image, Load, index_units, membership, message, read_units, stored_bytes, write_units
from ops.cost.prices import DAYS, GB, HOURS
from ops.template import TABLE_TYPES, Properties, Stacks, StackTemplate, Throughput, runs_a_day, throughputs

# Where neither the caller nor the template names one.
REGION = "us-east-1"
PAGE = 20  # entries that `python -m chat` shows of a list and of a conversation
_DAY_SECONDS = 86_400
# Assumed for the stream's function: four requests to DynamoDB, one after the other.
FUNCTION_SECONDS = 0.06
# START, END, REPORT and one line of its own, each with CloudWatch's 26 bytes.
LOG_BYTES = 600
# DynamoDB asks KMS every five minutes for the key of a table in use, for each caller
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
_KEY_SECONDS, _KEY_CALLERS = 300, 2
# For each capacity: consumption and capacity, too high and too low
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html).
_SCALING_ALARMS = 4
Units = Mapping[template.CapacityKey, float]


@dataclass(frozen=True, kw_only=True)
class BilledStage:
    """The ``stack`` that has the table, and the ``others`` of its stage.

    ``home`` is the region of the table's stack, or REGION where only the deployment knows it;
    ``replicas`` say for each region, home first, whether it has point-in-time recovery;
    ``throughputs`` are empty on demand; ``readers`` are the functions that read the table's stream.
    """

    stack: StackTemplate
    others: tuple[StackTemplate, ...]
    home: str
    is_placed: bool
    replicas: Mapping[str, bool]
    indexes: Mapping[str, tuple[str, ...]]
    throughputs: Mapping[template.CapacityKey, Throughput]
    readers: tuple[Properties, ...]
    points: tuple[template.KeptPoints, ...]
    restore_tests_a_day: float


class Used(NamedTuple):
    """One line of the bill: how much of ``price``, a name in prices.yaml; ``region`` None: that of its stack."""

    item: str
    quantity: float
    price: str
    region: str | None = None


def read(stacks: Stacks, *, region: str | None = None) -> BilledStage:
    """What a stage deployed to ``region``, or to the one that it names, is billed for.

    Raises OpsError unless there is one table with a replica there, and for values that only the deployment knows.
    """
    tables = [(stack, id) for stack in stacks for id, one in stack.resources.items() if one["Type"] in TABLE_TYPES]
    if len(tables) != 1:
        raise OpsError(f"the template has {len(tables)} DynamoDB tables; the estimate is for one")
    ((main, id),) = tables
    table = main.resources[id].get("Properties", {})
    replicas = table.get("Replicas", [table])
    known = region or main.region
    regions = [one["Region"] if isinstance(one.get("Region"), str) else known for one in replicas]
    if len(regions) == 1:
        regions = [known := known or regions[0]]
    if known not in regions:
        where = " and ".join(map(str, regions))
        raise OpsError(f"the table has replicas in {where}; pass --region with the region of its stack")
    home = known or REGION
    recovery = [one.get("PointInTimeRecoverySpecification", {}) for one in replicas]
    has_recovery = (bool(one.get("PointInTimeRecoveryEnabled")) for one in recovery)
    by_region = dict(zip([one or home for one in regions], has_recovery, strict=True))
    indexes = {one["IndexName"]: one["KeySchema"] for one in table.get("GlobalSecondaryIndexes", [])}
    # Each selection of the plan restores one recovery point whenever the plan runs.
    tests = [runs_a_day(one["ScheduleExpression"]) for one in main.properties_of("AWS::Backup::RestoreTestingPlan")]
    return BilledStage(
        stack=main,
        others=tuple(one for one in stacks if one is not main),
        home=home,
        is_placed=known is not None,
        replicas={home: by_region[home]} | by_region,
        indexes={name: tuple(key["AttributeName"] for key in keys) for name, keys in indexes.items()},
        throughputs=throughputs(table),
        readers=tuple(
            main.referred(mapping["FunctionName"])
            for mapping in main.properties_of("AWS::Lambda::EventSourceMapping")
            if mapping.get("EventSourceArn") == {"Fn::GetAtt": [id, "StreamArn"]}
        ),
        points=tuple(template.kept_points(main)),
        restore_tests_a_day=sum(tests) * len(main.properties_of("AWS::Backup::RestoreTestingSelection")),
    )


def per_message(stage: BilledStage, load: Load) -> Units:
    """The units of one message in an existing conversation."""
    body, lists = load.message_bytes, bool(stage.readers)
    size, entry = item_bytes(message(body)), membership(body)
    writes: list[tuple[Image, Image]] = [(None, message(body))]
    writes += 2 * [(entry, membership(body, minute=1))] if lists else []
    history = load.reads_per_message * read_units(PAGE * size, consistent=True)
    looks = 2 * read_units(size, consistent=True) if lists else 0  # of the stream's function
    units = {("", "write"): float(sum(write_units(*images) for images in writes)), ("", "read"): history + looks}
    page = read_units(PAGE * item_bytes(entry), consistent=False) if lists else 0
    for name, keys in stage.indexes.items():
        units[name, "write"] = sum(index_units(*images, keys) for images in writes)
        units[name, "read"] = load.reads_per_message * page
    return units


def total(units: Units, kind: str) -> float:
    """The units of the table and its indexes to "write" or to "read"."""
    return sum(used for (_, one), used in units.items() if one == kind)


def peak(units: float, load: Load) -> float:
    """Units a second in the busy part of the day, from ``units`` for each message."""
    return units * load.messages_per_day / _DAY_SECONDS * load.peak_factor


def _unit_hours(capacity: Throughput, units: float, load: Load) -> float:
    """Scaled capacity follows the load without delay, down to its minimum in the quiet hours."""
    if capacity.target is None:
        return capacity.minimum * HOURS
    busy = min(max(peak(units, load) / capacity.target, capacity.minimum), capacity.maximum)
    share = 1 / load.peak_factor
    return HOURS * (busy * share + capacity.minimum * (1 - share))


def _gb(stage: BilledStage, load: Load, day: float, *, indexes: bool = False) -> float:
    """The size of the table ``day`` days after the load began, without its indexes or with them."""
    lists = load.lists(day) if stage.readers else 0
    size = 0.0
    for count, item in ((load.stored(day), message(load.message_bytes)), (lists, membership(load.message_bytes))):
        entries = sum(set(keys) <= item.keys() for keys in stage.indexes.values()) if indexes else 0
        size += count * stored_bytes(item) * (1 + entries)
    return size / GB


def own_items(stage: BilledStage, load: Load) -> Iterator[Used]:
    """What the table's stack is billed for."""
    yield from _table_items(stage, load)
    yield from _backup_items(stage, load)
    yield from _function_items(stage, load)
    scaled = sum(one.target is not None for one in stage.throughputs.values())
    yield from fixed_items(stage.stack, load, scaling_alarms=_SCALING_ALARMS * scaled * len(stage.replicas))
    if stage.stack.properties_of("AWS::KMS::Key"):
        asked = min(DAYS * _DAY_SECONDS / _KEY_SECONDS, load.messages)
        yield Used("customer key, requests", _KEY_CALLERS * asked, "key_request")


def _table_items(stage: BilledStage, load: Load) -> Iterator[Used]:
    """Requests or capacity, storage and recovery in each of the table's regions."""
    units = per_message(stage, load)
    for region, has_recovery in stage.replicas.items():
        for kind in ("write", "read"):
            if stage.throughputs:
                capacities = [(one, units[key]) for key, one in stage.throughputs.items() if key[1] == kind]
                hours = (_unit_hours(one, each, load) for one, each in capacities)
                yield Used(f"{kind} capacity", sum(hours), f"{kind}_capacity", region)
            else:  # users read in one region
                asked = total(units, kind) if kind == "write" or region == stage.home else 0
                yield Used(f"{kind}s on demand", asked * load.messages, f"{kind}_request", region)
        yield Used("table and indexes stored", _gb(stage, load, load.days, indexes=True), "storage", region)
        if has_recovery:
            yield Used("point-in-time recovery", _gb(stage, load, load.days), "recovery", region)
    if len(stage.replicas) > 1:
        lists = 2 * item_bytes(membership(load.message_bytes)) if stage.readers else 0
        written = load.messages * (item_bytes(message(load.message_bytes)) + lists) / GB
        yield Used("replication", written * (len(stage.replicas) - 1), "transfer")


def _backup_items(stage: BilledStage, load: Load) -> Iterator[Used]:
    """What the plan keeps and copies, each point as large as the table was on its day, and what the tests restore."""
    for points in stage.points:
        last = load.days if points.days is None else min(points.days, load.days)
        sizes = (_gb(stage, load, load.days - age) for age in range(math.ceil(last)))
        yield Used(points.item, points.runs_a_day * sum(sizes), "backup_warm", points.region)
        if points.is_copy:
            copied = points.runs_a_day * DAYS * _gb(stage, load, load.days)
            yield Used(f"{points.item}, transfer", copied, "transfer")
    tests = stage.restore_tests_a_day * DAYS
    if tests and stage.points:
        yield Used("restore tests", tests, "restore_test")
        yield Used("restored by the tests", tests * _gb(stage, load, load.days, indexes=True), "restore")


def _function_items(stage: BilledStage, load: Load) -> Iterator[Used]:
    """The runs and the logs of the functions that read the stream: at most one run for every message."""
    for function in stage.readers:
        group = stage.stack.referred(function.get("LoggingConfig", {}).get("LogGroup", {}))
        months = min(group.get("RetentionInDays", load.days), load.days) / DAYS
        seconds = load.messages * FUNCTION_SECONDS * int(function.get("MemorySize", 128)) / 1024
        written = load.messages * LOG_BYTES / GB
        is_arm = "arm64" in function.get("Architectures", [])
        yield Used("stream function, requests", load.messages, "function_request")
        yield Used("stream function, time", seconds, "function_arm" if is_arm else "function_x86")
        yield Used("logs written", written, "log_ingestion")
        yield Used("logs kept", written * months, "log_storage")


def fixed_items(stack: StackTemplate, load: Load, *, scaling_alarms: int = 0) -> Iterator[Used]:
    """What a stack is billed for under any load: keys, alarms and dashboards.

    A key, as old as the load, costs more after its first two rotations, by the hour; later ones
    cost nothing (https://aws.amazon.com/kms/pricing/).
    """
    keys = stack.properties_of("AWS::KMS::Key")
    periods = [key.get("RotationPeriodInDays", 365) for key in keys if key.get("EnableKeyRotation")]
    rotations = [min(1.0, max(0.0, (load.days - n * days) / DAYS)) for days in periods for n in (1, 2)]
    # An alarm is billed for each metric that it watches (https://aws.amazon.com/cloudwatch/pricing/).
    watched = [one.get("Metrics", []) for one in stack.properties_of("AWS::CloudWatch::Alarm")]
    metrics = sum(sum("MetricStat" in query for query in queries) or 1 for queries in watched)
    for item, count, price in (
        ("customer key", len(keys), "key"),
        ("customer key, rotations", sum(rotations), "key_rotation"),
        ("alarms", scaling_alarms + metrics, "alarm"),
        ("dashboards", len(stack.properties_of("AWS::CloudWatch::Dashboard")), "dashboard"),
    ):
        if count:
            yield Used(item, count, price)
