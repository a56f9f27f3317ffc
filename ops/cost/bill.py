"""What a stage is billed for in a month under a load: quantities, not yet priced. Pure.

The units of a message are read off the items of the data model. It is put once; then the
function that reads the stream looks at the newest message, updates the lists of both
participants, and the index with them, and looks again.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cli.errors import OpsError
from model.messages import item_bytes
from ops.cost.load import Image, Load, entry, index_units, membership, message, read_units, stored_bytes, write_units
from ops.cost.prices import DAYS, GB, HOURS, NOT_BILLED
from ops.template import (
    TABLE_TYPES,
    BackupRule,
    Retention,
    Stacks,
    StackTemplate,
    TableDefinition,
    Throughput,
    backup_rules,
    runs_a_day,
    table_definition,
)

PAGE = 20  # entries that `python -m chat` shows of a list and of a conversation
DAY_SECONDS = 86_400
# Assumed for the stream's function: four requests to DynamoDB, one after the other.
FUNCTION_SECONDS = 0.06
# START, END, REPORT and one line of its own, each with CloudWatch's 26 bytes.
LOG_BYTES = 600
_RECORDS = 3  # of the stream for one message: itself and two lists
_LOOKS = 2  # of the stream's function at the newest message
# DynamoDB asks KMS every five minutes for the key of a table in use, for each caller
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
_KEY_SECONDS, _KEY_CALLERS = 300, 2
# Application Auto Scaling keeps four alarms for each capacity that it scales: too high and
# too low, consumption and capacity
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html).
_SCALING_ALARMS = 4
Units = dict[tuple[str, str], float]  # by capacity key: the table ("") or an index, "write" or "read"


@dataclass(frozen=True, kw_only=True)
class StreamReader:
    """A Lambda function that reads the table's stream; its log is kept for ``log_days``, or for ever.

    ``filtered``: it gets the records of messages alone, not those of the lists that it writes.
    """

    memory_mib: int
    arm: bool
    filtered: bool
    log_days: float | None


@dataclass(frozen=True, kw_only=True)
class BilledStage:
    """The ``stack`` that has the table, and the ``others`` of its stage.

    Copies are counted with the plan that makes them, whichever stack has their vault.
    ``home`` is the region of the table's stack, None where only the deployment knows it.
    """

    stack: StackTemplate
    others: tuple[StackTemplate, ...]
    home: str | None
    table: TableDefinition
    readers: tuple[StreamReader, ...]
    rules: tuple[BackupRule, ...]
    restore_tests_a_day: float


class Used(NamedTuple):
    """One line of the bill: how much of ``price``, a name in prices.yaml; ``region`` None: at home."""

    item: str
    quantity: float
    price: str
    region: str | None = None


def read(stacks: Stacks, *, region: str | None = None) -> BilledStage:
    """What a stage deployed to ``region``, or to the one that it names, is billed for.

    Raises OpsError unless there is one table, for values that only the deployment will know,
    and for replicas none of which is in the region.
    """
    tables = [(stack, id) for stack in stacks for id, one in stack.resources.items() if one["Type"] in TABLE_TYPES]
    if len(tables) != 1:
        raise OpsError(f"the template has {len(tables)} DynamoDB tables; the estimate is for one")
    ((main, id),) = tables
    table = table_definition(id, main.resources[id])
    home = table.home(region or main.region)
    plans = main.properties_of("AWS::Backup::BackupPlan")
    tests = [runs_a_day(one["ScheduleExpression"]) for one in main.properties_of("AWS::Backup::RestoreTestingPlan")]
    return BilledStage(
        stack=main,
        others=tuple(one for one in stacks if one is not main),
        home=home,
        table=table,
        readers=tuple(_readers(main, id)),
        rules=tuple(rule for plan in plans for rule in backup_rules(plan, home)),
        # Each selection of the plan restores one recovery point whenever the plan runs.
        restore_tests_a_day=sum(tests) * len(main.properties_of("AWS::Backup::RestoreTestingSelection")),
    )


def _readers(stack: StackTemplate, table: str) -> Iterator[StreamReader]:
    for mapping in stack.properties_of("AWS::Lambda::EventSourceMapping"):
        if mapping.get("EventSourceArn") == {"Fn::GetAtt": [table, "StreamArn"]}:
            function = stack.referred(mapping["FunctionName"])
            yield StreamReader(
                memory_mib=int(function.get("MemorySize", 128)),
                arm="arm64" in function.get("Architectures", []),
                filtered=bool(mapping.get("FilterCriteria", {}).get("Filters")),
                log_days=stack.referred(function.get("LoggingConfig", {}).get("LogGroup")).get("RetentionInDays"),
            )


def per_message(stage: BilledStage, load: Load) -> Units:
    """The units of one message in an existing conversation."""
    table, body = stage.table, load.message_bytes
    size = item_bytes(message(body))
    writes: list[tuple[Image, Image]] = [(None, message(body))]
    if stage.readers:
        writes += 2 * [(membership(body), membership(body, later=True))]
    history = load.reads_per_message * read_units(PAGE * size, consistent=True)
    units: Units = {
        ("", "write"): sum(write_units(*images) for images in writes),
        ("", "read"): history + (_LOOKS * read_units(size, consistent=True) if stage.readers else 0),
    }
    for index in table.indexes:
        entries = ([entry(table, index, image) for image in images] for images in writes)
        units[index.name, "write"] = sum(index_units(old, new, index.keys) for old, new in entries)
        listed = entry(table, index, membership(body)) if stage.readers else None
        page = read_units(PAGE * item_bytes(dict(listed)), consistent=False) if listed else 0
        units[index.name, "read"] = load.reads_per_message * page
    return units


def in_a_month(stage: BilledStage, load: Load) -> Units:
    """The units of a month."""
    return {key: each * load.messages for key, each in per_message(stage, load).items()}


def total(units: Units, kind: str) -> float:
    """The units of the table and its indexes to "write" or to "read"."""
    return sum(used for (_, one), used in units.items() if one == kind)


def peak(units: float, load: Load) -> float:
    """Units a second in the busy part of the day, from ``units`` a month."""
    return units / DAYS / DAY_SECONDS * load.peak_factor


def _unit_hours(capacity: Throughput, units: float, load: Load) -> float:
    """Scaled capacity follows the load without delay, down to its minimum in the quiet hours."""
    if not capacity.scaled:
        return capacity.minimum * HOURS
    busy = min(max(peak(units, load) / capacity.target, capacity.minimum), capacity.maximum)
    share = 1 / load.peak_factor
    return HOURS * (busy * share + capacity.minimum * (1 - share))


def _table_gb(stage: BilledStage, load: Load, day: float) -> float:
    """GB of the table ``day`` days after the load began, without its indexes."""
    messages = load.stored(day) * stored_bytes(message(load.message_bytes))
    lists = load.lists(day) * stored_bytes(membership(load.message_bytes)) if stage.readers else 0
    return (messages + lists) / GB


def _indexes_gb(stage: BilledStage, load: Load) -> float:
    """GB of the table's indexes at the end."""
    held = [(load.stored(load.days), message(load.message_bytes))]
    if stage.readers:
        held.append((load.lists(load.days), membership(load.message_bytes)))
    entries = ((count, entry(stage.table, index, item)) for index in stage.table.indexes for count, item in held)
    return sum(count * stored_bytes(entry) for count, entry in entries) / GB


def own_items(stage: BilledStage, load: Load, home: str) -> Iterator[Used]:
    """What the table's stack is billed for."""
    yield from _table_items(stage, load, home)
    yield from _backup_items(stage, load)
    yield from _function_items(stage, load)
    scaled = sum(one.scaled for one in stage.table.throughputs.values())
    yield from fixed_items(stage.stack, load, scaling_alarms=_SCALING_ALARMS * scaled * len(stage.table.replicas))
    if stage.stack.properties_of("AWS::KMS::Key"):
        asked = min(DAYS * DAY_SECONDS / _KEY_SECONDS, load.messages)
        yield Used("customer key, requests", _KEY_CALLERS * asked, "key_request")


def _table_items(stage: BilledStage, load: Load, home: str) -> Iterator[Used]:
    """Requests or capacity, storage and recovery in each of the table's regions."""
    table, units = stage.table, in_a_month(stage, load)
    size = _table_gb(stage, load, load.days)
    for region, replica in table.regions(home):
        if table.throughputs:
            for kind in ("write", "read"):
                capacities = [(one, units[key]) for key, one in table.throughputs.items() if key[1] == kind]
                hours = sum(_unit_hours(one, used, load) for one, used in capacities)
                yield Used(f"{kind} capacity", hours, f"{kind}_capacity", region)
        else:
            yield Used("writes on demand", total(units, "write"), "write_request", region)
            # People read in one region.
            yield Used("reads on demand", total(units, "read") if region == home else 0, "read_request", region)
        yield Used("table and indexes stored", size + _indexes_gb(stage, load), "storage", region)
        if replica.recovery:
            yield Used("point-in-time recovery", size, "recovery", region)
    if len(table.replicas) > 1:
        body = load.message_bytes
        lists = 2 * item_bytes(membership(body)) if stage.readers else 0
        written = load.messages * (item_bytes(message(body)) + lists) / GB
        yield Used("replication", written * (len(table.replicas) - 1), "transfer")


def _backup_items(stage: BilledStage, load: Load) -> Iterator[Used]:
    """What the backup plan keeps and copies, and what the restore tests restore.

    Tests are billed by the recovery point: without a rule there is nothing to test.
    """
    size = _table_gb(stage, load, load.days)
    for rule in stage.rules:
        yield _points(stage, load, rule, rule.kept, f"backups, {rule.name}")
        for copy in rule.copies:
            yield _points(stage, load, rule, copy, f"copies, {rule.name}")
            if copy.elsewhere:
                yield Used(f"copies, {rule.name}, on the way", rule.runs_a_day * DAYS * size, "transfer")
    tests = stage.restore_tests_a_day * DAYS
    if tests and stage.rules:
        yield Used("restore tests", tests, "restore_test")
        yield Used("restored by the tests", tests * (size + _indexes_gb(stage, load)), "restore")


def _points(stage: BilledStage, load: Load, rule: BackupRule, kept: Retention, item: str) -> Used:
    """A rule's recovery points at the end of the last month, each as large as the table was on its day."""
    last = load.days if kept.days is None else min(kept.days, load.days)
    sizes = (rule.runs_a_day * _table_gb(stage, load, load.days - age) for age in range(math.ceil(last)))
    return Used(item, sum(sizes), "backup_warm", kept.region)


def _function_items(stage: BilledStage, load: Load) -> Iterator[Used]:
    """The runs and the logs of the functions that read the stream: at most one run for every record."""
    for one in stage.readers:
        runs = load.messages * (1 if one.filtered else _RECORDS)
        months = min(one.log_days or load.days, load.days) / DAYS
        price = "function_arm" if one.arm else "function_x86"
        yield Used("stream function, requests", runs, "function_request")
        yield Used("stream function, time", runs * FUNCTION_SECONDS * one.memory_mib / 1024, price)
        yield Used("logs written", runs * LOG_BYTES / GB, "log_ingestion")
        yield Used("logs kept", runs * months * LOG_BYTES / GB, "log_storage")


def fixed_items(stack: StackTemplate, load: Load, *, scaling_alarms: int = 0) -> Iterator[Used]:
    """What a stack is billed for under any load: keys, alarms and dashboards.

    A key, as old as the load, costs more after its first two rotations, by the hour; later ones
    cost nothing (https://aws.amazon.com/kms/pricing/).
    """
    keys = stack.properties_of("AWS::KMS::Key")
    periods = [key.get("RotationPeriodInDays", 365) for key in keys if key.get("EnableKeyRotation") in (True, "true")]
    rotations = [min(1.0, max(0.0, (load.days - n * float(days)) / DAYS)) for days in periods for n in (1, 2)]
    # An alarm is billed for each metric that it watches (https://aws.amazon.com/cloudwatch/pricing/).
    watched = [one.get("Metrics", []) for one in stack.properties_of("AWS::CloudWatch::Alarm")]
    metrics = sum(sum("MetricStat" in query for query in queries) or 1 for queries in watched)
    for item, count, price in (
        ("customer key", len(keys + stack.properties_of("AWS::KMS::ReplicaKey")), "key"),
        ("customer key, rotations", sum(rotations), "key_rotation"),
        ("alarms", scaling_alarms + metrics, "alarm"),
        ("dashboards", len(stack.properties_of("AWS::CloudWatch::Dashboard")), "dashboard"),
    ):
        if count:
            yield Used(item, count, price)


def not_priced(stack: StackTemplate) -> list[tuple[str, int]]:
    """The types that the estimate does not know, with their numbers of resources."""
    kinds = Counter(resource["Type"] for resource in stack.resources.values())
    return sorted((kind, count) for kind, count in kinds.items() if not NOT_BILLED.fullmatch(kind))
