"""Delete a plan that is not to be applied, or all plans of a stage."""

import argparse
import json
from contextlib import closing

from cli.clients import Clients, chosen_stack
from cli.command_line import to_stderr
from ops import change_sets, template
from ops.plan import add_stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops unplan``."""
    add_stage(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete the change sets, and stacks that have nothing else; print them."""
    stage = arguments.stage
    chosen_stack(stage=stage)  # refuses a name that no stage can have
    wanted = change_sets.checked_name(arguments.plan) if arguments.plan else None
    to_stderr(f"synthesizing stage {stage}")
    deleted = []
    for one in template.synthesize(stage, arguments.context):
        with closing(Clients(region=one.region)) as clients:
            for found in change_sets.plans(clients, one.name):
                name = found["ChangeSetName"]
                if wanted in (None, name):
                    change_sets.delete(clients, one.name, name)
                    deleted.append({"plan": name, "stack": one.name, "region": clients.region})
    if arguments.json:
        print(json.dumps({"deleted": deleted}))
    for row in [] if arguments.json else deleted:
        print(f"deleted: {row['plan']} of stack {row['stack']} in {row['region']}")
    if not deleted:
        to_stderr(f"stage {stage} has no {'such ' if wanted else ''}plan")
    return 0
