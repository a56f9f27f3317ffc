"""Make change sets for a stage's stacks and print their review; deploys nothing."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cli.clients import Clients, chosen_stack
from cli.command_line import to_stderr
from cli.errors import OpsError
from ops import change_sets, drift, template
from ops.review.deployed_stacks import compared
from ops.review.stage_review import Review
from ops.template import Stacks, StackTemplate

_TITLE, _BY_HAND = "What CloudFormation will do", "What was changed by hand"
_NOTHING = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops plan``."""
    add_stage(parser)
    add = parser.add_argument
    add("--format", choices=("text", "markdown"), default="text")
    add("--import-existing-resources", action="store_true", help="adopt what an earlier stack kept, as with cdk deploy")
    add("--revert-drift", action="store_true", help="undo changes made by hand, as with cdk deploy")


def add_stage(parser: argparse.ArgumentParser) -> None:
    """The options that a plan and all that is done with it share."""
    add = parser.add_argument
    add("--stage", default=os.environ.get("STAGE") or "dev", help="default: $STAGE or dev")
    add("--plan", metavar="NAME", help="the plan's name, plan-...")
    add("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="a setting, as with cdk -c")


def run(arguments: argparse.Namespace) -> int:
    """Print the review of a plan and how to apply it; nothing stays behind where nothing changes."""
    stage = arguments.stage
    chosen_stack(stage=stage)  # refuses a name that no stage can have
    name = change_sets.checked_name(arguments.plan) if arguments.plan else change_sets.new_name()
    to_stderr(f"synthesizing stage {stage}")
    with template.assembly(stage, arguments.context) as folder:
        after = template.in_deployment_order(folder)
        base, stacks = compared(after, lambda region: Clients(region=region))
        _prepare(folder, arguments, name, after)
    before: dict[str, list[str]] = {_BY_HAND: [], _TITLE: []}
    planned = False
    for one in after:
        by_hand, found = _described(one, name)
        planned |= found != [_NOTHING]
        for heading, lines in ((_BY_HAND, by_hand), (_TITLE, found)):
            placed = [change_sets.place(one), *(f"    {line}" for line in lines)] if len(after) > 1 else lines
            before[heading] += placed
    review = Review(stage=stage, base=base, stacks=stacks, before=before)
    options = f" STAGE={stage} PLAN={name}" + (
        f' ARGS="-c {" -c ".join(arguments.context)}"' if arguments.context else ""
    )
    next_steps = [f"plan {name}", f"  apply it:  make apply{options}", f"  delete it: make unplan{options}"]
    if not planned:
        next_steps = ["nothing to apply, so no plan was kept"]
    if arguments.json:
        found_plan = {"plan": name if planned else None}
        print(json.dumps(found_plan | review.as_object(), indent=2, ensure_ascii=False))
    else:
        print("\n".join([*getattr(review, arguments.format)(), "", *next_steps]))
    return 0


def _prepare(folder: Path, arguments: argparse.Namespace, name: str, stacks: Stacks) -> None:
    """Let the CDK CLI make the change sets. Raises OpsError, after it has deleted those that were made."""
    switches = [
        f"--{switch}"
        for switch in ("import-existing-resources", "revert-drift")
        if getattr(arguments, switch.replace("-", "_"))
    ]
    options = ["--all", "--method", "prepare-change-set", "--change-set-name", name, *switches]
    done = False
    try:
        done = change_sets.cdk(folder, "deploy", *options)
    finally:
        if not done:
            for one in stacks:
                with closing(Clients(region=one.region)) as clients:
                    change_sets.delete(clients, one.name, name)
    if not done:
        raise OpsError("the plan could not be made, and nothing of it is left; the reason is above")


def _described(stack: StackTemplate, name: str) -> tuple[list[str], list[str]]:
    """What in a stack was changed by hand, and what CloudFormation will do to it.

    A change set without changes is deleted.
    """
    with closing(Clients(region=stack.region)) as clients:
        found = change_sets.described(clients, stack.name, name)
        if found is None:
            raise OpsError(f"change set {name} of stack {stack.name} was deleted by another process; plan again")
        try:
            by_hand = list(drift.lines(drift.detected(clients, stack.name), found)) or [_NOTHING]
        except OpsError as error:  # the plan is worth reading all the same
            by_hand = [f"! not known: {error}"]
        if change_sets.is_empty(found):
            change_sets.delete(clients, stack.name, name)
            return by_hand, [_NOTHING]
        return by_hand, list(_lines(clients, found))


def _lines(clients: Clients, found: change_sets.ChangeSet) -> Iterator[str]:
    findings = list(change_sets.validation(clients, found))
    yield from findings
    yield from change_sets.changes(found)
    if not findings:
        yield "its validation before a deployment found nothing"
    yield f"change set {found['ChangeSetId']}"
