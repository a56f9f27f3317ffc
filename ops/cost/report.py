"""Estimates as text for people, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from cli import output
from ops.cost.breakeven import BreakEven
from ops.cost.comparison import Change, Comparison
from ops.cost.estimate import Estimate, Line
from ops.cost.prices import AS_OF, LISTED, MILLION, Price


def text(estimate: Estimate, even: BreakEven) -> Iterator[str]:
    """An estimate: its items, the sum, both billing modes, assumptions, warnings."""
    yield from output.columns([("ITEM", "QUANTITY", "PRICE", "A MONTH"), *map(_cells, estimate.lines)])
    yield f"{output.money(estimate.monthly)} a month in {_where(estimate)} (prices of {AS_OF})"
    if any(line.price.source != LISTED for line in estimate.lines):
        yield "* not read from AWS's price list: ops/cost/prices.py says where from"
    yield ""
    yield from _modes(even)
    yield ""
    yield from _notes(estimate)


def compared(comparison: Comparison) -> Iterator[str]:
    """What changes between two templates, and by how much."""
    rows = [_row(change) for change in comparison.changes]
    before, after = comparison.before, comparison.after
    total = ("total", output.money(before.monthly), output.money(after.monthly), signed(comparison.delta))
    yield from output.columns([("ITEM", "BEFORE", "AFTER", "CHANGE"), *rows, total])
    yield f"{signed(comparison.delta)} a month in {_where(after)} (prices of {AS_OF})"
    yield ""
    yield from (f"note: {one}" for one in comparison.notes)
    yield from _notes(after)


def _row(change: Change) -> tuple[str, ...]:
    more = f"{signed(change.delta)}: {free(change)}" if change.is_free else signed(change.delta)
    return change.item, output.money(change.before), output.money(change.after), more


def free(change: Change) -> str:
    """How much of what costs nothing comes or goes: ``0 → 7,300 write unit-hours, free``."""
    was, now = quantity(change.quantity_before), quantity(change.quantity_after)
    return f"{was} → {now} {change.unit}, free"


def _where(estimate: Estimate) -> str:
    return " and ".join(estimate.regions)


def signed(dollars: float) -> str:
    """``+$1.25``, ``-$1.25``, ``$0.00``."""
    sign = "+" if dollars > 0 else "-" if dollars < 0 else ""
    return sign + output.money(abs(dollars))


def _cells(line: Line) -> tuple[str, ...]:
    free = f", {quantity(line.free)} of them free" if line.free else ""
    unit = line.price.unit.removesuffix("s") if line.quantity == 1 else line.price.unit
    return (line.item, f"{quantity(line.quantity)} {unit}{free}", _price(line.price), output.money(line.monthly))


def quantity(number: float) -> str:
    """``0``, ``0.0012``, ``1.5``, ``12,345``."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 0.001 or number == 0 else "<0.001"


def _price(price: Price) -> str:
    many = {MILLION: " a million", 10_000: " for 10,000"}.get(price.per, "")
    exact = f"{price.dollars:.10g}"
    shown = max(exact, f"{price.dollars:.2f}", key=len)
    return f"${shown}{many}" + ("" if price.source == LISTED else " *")


def _modes(even: BreakEven) -> Iterator[str]:
    yield (
        f"at this load: on demand {output.money(even.on_demand)}, provisioned and scaled from 1 unit "
        f"{output.money(even.provisioned)}"
    )
    if even.messages_per_day is None:
        yield "scaled capacity costs more at any load of this shape"
    else:
        yield f"scaled capacity costs less from {even.messages_per_day:,.0f} messages a day on"
    yield (
        "at list prices, capacity costs less where more than "
        f"{even.utilisation:.1%} of it is used; "
        f"fixed for the busy hours, {even.fixed_utilisation:.1%} of it would be"
    )


def _notes(estimate: Estimate) -> Iterator[str]:
    yield from (f"assumed: {one}" for one in estimate.assumptions)
    yield from (f"warning: {one}" for one in estimate.warnings)


def as_object(estimate: Estimate) -> dict[str, Any]:
    """An estimate for JSON."""
    return {
        "region": estimate.region,
        "lines": [_line_object(line) for line in estimate.lines],
        "monthly_usd": round(estimate.monthly, 6),
        "prices": {"region": estimate.region, "as_of": AS_OF},
        "assumptions": list(estimate.assumptions),
        "warnings": list(estimate.warnings),
    }


def _line_object(line: Line) -> dict[str, Any]:
    return {
        "stack": line.stack or None,
        "region": line.price.region,
        "item": line.item,
        "quantity": line.quantity,
        "free": line.free,
        "unit": line.price.unit,
        "unit_usd": line.price.dollars / line.price.per,
        "source": line.price.source,
        "monthly_usd": round(line.monthly, 6),
    }


def comparison_object(comparison: Comparison) -> dict[str, Any]:
    """A comparison for JSON."""
    return {
        "before": as_object(comparison.before),
        "after": as_object(comparison.after),
        "changes": [asdict(one) | {"delta": round(one.delta, 6)} for one in comparison.changes],
        "monthly_usd_delta": round(comparison.delta, 6),
        "notes": list(comparison.notes),
    }
