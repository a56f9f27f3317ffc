"""What a month of a stage costs: an estimate, two of them compared, both billing modes. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cli.output import money
from model.messages import item_bytes
from ops.cost import bill
from ops.cost.bill import BilledStage
from ops.cost.load import MESSAGES_PER_CONVERSATION, Load, message
from ops.cost.prices import Price, is_known, prices
from ops.template import TABLE_TYPES, Stacks, Throughput, is_retained

# Where neither the caller nor the template names one.
REGION = "us-east-1"
# Scaled from one unit to whatever is needed.
SCALED = Throughput(minimum=1, maximum=10**12, scaled=True)
# No table has more; above it no crossing is looked for.
MOST_MESSAGES = 1e9
# What is billed for as long as it exists.
_STAYS_BILLED = ("AWS::KMS::Key", "AWS::Backup::BackupVault", *TABLE_TYPES)


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """``quantity`` units of one price a month, of which ``free`` cost nothing.

    ``stack`` has the item, or makes it; empty for a template without a name.
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

    region: str = REGION
    lines: tuple[CostLine, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def monthly(self) -> float:
        """US dollars."""
        return sum(line.monthly for line in self.lines)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of its prices, that of the table's stack first."""
        return tuple(dict.fromkeys([self.region, *(line.price.region for line in self.lines)]))


def estimate(stage: BilledStage, load: Load, *, region: str | None = None, free_tier: bool = True) -> Estimate:
    """The estimate in ``region``, in the stage's own, or in REGION.

    ``free_tier``: take off what is always free, as if nothing else used it. Raises OpsError
    for a region whose prices are not known, or where the table has no replica, UsageError for
    a message that no item can hold.
    """
    home = stage.table.home(region or stage.home) or REGION
    prices(home)  # refuses a region that is not known
    used = [(stage.stack.name, one) for one in bill.own_items(stage, load, home)]
    for other in stage.others:
        used += [(other.name, one._replace(region=other.region)) for one in bill.fixed_items(other, load)]
    regions = dict.fromkeys([*(one.region for _, one in used), *(stack.region for stack in stage.others)])
    unknown = [region for region in regions if region and not is_known(region)]
    lines = []
    for stack, one in used:
        away = one.region if one.region and one.region != home else ""
        price = prices(away if is_known(away) else home)[one.price]
        free = min(one.quantity, price.free) if free_tier else 0.0
        item = f"{one.item}, {away}" if away else one.item
        lines.append(CostLine(stack=stack, item=item, quantity=one.quantity, price=price, free=free))
    return Estimate(
        region=home,
        lines=tuple(lines),
        assumptions=tuple(_assumptions(stage, load, free_tier=free_tier)),
        warnings=(
            *_throttled(stage, load),
            *(f"no prices of region {one} are known: those of {home} are used there" for one in unknown),
            *(f"not priced: {n} x {kind}" for one in (stage.stack, *stage.others) for kind, n in bill.not_priced(one)),
        ),
    )


def _throttled(stage: BilledStage, load: Load) -> Iterator[str]:
    """The capacities that the busy part of the day exceeds."""
    units = bill.in_a_month(stage, load)
    for (index, kind), capacity in stage.table.throughputs.items():
        needed = bill.peak(units[index, kind], load)
        if needed > capacity.maximum:
            yield (
                f"{f'index {index}' if index else 'the table'} gives at most {capacity.maximum:,} {kind} units a "
                f"second; the busy hours need {needed:,.0f}, and requests will be throttled"
            )


def _assumptions(stage: BilledStage, load: Load, *, free_tier: bool) -> Iterator[str]:
    if free_tier:
        yield (
            "the always-free tier is deducted as if nothing else in the account used it; "
            "offers for new customers are not"
        )
    else:
        yield "list prices: nothing is taken off for the free tier"
    if stage.restore_tests_a_day and not stage.rules:
        yield "no restore tests: no backup rule makes a recovery point to restore"
    if not load.messages_per_day:
        yield "no writes: no load is given (--messages-per-day N); the seeded items, a few KB, are not counted"
        return
    units, body = bill.per_message(stage, load), load.message_bytes
    yield (
        f"a message of {body:,} bytes is an item of {item_bytes(message(body)):,}, takes "
        f"{bill.total(units, 'write'):g} write units and, with {load.reads_per_message:g} reads of lists and "
        f"conversations of {bill.PAGE} entries, {bill.total(units, 'read'):g} read units"
    )
    kept = "for ever" if load.retention_days is None else f"for {load.retention_days:g} days"
    if load.retention_days is not None:
        kept += " (deletions are not counted)"
    conversations = f"one conversation for {MESSAGES_PER_CONVERSATION} messages"
    if load.conversations is not None:
        conversations = f"{load.conversations:,.0f} conversations"
    yield (
        f"the last of {load.months:g} months; {load.stored(load.days):,.0f} messages are in the "
        f"table, kept {kept}; {conversations}"
    )
    yield f"the day's messages come within {24 / load.peak_factor:.3g} hours; scaled capacity follows at once"
    if stage.readers:
        yield (
            f"the stream's function runs once for every record, for {bill.FUNCTION_SECONDS * 1000:.0f} ms, "
            f"and logs {bill.LOG_BYTES} bytes"
        )
    yield (
        "not counted: deployments, restores and exports by hand, transfer to the internet, "
        "failures and what they set off"
    )


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """One item before and after: US dollars a month, and how many ``unit``; 0 where it is not."""

    item: str
    before: float
    after: float
    quantity_before: float
    quantity_after: float
    unit: str

    @property
    def delta(self) -> float:
        """What it costs more."""
        return self.after - self.before

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing on either side."""
        return not (self.before or self.after)

    @property
    def quantities(self) -> str:
        """How much comes or goes for free: ``0 → 7,300 write unit-hours, free``."""
        return f"{quantity(self.quantity_before)} → {quantity(self.quantity_after)} {self.unit}, free"


@dataclass(frozen=True, kw_only=True)
class CostComparison:
    """Two estimates for one load; ``notes`` say what their difference leaves out."""

    before: Estimate
    after: Estimate
    notes: tuple[str, ...] = ()

    @property
    def delta(self) -> float:
        """What a month costs more, in US dollars."""
        return self.after.monthly - self.before.monthly

    @property
    def changes(self) -> tuple[CostChange, ...]:
        """Every item whose price changes, or which is free and comes or goes, whichever stack has it."""
        items: dict[str, tuple[list[CostLine], list[CostLine]]] = {}
        for side, lines in enumerate((self.before.lines, self.after.lines)):
            for line in lines:
                items.setdefault(line.item, ([], []))[side].append(line)
        found = []
        for item, sides in items.items():
            before, after = (sum(line.monthly for line in side) for side in sides)
            was, now = (sum(line.quantity for line in side) for side in sides)
            # Capacity in the place of requests, for example, is shown even if both are free.
            if before != after or (not before and bool(was) != bool(now)):
                unit = [*sides[0], *sides[1]][0].price.unit
                change = CostChange(
                    item=item, before=before, after=after, quantity_before=was, quantity_after=now, unit=unit
                )
                found.append(change)
        return tuple(found)


def compare(
    before: Stacks, after: Stacks, load: Load, *, region: str | None = None, free_tier: bool = True
) -> CostComparison:
    """The monthly costs of the stacks of a stage before and after, under one load.

    The table's stack is priced in ``region``, or in the one that it names, or that the other
    side names, or in REGION; every other stack in its own. Without any stack a side costs
    nothing. Raises OpsError for a template or a region without an estimate.
    """
    was, now = (bill.read(stacks, region=region) if stacks else None for stacks in (before, after))
    notes = []
    if was and now and bool(was.home) != bool(now.home):  # or else a difference of prices would be a change
        region = region or was.home or now.home
        notes.append(
            f"both sides are priced in {region}: only {'the new' if now.home else 'the old'} one names a region"
        )
    first, second = (
        estimate(side, load, region=region, free_tier=free_tier) if side else Estimate() for side in (was, now)
    )
    return CostComparison(before=first, after=second, notes=(*notes, *_left_behind(before, after)))


def _left_behind(before: Stacks, after: Stacks) -> Iterator[str]:
    """What no template has any more, but stays and is billed."""
    for stack in before:
        now = [one for one in after if one.name == stack.name or "" in (one.name, stack.name)]
        if not now:
            yield f"counted as gone, although retained resources stay until they are cleaned up: {stack.name}"
            continue
        there = {(id, one["Type"]) for new in now for id, one in new.resources.items()}
        for id, one in stack.resources.items():
            if one["Type"] in _STAYS_BILLED and is_retained(one) and (id, one["Type"]) not in there:
                yield f"counted as gone, although it is retained and billed until it is deleted: {id} ({one['Type']})"


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """On demand against scaled capacity, in dollars a month, and where they cost the same.

    ``utilisation`` is the part of provisioned capacity that must be used for it to cost as
    much as requests. From ``messages_per_day`` on scaled capacity costs less; None: never.
    """

    utilisation: float
    fixed_utilisation: float
    on_demand: float
    provisioned: float
    messages_per_day: float | None


def break_even(stage: BilledStage, load: Load, *, region: str | None = None, free_tier: bool = True) -> BreakEven:
    """Compare the two billing modes at ``load``, and find where they cost the same."""
    # Backups cost the same in both modes, and are what takes long to add up.
    lean = replace(stage, rules=())

    def excess(messages: float) -> float:
        asked = replace(load, messages_per_day=messages)
        requests, capacity = modes(lean, asked, region=region, free_tier=free_tier)
        return requests - capacity

    on_demand, provisioned = modes(stage, load, region=region, free_tier=free_tier)
    used = prices(estimate(lean, load, region=region).region)
    return BreakEven(
        utilisation=used.write_capacity.of(1) / used.write_request.of(3600),
        fixed_utilisation=1 / load.peak_factor,
        on_demand=on_demand,
        provisioned=provisioned,
        messages_per_day=_crossing(excess),
    )


def modes(stage: BilledStage, load: Load, *, region: str | None = None, free_tier: bool = True) -> tuple[float, float]:
    """Dollars a month on demand, and with every capacity SCALED, whichever mode the template has."""
    table = stage.table
    on_demand, provisioned = (
        estimate(
            replace(stage, table=replace(table, throughputs=one)), load, region=region, free_tier=free_tier
        ).monthly
        for one in ({}, dict.fromkeys(table.capacity_keys, SCALED))
    )
    return on_demand, provisioned


def _crossing(excess: Callable[[float], float]) -> float | None:
    """The least load at which ``excess`` is not below 0; it never falls below again.

    Requests cost a straight line from 0; scaled capacity costs its minimum, then less for each message.
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


def signed(dollars: float) -> str:
    """``+$1.25``, ``-$1.25``, ``$0.00``."""
    return ("+" if dollars > 0 else "-" if dollars < 0 else "") + money(abs(dollars))


def quantity(number: float) -> str:
    """``0``, ``0.0012``, ``1.5``, ``12,345``."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 0.001 or number == 0 else "<0.001"
