"""What a stage's template says and what a change of it means, for the person who reviews it."""

import argparse
import json
from collections.abc import Iterator
from contextlib import closing, nullcontext

from botocore.exceptions import BotoCoreError, ClientError

from ops.clients import Clients
from ops.command import to_stderr
from ops.costing.synthesis import synthesize
from ops.errors import OpsError, explain
from ops.reviewing.report import Review
from ops.reviewing.sources import Revision, Template, deployed, region_of, stages
from ops.stack import stack_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops review``."""
    parser.add_argument(
        "--stage", action="append", metavar="STAGE",
        help="repeatable; default: every stage that cdk.json lists",
    )  # fmt: skip
    parser.add_argument(
        "--base", metavar="REVISION",
        help="compare with this git revision; default: with the deployed stack",
    )  # fmt: skip
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument(
        "--region", help="of the deployed stack; default: the stage's, or the environment's"
    )
    parser.add_argument("--profile", help="a profile of the AWS configuration files")


def run(arguments: argparse.Namespace) -> int:
    """Print the review of each stage."""
    wanted = arguments.stage or stages()
    for stage in wanted:
        stack_name(stage=stage)  # refuses what is no stage
    found = list(_reviews(arguments, wanted))
    if arguments.json:
        print(json.dumps([review.as_object() for review in found], indent=2, ensure_ascii=False))
        return 0
    texts = ("\n".join(getattr(review, arguments.format)()) for review in found)
    print("\n\n".join(texts))
    return 0


def _reviews(arguments: argparse.Namespace, wanted: list[str]) -> Iterator[Review]:
    with Revision(arguments.base) if arguments.base else nullcontext() as revision:
        for stage in wanted:
            to_stderr(f"synthesizing stage {stage}")
            template = synthesize(stage)
            base, before = (
                (arguments.base, revision.template(stage))
                if revision
                else _deployed(arguments, stage)
            )
            yield Review(stage=stage, template=template, base=base, before=before)


def _deployed(arguments: argparse.Namespace, stage: str) -> tuple[str, Template | None]:
    """What the comparison is with, and that template; a review needs no account."""
    name = stack_name(stage=stage)
    try:
        clients = Clients(region=arguments.region or region_of(stage), profile=arguments.profile)
        with closing(clients):
            identity = clients.identity()
            before = deployed(clients, stage)
    except (ClientError, BotoCoreError) as error:
        return f"{explain(error)}; or compare with a git revision: --base REVISION", None
    except OpsError as error:
        return f"{error}; or compare with a git revision: --base REVISION", None
    where = f"account {identity.account}, region {identity.region}"
    if before is None:
        return f"stack {name} is not deployed in {where}", None
    return f"the deployed stack {name} in {where}", before
