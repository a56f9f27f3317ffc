"""A month of a template under a load, item by item. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ops.cost import billed, capacity, traffic
from ops.cost.assumptions import assumptions
from ops.cost.billed import Billed
from ops.cost.load import Load
from ops.cost.prices import Price, is_known, prices
from ops.cost.template import Template

# Where neither the caller nor the template names one.
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Line:
    """``quantity`` units of one price a month, of which ``free`` cost nothing.

    ``stack`` has it, or makes it; empty where no name is known.
    """

    stack: str
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
    """What the stacks of a stage cost a month, and under which assumptions."""

    region: str
    lines: tuple[Line, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def monthly(self) -> float:
        """US dollars."""
        return sum(line.monthly for line in self.lines)

    @property
    def regions(self) -> tuple[str, ...]:
        """Whose prices it has, the first being that of the table's stack."""
        return tuple(dict.fromkeys([self.region, *(line.price.region for line in self.lines)]))

    def of(self, stack: str) -> "Estimate":
        """The part of one stack."""
        return replace(self, lines=tuple(line for line in self.lines if line.stack == stack))


# Of a stage that is not there.
NOTHING = Estimate(region=REGION, lines=(), assumptions=(), warnings=())


def estimate(template: Template, load: Load, *, region: str | None = None, free_tier: bool = True) -> Estimate:
    """The estimate for ``template`` in ``region``, in the one that it names, or in REGION.

    ``free_tier``: take off what is always free, as if nothing else used it.
    Raises OpsError for a region whose prices are not known, or where the table
    has no replica, UsageError for a message that no item can hold.
    """
    home = template.table.home(region or template.home) or REGION
    used = prices(home)
    billed_of: dict[str, list[Billed]] = {
        template.stack: [
            *billed.table(template, load, home),
            *billed.backups(template, load, used),
            *billed.functions(template, load, used),
            *billed.key(template, load, used),
            *billed.watching(template, load, used),
        ]
    }
    for other in template.others:
        there = billed.elsewhere(other.region or home, used)
        billed_of[other.stack] = [*billed.beside(other, load, there)]
    return Estimate(
        region=home,
        lines=tuple(_line(stack, one, free_tier) for stack, found in billed_of.items() for one in found),
        assumptions=tuple(assumptions(template, load, free_tier=free_tier)),
        warnings=tuple(_warnings(template, load, home)),
    )


def _line(stack: str, one: Billed, free_tier: bool) -> Line:
    item, quantity, price = one
    free = min(quantity, price.free) if free_tier else 0.0
    return Line(stack=stack, item=item, quantity=quantity, price=price, free=free)


def _warnings(template: Template, load: Load, home: str) -> Iterator[str]:
    yield from (f"not estimated: table {table}" for table in template.not_estimated)
    units = traffic.in_a_month(template, load)
    yield from capacity.throttled(template.table, units, load)
    regions = [
        *(region for region, _ in template.table.regions(home)),
        *(copy.region for rule in template.rules for copy in rule.copies),
        *(other.region for other in template.others),
    ]
    for region in dict.fromkeys(regions):
        if region and not is_known(region):
            yield f"no prices of region {region} are known: what is there has those of {home}"
    for standing in (template.standing, *(other.standing for other in template.others)):
        for kind, count in standing.unpriced:
            yield f"not priced: {count} x {kind}"
