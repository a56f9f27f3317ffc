"""What a month of a stage costs: an estimate, two of them compared, both billing modes. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cli.output import money
from model.messages import item_bytes
from ops.cost import bill
from ops.cost.bill import BilledStage
from ops.cost.load import MESSAGES_PER_CONVERSATION, Load, message
from ops.cost.prices import NOT_BILLED, Price, is_known, prices
from ops.template import TABLE_TYPES, TARGET, Stacks, Throughput, is_retained

# What is billed for as long as it exists.
_STAYS_BILLED = ("AWS::KMS::Key", "AWS::Backup::BackupVault", *TABLE_TYPES)


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """``quantity`` units of one price a month, of which ``free`` cost nothing; ``stack`` has the item, or makes it."""

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

    region: str = bill.REGION
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


def estimate(stage: BilledStage, load: Load, *, free_tier: bool = True) -> Estimate:
    """The estimate, at home with the prices of the stage's region, elsewhere with those of that region if known.

    ``free_tier``: take off what is always free, as if nothing else used it. Raises OpsError
    for a stage in a region whose prices are not known, UsageError for a message that no item can hold.
    """
    home = stage.home
    used = [(stage.stack.name, one) for one in bill.own_items(stage, load)]
    for stack in stage.others:
        used += [(stack.name, one._replace(region=stack.region)) for one in bill.fixed_items(stack, load)]
    lines, unknown = [], []
    for name, one in used:
        away = one.region if one.region and one.region != home else ""
        if away and not is_known(away):
            unknown.append(away)
        price = prices(away if is_known(away) else home)[one.price]
        free = min(one.quantity, price.free) if free_tier else 0.0
        item = f"{one.item}, {away}" if away else one.item
        lines.append(CostLine(stack=name, item=item, quantity=one.quantity, price=price, free=free))
    kinds = Counter(one["Type"] for stack in (stage.stack, *stage.others) for one in stack.resources.values())
    warnings = [
        *_throttled(stage, load),
        *(f"no prices known for region {away}; prices of {home} used instead" for away in dict.fromkeys(unknown)),
        *(f"not priced: {n} x {kind}" for kind, n in sorted(kinds.items()) if not NOT_BILLED.fullmatch(kind)),
    ]
    assumptions = tuple(_assumptions(stage, load, free_tier=free_tier))
    return Estimate(region=home, lines=tuple(lines), assumptions=assumptions, warnings=tuple(warnings))


def _throttled(stage: BilledStage, load: Load) -> Iterator[str]:
    """The capacities that the busy part of the day exceeds."""
    units = bill.per_message(stage, load)
    for (index, kind), capacity in stage.throughputs.items():
        needed = bill.peak(units[index, kind], load)
        if needed > capacity.maximum:
            yield (
                f"{f'index {index}' if index else 'the table'} allows at most {capacity.maximum:,} {kind} units a "
                f"second; the busy hours need {needed:,.0f}, and requests will be throttled"
            )


def _assumptions(stage: BilledStage, load: Load, *, free_tier: bool) -> Iterator[str]:
    free = "the always-free tier is deducted as if only this stack used it; offers for new customers are not deducted"
    yield free if free_tier else "list prices: nothing is deducted for the free tier"
    if stage.restore_tests_a_day and not stage.points:
        yield "no restore tests: no backup rule makes a recovery point to restore"
    if not load.messages_per_day:
        yield "no messages are sent (set --messages-per-day N); the seeded items, a few KB, are not counted"
        return
    units, body = bill.per_message(stage, load), load.message_bytes
    yield (
        f"a message of {body:,} bytes is an item of {item_bytes(message(body)):,} bytes; it takes "
        f"{bill.total(units, 'write'):g} write units and, with {load.reads_per_message:g} reads of lists and "
        f"conversations of {bill.PAGE} entries, {bill.total(units, 'read'):g} read units"
    )
    days, many = load.retention_days, load.conversations
    kept = "forever" if days is None else f"for {days:g} days (deletions are not counted)"
    one = f"one conversation for {MESSAGES_PER_CONVERSATION} messages"
    conversations = one if many is None else f"{many:,.0f} conversations"
    yield (
        f"the last of {load.months:g} months; {load.stored(load.days):,.0f} messages are in the "
        f"table, kept {kept}; {conversations}"
    )
    yield f"a day's messages arrive within {24 / load.peak_factor:.3g} hours; auto scaling reacts immediately"
    if stage.readers:
        yield (
            f"the stream's function runs once for every record, for {bill.FUNCTION_SECONDS * 1000:.0f} ms, "
            f"and logs {bill.LOG_BYTES} bytes"
        )
    yield "not counted: deployments, restores and exports by hand, transfer to the internet, failures"


@dataclass(frozen=True)
class CostChange:
    """One item before and after: US dollars a month, and how many ``unit``; 0 where it does not exist."""

    item: str
    before: float
    after: float
    delta: float
    quantity_before: float
    quantity_after: float
    unit: str

    @property
    def free_quantities(self) -> str:
        """How much is added or removed for free: ``0 → 7,300 write unit-hours, free``; empty if it costs anything."""
        if self.before or self.after:
            return ""
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
        """Every item whose price changes, or which is free and added or removed, whichever stack has it."""
        found = []
        for item in dict.fromkeys(line.item for side in (self.before, self.after) for line in side.lines):
            sides = [[line for line in side.lines if line.item == item] for side in (self.before, self.after)]
            before, after = (sum(line.monthly for line in side) for side in sides)
            was, now = (sum(line.quantity for line in side) for side in sides)
            # Capacity instead of requests, for example, is shown even if both are free.
            if before != after or (not before and bool(was) != bool(now)):
                delta, unit = round(after - before, 6), [*sides[0], *sides[1]][0].price.unit
                found.append(CostChange(item, before, after, delta, was, now, unit))
        return tuple(found)


def compare(
    before: Stacks, after: Stacks, load: Load, *, region: str | None = None, free_tier: bool = True
) -> CostComparison:
    """The monthly costs of the stacks of a stage before and after, under one load.

    The table's stack is priced in ``region``, or in the one that it names, or that the other
    side names, or in bill.REGION; every other stack in its own. Without any stack a side costs
    nothing. Raises OpsError for a template or a region without an estimate.
    """
    was, now = (bill.read(side, region=region) if side else None for side in (before, after))
    notes = []
    if was and now and was.is_placed != now.is_placed:  # otherwise a difference of prices would be a change
        region = (now if now.is_placed else was).home
        was, now = (bill.read(side, region=region) for side in (before, after))
        only = "new" if now.stack.region else "old"
        notes.append(f"both sides are priced in {region}: only the {only} one names a region")
    first, second = (estimate(side, load, free_tier=free_tier) if side else Estimate() for side in (was, now))
    return CostComparison(before=first, after=second, notes=(*notes, *_left_behind(before, after)))


def _left_behind(before: Stacks, after: Stacks) -> Iterator[str]:
    """What no template has any more, but is retained and billed."""
    for stack in before:
        now = [one for one in after if one.name == stack.name or "" in (one.name, stack.name)]
        if not now:
            yield f"counted as deleted, but its retained resources are billed until they are cleaned up: {stack.name}"
            continue
        there = {(id, one["Type"]) for new in now for id, one in new.resources.items()}
        for id, one in stack.resources.items():
            if one["Type"] in _STAYS_BILLED and is_retained(one) and (id, one["Type"]) not in there:
                yield f"counted as deleted, but retained and billed until you delete it: {id} ({one['Type']})"


def break_even(stage: BilledStage, load: Load, *, free_tier: bool = True) -> dict[str, float]:
    """On demand against scaled capacity at ``load``, in dollars a month, and where they cost the same.

    ``utilisation`` is the part of provisioned capacity that must be used for it to cost as
    much as requests. From ``messages_per_day`` on scaled capacity costs less.
    """
    # Backups cost the same in both modes, and are what takes long to add up.
    lean = replace(stage, points=())

    def costs_less(messages: float) -> bool:
        requests, capacity = modes(lean, replace(load, messages_per_day=messages), free_tier=free_tier)
        return requests >= capacity

    on_demand, provisioned = modes(stage, load, free_tier=free_tier)
    used = prices(stage.home)
    return {
        "utilisation": used["write_capacity"].of(1) / used["write_request"].of(3600),
        "fixed_utilisation": 1 / load.peak_factor,
        "on_demand": on_demand,
        "provisioned": provisioned,
        # Requests cost a straight line from 0; scaled capacity costs its minimum, then less for each message.
        "messages_per_day": bisect_left(range(10**9), True, key=costs_less),
    }


def modes(stage: BilledStage, load: Load, *, free_tier: bool = True) -> list[float]:
    """Dollars a month on demand, and scaled from one unit up to any load, whichever mode the template has."""
    scaled = dict.fromkeys(bill.per_message(stage, load), Throughput(minimum=1, maximum=10**12, target=TARGET))
    return [estimate(replace(stage, throughputs=one), load, free_tier=free_tier).monthly for one in ({}, scaled)]


def signed(dollars: float) -> str:
    """``+$1.25``, ``-$1.25``, ``$0.00``."""
    return ("+" if dollars > 0 else "-" if dollars < 0 else "") + money(abs(dollars))


def quantity(number: float) -> str:
    """``0``, ``0.0012``, ``1.5``, ``12,345``."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 0.001 or number == 0 else "<0.001"
