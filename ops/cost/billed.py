"""What a stack is billed for under a load: quantities and their prices. Pure."""

from collections.abc import Iterator

from ops.cost import capacity, storage, traffic
from ops.cost.load import Load
from ops.cost.plans import Kept, Rule
from ops.cost.prices import DAYS, GB, Price, Prices, is_known, prices
from ops.cost.standing import Standing
from ops.cost.template import Other, Reader, Template

# An item's name, how much of it a month, and the price of one.
Billed = tuple[str, float, Price]


def table(template: Template, load: Load, home: str) -> Iterator[Billed]:
    """Requests or capacity, storage and recovery of the table, in each of its regions."""
    units, own = traffic.in_a_month(template, load), template.table
    regions = own.regions(home)
    for region, replica in regions:
        used = elsewhere(region, prices(home))
        # At home it has one name, with replicas and without: a comparison goes by it.
        where = f", {region}" if region != home else ""
        if own.on_demand:
            yield f"writes on demand{where}", units.writes, used.write_request
            # People read in one region.
            yield f"reads on demand{where}", units.reads if region == home else 0, used.read_request
        else:
            written, read = capacity.hours(own, units, load)
            yield f"write capacity{where}", written, used.write_capacity
            yield f"read capacity{where}", read, used.read_capacity
        size = storage.table_gb(template, load, load.days)
        indexes = storage.indexes_gb(template, load, load.days)
        yield f"table and indexes stored{where}", size + indexes, used.storage
        if replica.recovery:
            yield f"point-in-time recovery{where}", size, used.recovery
    if len(regions) > 1:
        message = traffic.written_bytes(template, load) / GB
        yield "replication", message * (len(regions) - 1), prices(home).transfer


def backups(template: Template, load: Load, used: Prices) -> Iterator[Billed]:
    """What the backup plan keeps and copies, and what the restore tests restore of it.

    Tests are billed by the recovery point; without any there is nothing to test.
    """
    for rule in template.rules:
        yield from _points(template, load, rule, rule.kept, f"backups, {rule.name}", used)
        for copy in rule.copies:
            item, there = f"copies, {rule.name}", used
            if copy.region:
                item, there = f"{item}, {copy.region}", elsewhere(copy.region, used)
            yield from _points(template, load, rule, copy, item, there)
            if copy.elsewhere:
                sent = rule.runs_a_day * DAYS * storage.table_gb(template, load, load.days)
                yield f"copies, {rule.name}, on the way", sent, used.transfer
    tests = template.restore_tests_a_day * DAYS
    if tests and template.rules:
        size = sum(of(template, load, load.days) for of in (storage.table_gb, storage.indexes_gb))
        yield "restore tests", tests, used.restore_test
        yield "restored by the tests", tests * size, used.restore


def _points(template: Template, load: Load, rule: Rule, kept: Kept, item: str, used: Prices) -> Iterator[Billed]:
    """Recovery points where they are kept."""
    warm, cold = storage.points_gb(template, load, rule, kept)
    yield item, warm, used.backup_warm
    if kept.cold is not None:
        yield f"{item}, cold", cold, used.backup_cold


def elsewhere(region: str, used: Prices) -> Prices:
    """The prices of another region than that of ``used``, which stand in for unknown ones."""
    return prices(region) if is_known(region) else used


def functions(template: Template, load: Load, used: Prices) -> Iterator[Billed]:
    """The runs and the logs of the functions that read the table's stream."""
    if not template.readers:
        return
    runs = [(reader, traffic.invocations(template, reader, load)) for reader in template.readers]
    logged = sum(count for _, count in runs) * traffic.LOG_BYTES / GB
    kept = sum(count * _kept_months(reader, load) for reader, count in runs)
    yield "stream function, requests", sum(count for _, count in runs), used.function_request
    for arm, price in ((True, used.function_arm), (False, used.function_x86)):
        alike = [(reader, count) for reader, count in runs if reader.arm == arm]
        if alike:
            seconds = sum(count * traffic.SECONDS * one.memory_mib / 1024 for one, count in alike)
            yield f"stream function, time{'' if arm else ', x86'}", seconds, price
    yield "logs written", logged, used.log_ingestion
    yield "logs kept", kept * traffic.LOG_BYTES / GB, used.log_storage


def _kept_months(reader: Reader, load: Load) -> float:
    """How many months of a function's log there are."""
    return (load.days if reader.log_days is None else min(reader.log_days, load.days)) / DAYS


def key(template: Template, load: Load, used: Prices) -> Iterator[Billed]:
    """Customer keys, and their use for the table."""
    yield from _keys(template.standing, load, used)
    if template.standing.keys:
        yield "customer key, requests", traffic.key_requests(load), used.key_request


def _keys(standing: Standing, load: Load, used: Prices) -> Iterator[Billed]:
    """Each key, as old as the load, and what it costs more since its first two rotations.

    Later rotations cost nothing (https://aws.amazon.com/kms/pricing/).
    """
    if standing.keys:
        yield "customer key", standing.keys, used.key
    rotations = sum(
        min(1.0, max(0.0, (load.days - number * days) / DAYS))  # by the hour: part of a month
        for days in standing.rotation_days
        for number in (1, 2)
    )
    if rotations:
        yield "customer key, rotations", rotations, used.key_rotation


def watching(template: Template, load: Load, used: Prices) -> Iterator[Billed]:
    """Alarms, those of the table's scaling included, dashboards, metrics."""
    scaled = sum(one.scaled for one in capacity.settings(template.table))
    alarms = capacity.ALARMS * scaled * len(template.table.replicas)
    yield from _watching(template.standing, load, used, alarms=alarms)


def _watching(standing: Standing, load: Load, used: Prices, *, alarms: int = 0) -> Iterator[Billed]:
    for item, count, price in (
        ("alarms", alarms + standing.alarm_metrics, used.alarm),
        ("composite alarms", standing.composite_alarms, used.composite_alarm),
        ("dashboards", standing.dashboards, used.dashboard),
        ("metrics out of logs", standing.metrics if load.messages else 0, used.metric),
    ):
        if count:
            yield item, count, price


def beside(other: Other, load: Load, used: Prices) -> Iterator[Billed]:
    """What a stack without a table is billed for, at ``used``, the prices of its region.

    AWS Backup's own requests to its key are not counted, as for the table's backups.
    """
    found = [*_watching(other.standing, load, used), *_keys(other.standing, load, used)]
    for item, count, price in found:
        yield f"{item}, {other.region}" if other.region else item, count, price
