"""Provisioned capacity under a load that has a busy and a quiet part of the day."""

from collections.abc import Iterator

from ops.cost.load import DAY_SECONDS, Load
from ops.cost.prices import DAYS, HOURS
from ops.cost.tables import Table, Throughput
from ops.cost.traffic import Units

# What Application Auto Scaling keeps for each capacity that it scales: consumption
# and capacity, too high and too low, one metric each
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html).
ALARMS = 4


def settings(table: Table) -> list[Throughput]:
    """Every capacity of the table and its indexes; none on demand."""
    both = [(table.read, table.write), *((index.read, index.write) for index in table.indexes)]
    return [capacity for pair in both for capacity in pair if capacity]


def unit_hours(capacity: Throughput, units: float, load: Load) -> float:
    """The unit-hours of a month in which ``units`` are used, in the busy part of each day.

    Scaled capacity follows the load without delay, down to its minimum in the
    quiet part.
    """
    if not capacity.scaled:
        return capacity.minimum * HOURS
    busy = peak(units, load) / capacity.target
    bounded = min(max(busy, capacity.minimum), capacity.maximum)
    share = 1 / load.peak_factor
    return HOURS * (bounded * share + capacity.minimum * (1 - share))


def peak(units: float, load: Load) -> float:
    """Units a second in the busy part of the day, of ``units`` a month."""
    return units / DAYS / DAY_SECONDS * load.peak_factor


def hours(table: Table, units: Units, load: Load) -> tuple[float, float]:
    """Unit-hours of a month to write and to read, indexes included; 0 on demand."""
    written = read = 0.0
    for _, capacity, used, writes in _uses(table, units):
        spent = unit_hours(capacity, used, load)
        written, read = (written + spent, read) if writes else (written, read + spent)
    return written, read


def throttled(table: Table, units: Units, load: Load) -> Iterator[str]:
    """What the table cannot give in the busy part of the day, in words."""
    for name, capacity, used, writes in _uses(table, units):
        needed = peak(used, load)
        if needed > capacity.maximum:
            kind = "write" if writes else "read"
            yield (
                f"{name} gives at most {capacity.maximum:,} {kind} units a second; the busy "
                f"hours need {needed:,.0f}, and requests will be throttled"
            )


def _uses(table: Table, units: Units) -> Iterator[tuple[str, Throughput, float, bool]]:
    """Each capacity: whose it is, what of it is used a month, and whether it is for writes."""
    if table.write and table.read:
        yield "the table", table.write, units.table_writes, True
        yield "the table", table.read, units.table_reads, False
    for index, written, read in zip(table.indexes, units.index_writes, units.index_reads, strict=True):
        if index.write and index.read:
            yield f"index {index.name}", index.write, written, True
            yield f"index {index.name}", index.read, read, False
