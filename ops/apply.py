"""Deploy exactly what a plan says, if neither the deployed stacks nor the template have changed since."""

import argparse
import json
from contextlib import closing

from cli.clients import Clients
from cli.command_line import to_stderr
from cli.errors import OpsError, UsageError
from ops import change_sets, template
from ops.template import Stacks, StackTemplate

_AGAIN = "run make plan again"
_READY = "AVAILABLE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops apply``."""
    change_sets.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check every change set of the plan, then execute them one after the other, with the CDK CLI."""
    with template.of_stage(arguments) as (folder, stacks):
        name = arguments.plan or _only(arguments.stage, stacks)
        states = [(one, _state(one, name)) for one in stacks]
        if not any(state for _, state in states):
            raise UsageError(f"stage {arguments.stage} has no plan {name}; run make plan STAGE={arguments.stage}")
        ready = [one for one, state in states if state == _READY]
        for one in ready:
            to_stderr(f"executing {name} of stack {one.name}")
            options = ("--exclusively", "--method", "execute-change-set", "--change-set-name", name)
            if not change_sets.cdk(folder, "deploy", one.name, *options):
                raise OpsError(f"stack {one.name} was not deployed; the reason is above")
    applied = [one.name for one in ready]
    if arguments.json:
        print(json.dumps({"plan": name, "applied": applied}))
    else:
        print(f"{name}: {'applied to ' + ', '.join(applied) if applied else 'nothing to apply'}")
    return 0


def _only(stage: str, stacks: Stacks) -> str:
    """The name of the stage's only plan. Raises UsageError for none, or several."""
    names = set[str]()
    for one in stacks:
        with closing(Clients(region=one.region)) as clients:
            names |= {found["ChangeSetName"] for found in change_sets.plans(clients, one.name)}
    if not names:
        raise UsageError(f"stage {stage} has no plan; run make plan STAGE={stage}")
    if len(names) > 1:
        raise UsageError(f"stage {stage} has several plans: {', '.join(sorted(names))}; name one with PLAN=NAME")
    return names.pop()


def _state(stack: StackTemplate, name: str) -> str:
    """The execution status of the plan's change set; empty where it has none, because nothing changes.

    Raises OpsError if the stack or the template has changed since.
    """
    with closing(Clients(region=stack.region)) as clients:
        change_sets.refuse_unready(clients, stack.name)
        found = change_sets.described(clients, stack.name, name)
        state = found["ExecutionStatus"] if found else ""
        if state in ("", "EXECUTE_COMPLETE"):
            if change_sets.is_same(change_sets.template_of(clients, stack.name), stack.template):
                return state
            gone = "does not exist: it was deleted, or another deployment of the stack replaced it"
            done = "was applied, and the template has changed since" if found else gone
            raise OpsError(f"change set {name} of stack {stack.name} {done}; {_AGAIN}")
        if change_sets.template_of(clients, stack.name, name) != stack.template:
            raise OpsError(
                f"the template of stack {stack.name} is not that of {name}: the commit or a setting differs; check out "
                f"what was planned, pass the same ARGS, or {_AGAIN}"
            )
        if state == "OBSOLETE":
            raise OpsError(f"stack {stack.name} was changed after {name} was made; {_AGAIN}")
        if state != _READY:
            reason = f" ({found['StatusReason']})" if found and found.get("StatusReason") else ""
            raise OpsError(f"change set {name} of stack {stack.name} cannot be executed: {state}{reason}; {_AGAIN}")
        return state
