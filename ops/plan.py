"""Make change sets for a stage's stacks and print their review; deploys nothing."""

import argparse
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from botocore.exceptions import ClientError

from cli.clients import Clients
from cli.command_line import to_stderr
from cli.errors import OpsError, explain
from ops import change_sets, drift, template
from ops.review.deployed_stacks import compared
from ops.review.stage_review import Review
from ops.template import Stacks, StackTemplate

_TITLE, _BY_HAND = "What CloudFormation will do", "What was changed by hand"
_NOTHING = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops plan``."""
    change_sets.add_arguments(parser)
    add = parser.add_argument
    add("--format", choices=("text", "markdown"), default="text")
    add("--import-existing-resources", action="store_true", help="adopt what an earlier stack kept, as with cdk deploy")
    add("--revert-drift", action="store_true", help="undo changes made by hand, as with cdk deploy")


def run(arguments: argparse.Namespace) -> int:
    """Print the review of a plan and how to apply it; nothing stays behind where nothing changes."""
    stage, name = arguments.stage, arguments.plan or change_sets.new_name()
    settings = " -c ".join(["", *arguments.context]).strip()
    options = f" STAGE={stage} PLAN={name}" + (f' ARGS="{settings}"' if settings else "")
    before: dict[str, list[str]] = {_BY_HAND: [], _TITLE: []}
    planned = False
    with template.of_stage(arguments) as (folder, after):
        base, stacks = compared(after, lambda region: Clients(region=region))
        with _deleted_on_failure(after, name, unplan=f"make unplan{options}"):
            _prepare(folder, arguments, name)
            for one in after:
                by_hand, found = _described(one, name)
                planned |= found != [_NOTHING]
                for heading, lines in ((_BY_HAND, by_hand), (_TITLE, found)):
                    place = f"{one.name} in {one.region}"
                    before[heading] += [place, *(f"    {line}" for line in lines)] if len(after) > 1 else lines
    review = Review(stage=stage, base=base, stacks=stacks, before=before)
    next_steps = [f"plan {name}", f"  apply it:  make apply{options}", f"  delete it: make unplan{options}"]
    if not planned:
        next_steps = ["nothing to apply, so no plan was kept"]
    if arguments.json:
        found_plan = {"plan": name if planned else None}
        print(json.dumps(found_plan | review.as_object(), indent=2, ensure_ascii=False))
    else:
        print("\n".join([*getattr(review, arguments.format)(), "", *next_steps]))
    return 0


@contextmanager
def _deleted_on_failure(stacks: Stacks, name: str, *, unplan: str) -> Iterator[None]:
    """Delete the change sets if the block fails. Raises OpsError, before it, for a stack that cannot have them."""
    for one in stacks:
        with closing(Clients(region=one.region)) as clients:
            change_sets.refuse_unready(clients, one.name)
            if any(plan["ChangeSetName"] == name for plan in change_sets.plans(clients, one.name)):
                raise OpsError(f"stack {one.name} has a plan {name}; apply it, or delete it first: {unplan}")
    try:
        yield
    except BaseException:
        for one in stacks:
            with closing(Clients(region=one.region)) as clients:
                change_sets.delete(clients, one.name, name)
        raise


def _prepare(folder: Path, arguments: argparse.Namespace, name: str) -> None:
    """Let the CDK CLI make the change sets. Raises OpsError."""
    options = ["--all", "--method", "prepare-change-set", "--change-set-name", name]
    for switch in ("import-existing-resources", "revert-drift"):
        if getattr(arguments, switch.replace("-", "_")):
            options.append(f"--{switch}")
    to_stderr(f"making change sets {name}")
    if not change_sets.cdk(folder, "deploy", *options, quiet=True):
        raise OpsError("the plan could not be made; the reason is above")


def _described(stack: StackTemplate, name: str) -> tuple[list[str], list[str]]:
    """What in a stack was changed by hand, and what CloudFormation will do to it.

    A change set without changes is deleted.
    """
    with closing(Clients(region=stack.region)) as clients:
        found = change_sets.described(clients, stack.name, name)
        if found is None:
            raise OpsError(f"change set {name} of stack {stack.name} was deleted by another process; plan again")
        try:
            by_hand = list(drift.lines(drift.detected(clients, stack.name) or (), found)) or [_NOTHING]
        except (ClientError, OpsError) as error:  # the plan is worth reading all the same
            by_hand = [f"! not known: {explain(error) if isinstance(error, ClientError) else error}"]
        if change_sets.is_empty(found):
            change_sets.delete(clients, stack.name, name)
            return by_hand, [_NOTHING]
        findings = list(change_sets.validation(clients, found)) or ["its validation before a deployment found nothing"]
        return by_hand, [*findings, *change_sets.changes(found), f"change set {found['ChangeSetId']}"]
