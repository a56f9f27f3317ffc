"""Estimate what a stage costs a month under a stated load; needs no AWS account."""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli.clients import stack_name
from cli.command_line import number, to_stderr
from cli.errors import UsageError
from cli.output import columns, money
from ops import template
from ops.cost import estimate as costs
from ops.cost.bill import read
from ops.cost.estimate import BreakEven, CostChange, CostComparison, CostLine, Estimate, quantity, signed
from ops.cost.load import Load
from ops.cost.prices import AS_OF, LISTED, Price

_IDLE = Load()
# Option, field of the load, metavariable, smallest and largest value, meaning.
_LOAD = (
    ("--messages-per-day", "messages_per_day", "N", 0, 1e9, "messages sent"),
    ("--message-bytes", "message_bytes", "N", 1, 409_600, "the length of a body"),
    ("--reads-per-message", "reads_per_message", "R", 0, 1e6, "looks at a list of conversations and at one of them"),
    ("--message-retention-days", "retention_days", "N", 0, 36_500, "days that messages stay; default: for ever"),
    ("--months", "months", "N", 1, 1200, "months at this load; the estimate is for the last one"),
    ("--conversations", "conversations", "N", 0, 1e12, "conversations; default: one for 100 messages"),
    ("--peak-factor", "peak_factor", "F", 1, 1000, "the rate in the busy hours over the average"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops cost``."""
    add = parser.add_argument
    add(
        "template",
        nargs="?",
        type=Path,
        metavar="TEMPLATE",
        help="a synthesized template, or a cdk.out; default: the stage is synthesized",
    )
    add("--stage", default=os.environ.get("STAGE") or "dev", help="the stage to synthesize (default: $STAGE or dev)")
    setting = "a setting for the synthesis, as with cdk -c; repeatable"
    add("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help=setting)
    add("--against", type=Path, metavar="TEMPLATE", help="compare with this earlier template or cdk.out")
    add("--region", help="the region of the table's prices; default: its template's, or us-east-1")
    add("--no-free-tier", action="store_true", help="list prices, without what is always free")
    load = parser.add_argument_group("the load")
    for option, field, metavar, _, _, text in _LOAD:
        default = getattr(_IDLE, field)
        shown = "" if default is None else f" (default: {default:g})"
        load.add_argument(option, type=float, metavar=metavar, default=default, help=text + shown)


def run(arguments: argparse.Namespace) -> int:
    """Print the estimate, or the comparison with another template."""
    load, stacks = _load(arguments), _stacks(arguments)
    options: dict[str, Any] = {"region": arguments.region, "free_tier": not arguments.no_free_tier}
    stated = {"load": asdict(load)}
    if arguments.against:
        found = costs.compare(template.stacks(arguments.against), stacks, load, **options)
        result, lines = _comparison_object(found) | stated, comparison_text(found)
    else:
        stage = read(stacks, region=arguments.region)
        one, even = costs.estimate(stage, load, **options), costs.break_even(stage, load, **options)
        result = _estimate_object(one) | stated | {"break_even": asdict(even)}
        lines = estimate_text(one, even)
    print(json.dumps(result, indent=2) if arguments.json else "\n".join(lines))
    return 0


def _load(arguments: argparse.Namespace) -> Load:
    given: dict[str, Any] = {}
    for option, field, _, low, high, _ in _LOAD:
        if getattr(arguments, option.lstrip("-").replace("-", "_")) is not None:
            given[field] = number(arguments, option, low, high)
    body = given["message_bytes"]
    if body != int(body):
        raise UsageError(f"--message-bytes must be a whole number, got {body:g}")
    return Load(**given | {"message_bytes": int(body)})


def _stacks(arguments: argparse.Namespace) -> template.Stacks:
    if arguments.template:
        if arguments.context:
            raise UsageError("-c is for a synthesis; leave it out, or the template")
        return template.stacks(arguments.template)
    stack_name(stage=arguments.stage)  # refuses a name that no stage can have
    to_stderr(f"synthesizing stage {arguments.stage}")
    return template.synthesize(arguments.stage, arguments.context)


def estimate_text(estimate: Estimate, even: BreakEven) -> Iterator[str]:
    """An estimate: its items, the sum, both billing modes, assumptions, warnings."""
    yield from columns([("ITEM", "QUANTITY", "PRICE", "A MONTH"), *map(_cells, estimate.lines)])
    yield f"{money(estimate.monthly)} a month in {' and '.join(estimate.regions)} (prices of {AS_OF})"
    if any(line.price.source != LISTED for line in estimate.lines):
        yield "* not read from AWS's price list: see the source in ops/cost/prices.yaml"
    yield ""
    yield (
        f"at this load: on demand {money(even.on_demand)}, provisioned and scaled from 1 unit {money(even.provisioned)}"
    )
    if even.messages_per_day is None:
        yield "scaled capacity costs more at any load of this shape"
    else:
        yield f"scaled capacity costs less from {even.messages_per_day:,.0f} messages a day on"
    yield (
        f"at list prices, provisioned capacity costs less above {even.utilisation:.1%} utilisation; "
        f"fixed for the busy hours, utilisation would be {even.fixed_utilisation:.1%}"
    )
    yield ""
    yield from _notes(estimate)


def comparison_text(comparison: CostComparison) -> Iterator[str]:
    """What changes between two templates, and by how much."""
    before, after, delta = comparison.before, comparison.after, signed(comparison.delta)
    rows = [(one.item, money(one.before), money(one.after), _difference(one)) for one in comparison.changes]
    total = ("total", money(before.monthly), money(after.monthly), delta)
    yield from columns([("ITEM", "BEFORE", "AFTER", "CHANGE"), *rows, total])
    yield f"{delta} a month in {' and '.join(after.regions)} (prices of {AS_OF})"
    yield ""
    yield from (f"note: {one}" for one in comparison.notes)
    yield from _notes(after)


def _difference(change: CostChange) -> str:
    return signed(change.delta) + (f": {change.quantities}" if change.is_free else "")


def _cells(line: CostLine) -> tuple[str, ...]:
    free = f", {quantity(line.free)} of them free" if line.free else ""
    unit = line.price.unit.removesuffix("s") if line.quantity == 1 else line.price.unit
    return line.item, f"{quantity(line.quantity)} {unit}{free}", _price(line.price), money(line.monthly)


def _price(price: Price) -> str:
    many = {1_000_000: " a million", 10_000: " for 10,000"}.get(price.per, "")
    shown = max(f"{price.dollars:.10g}", f"{price.dollars:.2f}", key=len)
    return f"${shown}{many}" + ("" if price.source == LISTED else " *")


def _notes(estimate: Estimate) -> Iterator[str]:
    yield from (f"assumed: {one}" for one in estimate.assumptions)
    yield from (f"warning: {one}" for one in estimate.warnings)


def _estimate_object(estimate: Estimate) -> dict[str, Any]:
    return {
        "region": estimate.region,
        "lines": [_line_object(line) for line in estimate.lines],
        "monthly_usd": round(estimate.monthly, 6),
        "prices": {"region": estimate.region, "as_of": AS_OF},
        "assumptions": list(estimate.assumptions),
        "warnings": list(estimate.warnings),
    }


def _line_object(line: CostLine) -> dict[str, Any]:
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


def _comparison_object(comparison: CostComparison) -> dict[str, Any]:
    return {
        "before": _estimate_object(comparison.before),
        "after": _estimate_object(comparison.after),
        "changes": [asdict(one) | {"delta": round(one.delta, 6)} for one in comparison.changes],
        "monthly_usd_delta": round(comparison.delta, 6),
        "notes": list(comparison.notes),
    }
