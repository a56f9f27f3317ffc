"""The commands of ``python -m chat``, one module each.

A command is a module here that offers ``add(commands)``, and its line in
COMMANDS. ``add`` makes its parser with ``chat.options.command``, which gives it
the options that all commands have, and names the function that runs it::

    def add(commands: Commands) -> None:
        parser = command(commands, "send", "send a message")
        parser.add_argument("body")
        parser.set_defaults(run=run)

    def run(arguments: argparse.Namespace, target: Target) -> int:
        target.table.put_item(...)  # a boto3 DynamoDB Table; see chat/target.py
        return 0                    # the exit status

A failure is an OpsError, wrong usage a UsageError (cli/errors.py); botocore's
errors may pass through: chat/__main__.py turns each into one line.
"""

from typing import Protocol

from chat.commands import (
    conversations,
    delete,
    edit,
    export,
    follow,
    get,
    history,
    import_,
    put,
    reindex,
    scan,
    send,
    tables,
    users,
)
from chat.options import Commands


class Command(Protocol):
    """What a module of this package offers."""

    def add(self, commands: Commands) -> None:
        """Add the command's parser, with ``run`` among its defaults."""


# In the order in which --help lists them.
COMMANDS: tuple[Command, ...] = (
    conversations,
    history,
    follow,
    send,
    edit,
    delete,
    get,
    put,
    scan,
    tables,
    export,
    import_,
    reindex,
    users,
)
