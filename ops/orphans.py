"""List what deleted or incomplete stacks, and plans that were not applied, have left in the account."""

import argparse
import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cli.clients import chosen_stack
from cli.command_line import Context
from cli.errors import UsageError
from model.names import PREFIX
from ops import change_sets
from ops.inventory import command as inventory
from ops.inventory.command import Holding
from ops.inventory.leftovers import say_unseen

# A plan that waits for its approval is not one of them.
OLD = timedelta(days=7)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops orphans``."""
    parser.add_argument(
        "--ephemeral", metavar="PREFIX", default=None, help="also list deployed stages whose names begin with PREFIX"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Show them; exit status 1 when there are any, or the caller may not look everywhere."""
    context.say(inventory.every_stack(context))
    found, unseen = inventory.take(context, every=True)
    plans = {
        held.stack: change_sets.plans(context.clients, held.stack)
        for held in found
        if held.status and held.stack.startswith(PREFIX)
    }
    # A stack that has a plan and nothing else waits for its approval, or goes with the plan.
    known = [held for held in found if not (held.status == change_sets.NEW_STACK and plans.get(held.stack))]
    orphans = [left for held in known if (left := left_over(held, ephemeral=arguments.ephemeral))]
    if orphans or arguments.json:
        inventory.show_them(context, orphans, as_json=arguments.json)
    else:
        print("no resources left by deleted stacks")
    for held in orphans:
        context.say(f"{held.stack}: to remove it, {remedy(held, context.region)}")
    old = [line for stack, made in plans.items() for line in _old(stack, made)]
    for line in old:
        context.say(line)
    say_unseen(context, unseen)
    return 1 if orphans or old or unseen else 0


def _old(stack: str, plans: list[change_sets.ChangeSet]) -> Iterator[str]:
    """The plans that were not applied for long, and what deletes them."""
    for plan in plans:
        name, made = plan["ChangeSetName"], plan["CreationTime"]
        if datetime.now(UTC) - made >= OLD:
            stage = stack.removeprefix(PREFIX).partition("-Copies-")[0]
            yield (
                f"{stack}: {name} was made on {made:%Y-%m-%d} and not applied; "
                f"delete it: make unplan STAGE={stage} PLAN={name}"
            )


def left_over(held: Holding, *, ephemeral: str | None = None) -> Holding | None:
    """The stack's abandoned resources, or None.

    All that a temporary stage has counts, if its name begins with ``ephemeral``. What AWS removes
    by itself on a day does not, nor does a role of the stack of that name in another region.
    """
    temporary = ephemeral is not None and held.stack.startswith(PREFIX + ephemeral)
    if held.status in change_sets.DEAD | {change_sets.NEW_STACK} or (held.status and temporary):
        return held
    left = tuple(thing for thing in held.things if not thing.until and not (thing.kind == "role" and thing.detail))
    return dataclasses.replace(held, things=left) if left and not held.status else None


def remedy(held: Holding, region: str) -> str:
    """The commands that remove a stack; if only tables are left, which no clean-up deletes, theirs."""
    commands = [thing.how_to_delete for thing in held.things]
    if commands and all(commands) and not held.status:
        return ", then ".join(commands)
    stage = held.stack.removeprefix(PREFIX)
    try:
        chosen_stack(stage=stage)
    except UsageError:
        name, destroy = f"--stack {held.stack}", f"aws cloudformation delete-stack --stack-name {held.stack}"
        destroy += f" --region {region}"
    else:
        name, destroy = f"--stage {stage}", f"make destroy STAGE={stage}"
    return f"{destroy + ', then ' if held.status else ''}python -m ops cleanup {name} --region {region}"
