"""Show a stage's resources, permissions, cost and what a destroy keeps, or what a change does to them."""

import argparse
import json
import os
import tempfile
from pathlib import Path

from cli.clients import Clients, chosen_stack
from cli.command_line import to_stderr
from cli.errors import OpsError
from dynamo.parallel import lanes
from ops import template
from ops.review.base import check_out, synthesized
from ops.review.deployed_stacks import compared
from ops.review.stage_review import Review, paired


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops review``."""
    add = parser.add_argument
    every = "repeatable; default: every stage that cdk.json lists, here or in the base"
    add("--stage", action="append", metavar="STAGE", help=every)
    setting = "a setting for the reviewed version only, as with cdk -c; repeatable"
    add("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help=setting)
    add("--base", metavar="REVISION", help="compare with this git revision; default: with the deployed stacks")
    add("--format", choices=("text", "markdown"), default="text")
    add("--region", help="for deployed stacks whose stage sets no region; default: the environment's")
    add("--profile", help="AWS configuration profile")


def run(arguments: argparse.Namespace) -> int:
    """Print the review of each stage, after what changes in the list of stages."""
    asked, base, here = arguments.stage or [], arguments.base, _stages(template.PROJECT)
    for stage in asked:
        chosen_stack(stage=stage)  # refuses a name that no stage can have
    stages, before, after = _both_sides(base, asked, here, arguments.context)
    found, lines = [], []
    for stage in stages:
        if stage not in after:
            left = "no longer in cdk.json; its stack, if deployed, stays without reviews and updates"
            lines.append(f"stage {stage}: {left}")
        if base and stage not in before:
            lines.append(f"stage {stage}: new ({base} does not list it in cdk.json)")
        if base:
            name, stacks = base, paired(before.get(stage, ()), after.get(stage, ()))
        else:
            name, stacks = compared(
                after[stage], lambda region: Clients(region=region or arguments.region, profile=arguments.profile)
            )
        found.append(Review(stage=stage, base=name, stacks=stacks))
    if arguments.json:
        print(json.dumps([review.as_object() for review in found], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join([*lines, *("\n".join(getattr(review, arguments.format)()) for review in found)]))
    return 0


def _stages(project: Path) -> list[str]:
    """The stages that a checkout's cdk.json lists."""
    return list(json.loads((project / "cdk.json").read_text()).get("context", {}).get("stages", {}))


def _both_sides(
    base: str | None, asked: list[str], here: list[str], settings: list[str]
) -> tuple[list[str], dict[str, template.Stacks], dict[str, template.Stacks]]:
    """The reviewed stages, and by stage the stacks of the base and of this checkout, all synthesized in parallel.

    Raises OpsError for a base that cannot be synthesized, such as one from before the project.
    """
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        lanes(max(os.cpu_count() or 1, 2), joined=True) as opened,
    ):
        root = Path(folder)
        commit = check_out(base, root) if base else ""
        try:
            there = _stages(root) if base else here
            stages = asked or list(dict.fromkeys([*here, *there]))
            olds = [stage for stage in stages if base and (stage in there or stage not in here)]
            news = [stage for stage in stages if stage in here or stage not in there]
            before = [opened.submit(synthesized, base, commit, root, stage) for stage in olds]
            after = [opened.submit(_synthesize, stage, settings) for stage in news]
            old = {stage: future.result() for stage, future in zip(olds, before, strict=True)}
        except (OpsError, OSError, KeyError, ValueError) as error:
            raise OpsError(f"revision {base}: {error}") from None
        return stages, old, {stage: future.result() for stage, future in zip(news, after, strict=True)}


def _synthesize(stage: str, settings: list[str]) -> template.Stacks:
    to_stderr(f"synthesizing stage {stage}")
    return template.synthesize(stage, settings)
