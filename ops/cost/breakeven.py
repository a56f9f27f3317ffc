"""On demand against provisioned capacity, for one template and one shape of load. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ops.cost.estimate import estimate
from ops.cost.load import Load
from ops.cost.prices import prices
from ops.cost.tables import Table, Throughput
from ops.cost.template import Template

# Scaled from one unit to whatever is needed.
SCALED = Throughput(minimum=1, maximum=10**12, scaled=True)
# Nobody's table; beyond it no crossing is looked for.
MOST_MESSAGES = 1e9


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """Which of the two costs less, and from where on.

    ``utilisation`` is the part of provisioned capacity that has to be used for
    it to cost as much as requests. ``messages_per_day``: from so many on scaled
    capacity costs less; None where it never does.
    """

    utilisation: float
    fixed_utilisation: float
    on_demand: float
    provisioned: float
    messages_per_day: float | None


def break_even(template: Template, load: Load, *, region: str | None = None, free_tier: bool = True) -> BreakEven:
    """Compare the two billing modes at ``load``, and find where they cost the same.

    The errors are those of ``estimate``.
    """
    # Backups cost the same in both modes, and are what takes long to add up.
    lean = replace(template, rules=())

    def excess(messages: float) -> float:
        asked = replace(load, messages_per_day=messages)
        requests, capacity = modes(lean, asked, region=region, free_tier=free_tier)
        return requests - capacity

    on_demand, provisioned = modes(template, load, region=region, free_tier=free_tier)
    of = prices(estimate(lean, load, region=region).region)
    return BreakEven(
        utilisation=of.write_capacity.of(1) / of.write_request.of(3600),
        fixed_utilisation=1 / load.peak_factor,
        on_demand=on_demand,
        provisioned=provisioned,
        messages_per_day=_crossing(excess),
    )


def modes(template: Template, load: Load, *, region: str | None = None, free_tier: bool = True) -> tuple[float, float]:
    """Dollars a month on demand and provisioned, whichever the template is.

    Provisioned is the table and its indexes as SCALED, the alarms of the
    scaling included.
    """
    on_demand, provisioned = (
        estimate(_billed(template, capacity), load, region=region, free_tier=free_tier).monthly
        for capacity in (None, SCALED)
    )
    return on_demand, provisioned


def _billed(template: Template, capacity: Throughput | None) -> Template:
    """The template with its table on demand, or with ``capacity`` everywhere."""
    table: Table = replace(
        template.table,
        read=capacity,
        write=capacity,
        indexes=tuple(replace(one, read=capacity, write=capacity) for one in template.table.indexes),
    )
    return replace(template, table=table)


def _crossing(excess: Callable[[float], float]) -> float | None:
    """The least load at which ``excess`` is not below 0; it never falls below again.

    Requests cost a straight line from 0; scaled capacity costs at least its
    minimum, and then less for each message.
    """
    low, high = 0.0, MOST_MESSAGES
    if excess(low) >= 0:
        return low
    if excess(high) < 0:
        return None
    while high - low > max(0.5, low * 1e-6):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) >= 0 else (middle, high)
    return high
