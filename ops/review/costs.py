"""What a stage costs a month, and what a change of it costs more or less. Pure."""

from collections.abc import Iterator, Sequence

from cli.errors import OpsError
from ops.cost.assembly import Stacks, StackTemplate
from ops.cost.comparison import Comparison, compare
from ops.cost.load import Load
from ops.cost.report import free, signed
from ops.review.stacks import Reviewed

# For whom the cost is estimated: nobody, and a small team.
LOADS = {"idle": Load(), "10,000 messages a day": Load(messages_per_day=10_000)}
_MORE = "on demand or provisioned, other loads, assumptions: python -m ops cost"


def costs(stacks: Sequence[Reviewed]) -> list[str]:
    """The sum for each load, with what changes where every stack could be compared.

    What the stage no longer has is counted as deleted, and named where it stays.
    """
    after = _templates(stacks, "new")
    before = after if any(stack.unknown for stack in stacks) else _templates(stacks, "old")
    try:
        found = {name: compare(before, after, load) for name, load in LOADS.items()}
    except OpsError as error:  # a region without prices; the rest is worth reading all the same
        return [f"not estimated: {error}", _MORE]
    lines = []
    for name, comparison in found.items():
        lines.append(f"{name}: {_sum(comparison, stacks)}")
        lines += [f"    {line}" for line in _parts(comparison, stacks)]
    notes = [one for comparison in found.values() for one in comparison.notes]
    warnings = [one for comparison in found.values() for one in comparison.after.warnings]
    return [*lines, *dict.fromkeys(notes), *(f"warning: {one}" for one in dict.fromkeys(warnings)), _MORE]


def _templates(stacks: Sequence[Reviewed], which: str) -> Stacks:
    """One side; by name and region, because a stack may have come and gone under one name."""
    return tuple(
        StackTemplate(name=stack.place, region=getattr(stack, f"{which}_region"), template=template)
        for stack in stacks
        if (template := getattr(stack, which)) is not None
    )


def _parts(comparison: Comparison, stacks: Sequence[Reviewed]) -> Iterator[str]:
    """What changes: of a stage of several stacks under each of them, with its own sum."""
    if len(stacks) == 1:
        yield from _changes(comparison)
        return
    for stack in stacks:
        part = comparison.of(stack.place)
        yield f"{stack.place}: {_sum(part, stacks)}"
        yield from (f"    {line}" for line in _changes(part))


def _changes(comparison: Comparison) -> Iterator[str]:
    for change in comparison.changes:
        price = f"${change.before:.2f} → ${change.after:.2f}"
        yield f"{change.item}: {free(change) if change.is_free else price}"


def _sum(comparison: Comparison, stacks: Sequence[Reviewed]) -> str:
    total = f"${comparison.after.monthly:.2f}"
    if any(stack.unknown for stack in stacks):
        return total
    changed = any(not change.is_free for change in comparison.changes)
    return f"{total} ({signed(comparison.delta) if changed else 'no change'})"
