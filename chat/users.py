"""``users``: the users of the stage's user pool, by the names that commands take."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict

from chat.target import Commands, Target, command
from cli import output
from cli.errors import OpsError
from model.users import NAME_ATTRIBUTE, Directory, PlainNames, User


def add(commands: Commands) -> None:
    """The command line of ``users``."""
    command(commands, "users", "the users of the stage's Cognito user pool", table=False)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the users, page by page as Cognito lists them."""
    if isinstance(target.directory, PlainNames):
        raise OpsError(
            "the stage has no user pool, so users are plain names; deploy the stage with the setting "
            "user_pool_id, or pass --user-pool-id ID"
        )
    found = _with_names(target.directory, target)
    if arguments.json:
        output.array(map(asdict, found))
    else:
        output.lines("\t".join([user.sub, output.safe_name(user.name), *_state(user)]) for user in found)
    return 0


def _with_names(directory: Directory, target: Target) -> Iterator[User]:
    """The users who have a name; reports the others, which no command can name."""
    for user in directory.users():
        if user.name is None:
            name = f"{output.safe(user.username)} ({user.sub})"
            target.say(f"skipped: user {name} has no {NAME_ATTRIBUTE}; commands accept the sub")
        else:
            yield user


def _state(user: User) -> list[str]:
    """What keeps the user from signing in; empty for most."""
    states = [] if user.status == "CONFIRMED" else [user.status]
    states += [] if user.enabled else ["disabled"]
    return [", ".join(states)] if states else []
