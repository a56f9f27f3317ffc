"""How large the table, its indexes and its recovery points are at this load."""

import math

from ops.cost import items
from ops.cost.load import Load
from ops.cost.plans import Kept, Rule
from ops.cost.prices import GB
from ops.cost.template import Template


def table_gb(template: Template, load: Load, day: float) -> float:
    """GB of the table ``day`` days after the load began, without its indexes."""
    message = items.message_bytes(load.message_bytes) + items.OVERHEAD_BYTES
    membership = items.membership_bytes(load.message_bytes) + items.OVERHEAD_BYTES
    lists = 2 * load.conversations_on(day) if template.readers else 0
    return (load.stored(day) * message + lists * membership) / GB


def indexes_gb(template: Template, load: Load, day: float) -> float:
    """GB of the table's indexes on that day."""
    held = [(load.stored(day), items.message(load.message_bytes))]
    if template.readers:
        held.append((2 * load.conversations_on(day), items.membership(load.message_bytes)))
    total = 0.0
    for index in template.table.indexes:
        for count, item in held:
            entry = items.entry(template.table, index, item)
            total += count * (items.size(entry) + items.OVERHEAD_BYTES) if entry else 0
    return total / GB


def points_gb(template: Template, load: Load, rule: Rule, kept: Kept) -> tuple[float, float]:
    """GB of a rule's recovery points at the end of the last month: warm, and cold.

    Each point is as large as the table was on its day.
    """
    warm = cold = 0.0
    last = load.days if kept.days is None else min(kept.days, load.days)
    for age in range(math.ceil(last)):
        size = rule.runs_a_day * table_gb(template, load, load.days - age)
        if kept.cold is not None and age >= kept.cold:
            cold += size
        else:
            warm += size
    return warm, cold
