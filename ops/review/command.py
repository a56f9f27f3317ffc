"""What a stage's templates say and what a change of them means, for the person who reviews it."""

import argparse
import json
from contextlib import nullcontext

from cli.clients import Clients, stack_name
from cli.command_line import to_stderr
from ops.cost.synthesis import synthesize
from ops.review.deployed import compared
from ops.review.listed import Listed
from ops.review.report import Review
from ops.review.sources import Revision, stages
from ops.review.stacks import paired


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops review``."""
    parser.add_argument(
        "--stage",
        action="append",
        metavar="STAGE",
        help="repeatable; default: every stage that cdk.json lists, here or in the base",
    )
    parser.add_argument(
        "-c",
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of what is reviewed, not of what it is compared with, as after cdk -c; repeatable",
    )
    parser.add_argument(
        "--base", metavar="REVISION", help="compare with this git revision; default: with the deployed stacks"
    )
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--region", help="of deployed stacks whose stage sets no region; default: the environment's")
    parser.add_argument("--profile", help="a profile of the AWS configuration files")


def run(arguments: argparse.Namespace) -> int:
    """Print the review of each stage, after what is to say of the stages themselves."""
    for stage in arguments.stage or stages():
        stack_name(stage=stage)  # refuses what is no stage
    with Revision(arguments.base) if arguments.base else nullcontext() as revision:
        here = stages()
        listed = Listed(here=here, base=revision.stages() if revision else here)
        wanted = arguments.stage or listed.all
        found = [_review(arguments, stage, listed, revision) for stage in wanted]
    if arguments.json:
        print(json.dumps([review.as_object() for review in found], indent=2, ensure_ascii=False))
        return 0
    texts = ("\n".join(getattr(review, arguments.format)()) for review in found)
    print("\n\n".join([*listed.said(wanted, arguments.base), *texts]))
    return 0


def _review(arguments: argparse.Namespace, stage: str, listed: Listed, revision: Revision | None) -> Review:
    def place(region: str | None) -> Clients:
        return Clients(region=region or arguments.region, profile=arguments.profile)

    to_stderr(f"synthesizing stage {stage}")
    stacks = () if listed.is_gone(stage) else synthesize(stage, arguments.context)
    if not revision:
        base, reviewed = compared(stacks, place)
        return Review(stage=stage, base=base, stacks=reviewed)
    before = () if listed.is_new(stage) else revision.stacks(stage)
    return Review(stage=stage, base=arguments.base, stacks=paired(before, stacks))
