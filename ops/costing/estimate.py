"""A month of a template under a load, item by item. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from ops.costing import billed, capacity, traffic
from ops.costing.assumptions import assumptions
from ops.costing.load import Load
from ops.costing.prices import Price, prices
from ops.costing.template import Template

# Where neither the caller nor the template names one.
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Line:
    """``quantity`` units of one price a month, of which ``free`` cost nothing."""

    item: str
    quantity: float
    price: Price
    free: float

    @property
    def monthly(self) -> float:
        """US dollars."""
        return self.price.of(self.quantity - self.free)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a stack costs a month, and under which assumptions."""

    region: str
    lines: tuple[Line, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def monthly(self) -> float:
        """US dollars."""
        return sum(line.monthly for line in self.lines)


def estimate(
    template: Template, load: Load, *, region: str | None = None, free_tier: bool = True
) -> Estimate:
    """The estimate for ``template`` in ``region``, in the one that it names, or in REGION.

    ``free_tier``: take off what is always free, as if nothing else used it.
    Raises OpsError for a region whose prices are not known, UsageError for a
    message that no item can hold.
    """
    home = region or template.table.region or REGION
    used = prices(home)
    lines = [
        *billed.table(template, load, home),
        *billed.backups(template, load, used),
        *billed.functions(template, load, used),
        *billed.key(template, load, used),
        *billed.watching(template, load, used),
    ]
    return Estimate(
        region=home,
        lines=tuple(_line(item, quantity, price, free_tier) for item, quantity, price in lines),
        assumptions=tuple(assumptions(template, load, free_tier=free_tier)),
        warnings=tuple(_warnings(template, load)),
    )


def _line(item: str, quantity: float, price: Price, free_tier: bool) -> Line:
    free = min(quantity, price.free) if free_tier else 0.0
    return Line(item=item, quantity=quantity, price=price, free=free)


def _warnings(template: Template, load: Load) -> Iterator[str]:
    units = traffic.in_a_month(template, load)
    yield from capacity.throttled(template.table, units, load)
    for kind, count in template.unpriced:
        yield f"not priced: {count} x {kind}"
