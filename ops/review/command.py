"""Show a stage's resources, permissions, cost and what a destroy keeps, or what a change does to them."""

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from cli.clients import Clients, stack_name
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
    add("--profile", help="a profile in the AWS configuration files")


def run(arguments: argparse.Namespace) -> int:
    """Print the review of each stage, after what changes in the list of stages."""
    here = stages(template.PROJECT)
    for stage in arguments.stage or here:
        stack_name(stage=stage)  # refuses a name that no stage can have
    with revision(arguments.base) if arguments.base else nullcontext() as base:
        with _named(arguments.base):
            there = stages(base) if base else here
        wanted = arguments.stage or list(dict.fromkeys([*here, *there]))
        new = [stage for stage in wanted if stage in here and stage not in there]
        gone = [stage for stage in wanted if stage in there and stage not in here]
        found = []
        for stage in wanted:
            to_stderr(f"synthesizing stage {stage}")
            after = () if stage in gone else template.synthesize(stage, arguments.context)
            if base:
                with _named(arguments.base):
                    before = () if stage in new else template.synthesize(stage, project=base)
                found.append(Review(stage=stage, base=arguments.base, stacks=paired(before, after)))
            else:
                name, stacks = compared(after, lambda region: _clients(arguments, region))
                found.append(Review(stage=stage, base=name, stacks=stacks))
    if arguments.json:
        print(json.dumps([review.as_object() for review in found], indent=2, ensure_ascii=False))
        return 0
    lines = [f"stage {stage}: new ({arguments.base} does not list it in cdk.json)" for stage in new]
    left = "no longer in cdk.json; its stack, if deployed, stays without reviews and updates"
    lines += [f"stage {stage}: {left}" for stage in gone]
    print("\n\n".join([*lines, *("\n".join(getattr(review, arguments.format)()) for review in found)]))
    return 0


def _clients(arguments: argparse.Namespace, region: str | None) -> Clients:
    return Clients(region=region or arguments.region, profile=arguments.profile)


def stages(project: Path) -> list[str]:
    """The stages that a checkout's cdk.json lists."""
    settings = json.loads((project / "cdk.json").read_text())
    return list(settings.get("context", {}).get("stages", {}))


@contextmanager
def revision(name: str) -> Iterator[Path]:
    """A git revision of the project, unpacked. Raises UsageError for an unknown one."""
    # `git archive`, and not a worktree, which an interrupt would leave in the repository.
    command = ["git", "archive", "--format=tar", f"{name}^{{commit}}"]
    done = subprocess.run(command, cwd=template.PROJECT, capture_output=True)
    if done.returncode:
        raise UsageError(
            f"{name!r} is not a git revision here ({done.stderr.decode().strip()}); "
            "name a commit, a tag or a branch, such as origin/main"
        )
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
        yield Path(folder)


@contextmanager
def _named(revision: str) -> Iterator[None]:
    """What fails in a base, such as one from before the project, names the revision."""
    try:
        yield
    except (OpsError, OSError, KeyError, ValueError) as error:
        raise OpsError(f"revision {revision}: {error}") from None
