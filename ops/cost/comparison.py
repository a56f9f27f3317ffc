"""What one synthesis costs more than another, item by item. Pure."""

from dataclasses import dataclass

from ops.cost.assembly import Stacks
from ops.cost.estimate import NOTHING, Estimate, Line, estimate
from ops.cost.leftover import leftover
from ops.cost.load import Load
from ops.cost.template import Template, read


@dataclass(frozen=True, kw_only=True)
class Change:
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


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two estimates for one load; ``notes`` say what has to be known of their difference."""

    before: Estimate
    after: Estimate
    notes: tuple[str, ...] = ()

    @property
    def delta(self) -> float:
        """What a month costs more, in US dollars; below 0 what it costs less."""
        return self.after.monthly - self.before.monthly

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every item whose price is not the same, or which is free and comes or goes."""
        before, after = _by_item(self.before), _by_item(self.after)
        found = (_change(item, before.get(item, []), after.get(item, [])) for item in dict.fromkeys([*before, *after]))
        return tuple(change for change in found if _is_shown(change))

    def of(self, stack: str) -> "Comparison":
        """The part of one stack."""
        return Comparison(before=self.before.of(stack), after=self.after.of(stack))


def _by_item(estimate: Estimate) -> dict[str, list[Line]]:
    """The lines by item; the copies of one rule, for example, are one item.

    Whichever stack has it: a template that comes by itself names none.
    """
    found: dict[str, list[Line]] = {}
    for line in estimate.lines:
        found.setdefault(line.item, []).append(line)
    return found


def _change(item: str, before: list[Line], after: list[Line]) -> Change:
    return Change(
        item=item,
        before=sum((line.monthly for line in before), 0.0),
        after=sum((line.monthly for line in after), 0.0),
        quantity_before=sum(line.quantity for line in before),
        quantity_after=sum(line.quantity for line in after),
        unit=[*before, *after][0].price.unit,
    )


def _is_shown(change: Change) -> bool:
    """Of what is free, what comes or goes: capacity in the place of requests, for example."""
    if change.is_free:
        return bool(change.quantity_before) != bool(change.quantity_after)
    return change.before != change.after


def compare(
    before: Stacks, after: Stacks, load: Load, *, region: str | None = None, free_tier: bool = True
) -> Comparison:
    """The monthly costs of the stacks of a stage before and after, under one load.

    The table's stack is priced in ``region``, or in the one that it names, or that
    the other side names, or in us-east-1; every other stack in its own. Without
    any stack a side costs nothing. Raises OpsError for a template or a region
    without an estimate.
    """
    sides = [read(stacks, region=region) if stacks else None for stacks in (before, after)]
    shared, notes = _shared(*sides)
    first, second = (
        estimate(side, load, region=region or shared, free_tier=free_tier) if side else NOTHING for side in sides
    )
    return Comparison(before=first, after=second, notes=(*notes, *leftover(before, after)))


def _shared(before: Template | None, after: Template | None) -> tuple[str | None, tuple[str, ...]]:
    """The region for both where one side alone names one: a difference of prices is no change."""
    if not (before and after) or bool(before.home) == bool(after.home):
        return None, ()
    region, side = before.home or after.home, "what it was" if after.home else "what it is now"
    return region, (f"both sides are priced in {region}: {side} names no region",)
