"""Estimate what a stage costs a month under a stated load; needs no AWS account."""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli.clients import stack_name
from cli.command_line import number, to_stderr
from cli.errors import UsageError
from ops.cost import assembly, report, synthesis
from ops.cost.assembly import Stacks
from ops.cost.breakeven import break_even
from ops.cost.comparison import compare
from ops.cost.estimate import estimate
from ops.cost.load import Load
from ops.cost.template import read

_NOBODY = Load()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops cost``."""
    parser.add_argument(
        "template",
        nargs="?",
        type=Path,
        metavar="TEMPLATE",
        help="a synthesized template, or a cdk.out; default: the stage is synthesized",
    )
    parser.add_argument(
        "--stage", default=os.environ.get("STAGE") or "dev", help="the stage to synthesize (default: $STAGE or dev)"
    )
    parser.add_argument(
        "-c",
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting for the synthesis, as after cdk -c; repeatable",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="TEMPLATE",
        help="show what costs more and what less than this other template, or cdk.out",
    )
    parser.add_argument("--region", help="whose prices the table has; default: its template's, or us-east-1")
    parser.add_argument("--no-free-tier", action="store_true", help="list prices, without what is always free")
    _add_load(parser.add_argument_group("the load"))


def _add_load(load: Any) -> None:
    def option(name: str, metavar: str, default: float | None, text: str) -> None:
        shown = "" if default is None else f" (default: {default:g})"
        load.add_argument(name, type=float, metavar=metavar, default=default, help=text + shown)

    option("--messages-per-day", "N", _NOBODY.messages_per_day, "messages sent")
    option("--message-bytes", "N", _NOBODY.message_bytes, "the length of a body")
    option("--reads-per-message", "R", _NOBODY.reads_per_message, "looks at a list of conversations and at one of them")
    option("--message-retention-days", "N", None, "messages stay so long; default: for ever")
    option("--months", "N", _NOBODY.months, "estimate the last of so many months at this load")
    option("--conversations", "N", None, "conversations; default: one for 100 messages")
    option("--peak-factor", "F", _NOBODY.peak_factor, "the rate of the busy hours over the average")


def run(arguments: argparse.Namespace) -> int:
    """Print the estimate, or the comparison with another template."""
    load, stacks = _load(arguments), _stacks(arguments)
    options: dict[str, Any] = {"region": arguments.region, "free_tier": not arguments.no_free_tier}
    if arguments.against:
        found = compare(assembly.stacks(arguments.against), stacks, load, **options)
        _print(arguments, report.comparison_object(found) | {"load": asdict(load)}, report.compared(found))
        return 0
    what = read(stacks, region=arguments.region)
    one, even = estimate(what, load, **options), break_even(what, load, **options)
    _print(
        arguments, report.as_object(one) | {"load": asdict(load), "break_even": asdict(even)}, report.text(one, even)
    )
    return 0


def _load(arguments: argparse.Namespace) -> Load:
    def optional(option: str, low: float, high: float) -> float | None:
        given = getattr(arguments, option.lstrip("-").replace("-", "_"))
        return None if given is None else number(arguments, option, low, high)

    body = number(arguments, "--message-bytes", 1, 409_600)
    if body != int(body):
        raise UsageError(f"--message-bytes must be a whole number, got {body:g}")
    return Load(
        messages_per_day=number(arguments, "--messages-per-day", 0, 1e9),
        message_bytes=int(body),
        reads_per_message=number(arguments, "--reads-per-message", 0, 1e6),
        retention_days=optional("--message-retention-days", 0, 36_500),
        months=number(arguments, "--months", 1, 1200),
        conversations=optional("--conversations", 0, 1e12),
        peak_factor=number(arguments, "--peak-factor", 1, 1000),
    )


def _stacks(arguments: argparse.Namespace) -> Stacks:
    if arguments.template:
        if arguments.context:
            raise UsageError("-c is for a synthesis; leave it out, or the template")
        return assembly.stacks(arguments.template)
    stack_name(stage=arguments.stage)  # refuses what is no stage
    to_stderr(f"synthesizing stage {arguments.stage}")
    return synthesis.synthesize(arguments.stage, arguments.context)


def _print(arguments: argparse.Namespace, result: dict[str, Any], lines: Any) -> None:
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(lines))
