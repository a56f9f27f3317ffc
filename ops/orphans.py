"""Show what stacks that are gone, or never came about, have left in the account."""

import argparse
import dataclasses

from cli.clients import stack_name
from cli.command_line import Context
from cli.errors import UsageError
from model.names import PREFIX
from ops.inventory import command as holdings
from ops.inventory.command import Holding
from ops.inventory.costs import Thing

# Nobody can use or update such a stack, only delete it.
_DEAD = frozenset({"CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops orphans``."""
    parser.add_argument(
        "--ephemeral",
        metavar="PREFIX",
        default=None,
        help="stages whose names begin so should be gone by now: count them while deployed, too",
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Show them; exit status 1 when there are any, or the caller may not look everywhere."""
    context.say(holdings.every_stack(context))
    found, unseen = holdings.take(context, every=True)
    orphans = [left for held in found if (left := left_over(held, ephemeral=arguments.ephemeral))]
    if orphans or arguments.json:
        holdings.show_them(context, orphans, as_json=arguments.json)
    else:
        print("nothing is left of a stack that is gone")
    for held in orphans:
        context.say(f"{held.stack}: to remove it, {remedy(held, context.region)}")
    holdings.say_unseen(context, unseen)
    return 1 if orphans or unseen else 0


def left_over(held: Holding, *, ephemeral: str | None = None) -> Holding | None:
    """What of a stack's holdings nobody uses and nothing will remove; None for no such thing.

    ``ephemeral``: stages whose names begin so count as a whole.
    """
    temporary = ephemeral is not None and held.stack.startswith(PREFIX + ephemeral)
    if held.status in _DEAD or (held.status and temporary):
        return held
    left = () if held.status else tuple(thing for thing in held.things if _stays(thing))
    return dataclasses.replace(held, things=left) if left else None


def remedy(held: Holding, region: str) -> str:
    """What removes a stack of a stage, or one that is no stage's own, such as that of copies.

    A clean-up deletes no table: where nothing else is left, the commands that do.
    """
    commands = [thing.how_to_delete for thing in held.things]
    if commands and all(commands) and not held.status:
        return ", then ".join(commands)
    stage, where = held.stack.removeprefix(PREFIX), f"--region {region}"
    if _is_stage(stage):
        first = f"make destroy STAGE={stage}, then " if held.status else ""
        return f"{first}python -m ops cleanup --stage {stage} {where}"
    name = held.stack
    first = f"aws cloudformation delete-stack --stack-name {name} {where}, then "
    return f"{first if held.status else ''}python -m ops cleanup --stack {name} {where}"


def _is_stage(name: str) -> bool:
    try:
        stack_name(stage=name)
    except UsageError:
        return False
    return True


def _stays(thing: Thing) -> bool:
    """Not what goes by itself on a day, and not a role of the stack in another region."""
    return thing.until is None and not (thing.kind == "role" and thing.detail)
