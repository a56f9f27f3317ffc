"""Delete a plan that is not to be applied, or all plans of a stage."""

import argparse
import json
from contextlib import closing

from cli.clients import Clients
from cli.command_line import to_stderr
from ops import change_sets, template


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops unplan``."""
    change_sets.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete the change sets, and stacks that have nothing else; print them."""
    deleted = []
    with template.of_stage(arguments) as (_, stacks):
        for one in stacks:
            with closing(Clients(region=one.region)) as clients:
                for found in change_sets.plans(clients, one.name):
                    name = found["ChangeSetName"]
                    if arguments.plan in (None, name):
                        change_sets.delete(clients, one.name, name)
                        deleted.append({"plan": name, "stack": one.name, "region": clients.region})
    if arguments.json:
        print(json.dumps({"deleted": deleted}))
    for row in [] if arguments.json else deleted:
        print(f"deleted: {row['plan']} of stack {row['stack']} in {row['region']}")
    if not deleted:
        to_stderr(f"stage {arguments.stage} has no plan{f' {arguments.plan}' if arguments.plan else ''}")
    return 0
