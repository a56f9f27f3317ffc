"""Estimate what a stage costs a month under a stated load; needs no AWS account."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli.clients import chosen_stack
from cli.command_line import between, to_stderr
from cli.errors import UsageError
from cli.output import columns, money
from ops import template
from ops.cost import estimate as costs
from ops.cost.bill import read
from ops.cost.estimate import CostComparison, CostLine, Estimate, quantity, signed
from ops.cost.load import Load
from ops.cost.prices import AS_OF, LISTED

# Option, field of the load, metavariable, smallest and largest value, meaning.
_LOAD = (
    ("--messages-per-day", "messages_per_day", "N", 0, 1e9, "messages sent"),
    ("--message-bytes", "message_bytes", "N", 1, 409_600, "length of a message body in bytes"),
    ("--reads-per-message", "reads_per_message", "R", 0, 1e6, "reads of a list and of a conversation for each message"),
    ("--message-retention-days", "retention_days", "N", 0, 36_500, "days to keep messages; default: forever"),
    ("--months", "months", "N", 1, 1200, "months at this load; the estimate is for the last one"),
    ("--conversations", "conversations", "N", 0, 1e12, "conversations; default: one for 100 messages"),
    ("--peak-factor", "peak_factor", "F", 1, 1000, "rate in the busy hours, relative to the average"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops cost``."""
    add = parser.add_argument
    given = "a synthesized template or a cdk.out folder; default: synthesize the stage"
    add("template", nargs="?", type=Path, metavar="TEMPLATE", help=given)
    add("--stage", default=os.environ.get("STAGE") or "dev", help="the stage to synthesize (default: $STAGE or dev)")
    setting = "a setting for the synthesis, as with cdk -c; repeatable"
    add("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help=setting)
    add("--against", type=Path, metavar="TEMPLATE", help="compare with this earlier template or cdk.out folder")
    add("--region", help="the region whose prices apply; default: the template's, or us-east-1")
    add("--no-free-tier", action="store_true", help="list prices, without the always-free tier")
    load = parser.add_argument_group("the load")
    for option, field, metavar, low, high, text in _LOAD:
        default, kind = getattr(Load(), field), int if field == "message_bytes" else float
        shown = "" if default is None else f" (default: {default:g})"
        number = between(low, high, kind)
        load.add_argument(option, dest=field, type=number, metavar=metavar, default=default, help=text + shown)


def run(arguments: argparse.Namespace) -> int:
    """Print the estimate, or the comparison with another template."""
    load, stacks = Load(**{field: getattr(arguments, field) for _, field, *_ in _LOAD}), _stacks(arguments)
    free_tier = not arguments.no_free_tier
    if arguments.against:
        earlier = template.stacks(arguments.against)
        found = costs.compare(earlier, stacks, load, region=arguments.region, free_tier=free_tier)
        result, lines = _comparison_object(found), comparison_text(found)
    else:
        stage = read(stacks, region=arguments.region)
        one, even = costs.estimate(stage, load, free_tier=free_tier), costs.break_even(stage, load, free_tier=free_tier)
        result, lines = _estimate_object(one) | {"break_even": even}, estimate_text(one, even)
    print(json.dumps(result | {"load": asdict(load)}, indent=2) if arguments.json else "\n".join(lines))
    return 0


def _stacks(arguments: argparse.Namespace) -> template.Stacks:
    if arguments.template:
        if arguments.context:
            raise UsageError("-c needs a synthesis; leave out -c or the template")
        return template.stacks(arguments.template)
    chosen_stack(stage=arguments.stage)  # refuses a name that no stage can have
    to_stderr(f"synthesizing stage {arguments.stage}")
    return template.synthesize(arguments.stage, arguments.context)


def estimate_text(estimate: Estimate, even: Mapping[str, float]) -> Iterator[str]:
    """An estimate: its items, the sum, both billing modes, assumptions, warnings."""
    yield from columns([("ITEM", "QUANTITY", "PRICE", "A MONTH"), *map(_cells, estimate.lines)])
    yield f"{money(estimate.monthly)} a month in {' and '.join(estimate.regions)} (prices of {AS_OF})"
    if any(line.price.source != LISTED for line in estimate.lines):
        yield "* not read from AWS's price list: see the source in ops/cost/prices.yaml"
    yield ""
    yield (
        f"at this load: on demand {money(even['on_demand'])}, provisioned with auto scaling from 1 unit "
        f"{money(even['provisioned'])}"
    )
    yield f"auto scaling costs less from {even['messages_per_day']:,} messages a day"
    yield (
        f"at list prices, provisioned capacity costs less above {even['utilisation']:.1%} utilization; "
        f"with fixed capacity for the busy hours, utilization would be {even['fixed_utilisation']:.1%}"
    )
    yield ""
    yield from _notes(estimate)


def comparison_text(comparison: CostComparison) -> Iterator[str]:
    """What changes between two templates, and by how much."""
    before, after, delta = comparison.before, comparison.after, signed(comparison.delta)
    rows = [("ITEM", "BEFORE", "AFTER", "CHANGE")]
    for one in comparison.changes:
        free = f": {one.free_quantities}" if one.free_quantities else ""
        rows.append((one.item, money(one.before), money(one.after), signed(one.delta) + free))
    yield from columns([*rows, ("total", money(before.monthly), money(after.monthly), delta)])
    yield f"{delta} a month in {' and '.join(after.regions)} (prices of {AS_OF})"
    yield ""
    yield from (f"note: {one}" for one in comparison.notes)
    yield from _notes(after)


def _cells(line: CostLine) -> tuple[str, ...]:
    price = line.price
    free = f", {quantity(line.free)} of them free" if line.free else ""
    unit = price.unit.removesuffix("s") if line.quantity == 1 else price.unit
    dollars = max(f"{price.dollars:.10g}", f"{price.dollars:.2f}", key=len)
    per = {1_000_000: " a million", 10_000: " for 10,000"}.get(price.per, "")
    shown = f"${dollars}{per}" + ("" if price.source == LISTED else " *")
    return line.item, f"{quantity(line.quantity)} {unit}{free}", shown, money(line.monthly)


def _notes(estimate: Estimate) -> Iterator[str]:
    yield from (f"assumed: {one}" for one in estimate.assumptions)
    yield from (f"warning: {one}" for one in estimate.warnings)


def _estimate_object(estimate: Estimate) -> dict[str, Any]:
    lines = [
        {
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
        for line in estimate.lines
    ]
    return {
        "region": estimate.region,
        "lines": lines,
        "monthly_usd": round(estimate.monthly, 6),
        "prices": {"region": estimate.region, "as_of": AS_OF},
        "assumptions": list(estimate.assumptions),
        "warnings": list(estimate.warnings),
    }


def _comparison_object(comparison: CostComparison) -> dict[str, Any]:
    return {
        "before": _estimate_object(comparison.before),
        "after": _estimate_object(comparison.after),
        "changes": list(map(asdict, comparison.changes)),
        "monthly_usd_delta": round(comparison.delta, 6),
        "notes": list(comparison.notes),
    }
