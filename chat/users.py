"""``users``: the users of the stage's user pool, by the names that commands take."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict

from chat.target import Commands, Target, command
from cli import output
from cli.errors import OpsError
from model.users import NAME_ATTRIBUTE, PlainNames, User


def add(commands: Commands) -> None:
    """The command line of ``users``."""
    parser = command(commands, "users", "the users of the stage's Cognito user pool", table=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the users, page by page as Cognito lists them."""
    found = _with_names(target)
    if arguments.json:
        output.array(map(asdict, found))
    else:
        output.lines(f"{user.sub}\t{output.safe_name(user.name)}{_state(user)}" for user in found)
    return 0


def _with_names(target: Target) -> Iterator[User]:
    """The users who have a name; reports the others, which no command can name."""
    directory = target.directory
    if isinstance(directory, PlainNames):
        raise OpsError(
            "the stage has no user pool, so users are plain names; deploy the stage with the setting "
            "user_pool_id, or pass --user-pool-id ID"
        )
    for user in directory.users():
        if user.name is None:
            target.say(
                f"skipped: user {output.safe(user.username)} ({user.sub}) has no {NAME_ATTRIBUTE}; "
                "commands take the sub"
            )
        else:
            yield user


def _state(user: User) -> str:
    """What keeps the user from signing in; empty for most."""
    states = [] if user.status == "CONFIRMED" else [user.status]
    states += [] if user.enabled else ["disabled"]
    return f"\t{', '.join(states)}" if states else ""
