"""Show a stage's resources, permissions, cost and what a destroy keeps, or what a change does to them."""

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

from cli.clients import Clients, chosen_stack
from cli.command_line import to_stderr
from cli.errors import OpsError, UsageError
from ops import template
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
    there, before = _at_revision(base, asked, here) if base else (here, {})
    found, lines = [], []
    for stage in asked or dict.fromkeys([*here, *there]):
        after: template.Stacks = ()
        if stage in there and stage not in here:
            left = "no longer in cdk.json; its stack, if deployed, stays without reviews and updates"
            lines.append(f"stage {stage}: {left}")
        else:
            to_stderr(f"synthesizing stage {stage}")
            after = template.synthesize(stage, arguments.context)
        if base and stage not in before:
            lines.append(f"stage {stage}: new ({base} does not list it in cdk.json)")
        if base:
            name, stacks = base, paired(before.get(stage, ()), after)
        else:
            name, stacks = compared(
                after, lambda region: Clients(region=region or arguments.region, profile=arguments.profile)
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


def _at_revision(name: str, asked: list[str], here: list[str]) -> tuple[list[str], dict[str, template.Stacks]]:
    """The stages that a git revision lists, and its stacks for each reviewed stage that is not new.

    Raises UsageError for an unknown revision, OpsError for one that cannot be synthesized,
    such as one from before the project.
    """
    # `git archive`, and not a worktree, which an interrupt would leave in the repository.
    command = ["git", "archive", "--format=tar", f"{name}^{{commit}}"]
    done = subprocess.run(command, cwd=template.PROJECT, capture_output=True)
    if done.returncode:
        reason = done.stderr.decode().strip()
        raise UsageError(f"{name!r} is not a git revision ({reason}); pass a commit, tag or branch such as origin/main")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
        try:
            there, found = _stages(Path(folder)), {}
            for stage in asked or dict.fromkeys([*here, *there]):
                if stage in there or stage not in here:
                    to_stderr(f"synthesizing stage {stage} at {name}")
                    found[stage] = template.synthesize(stage, project=Path(folder))
            return there, found
        except (OpsError, OSError, KeyError, ValueError) as error:
            raise OpsError(f"revision {name}: {error}") from None
