"""``tables``: the tables of an account and region."""

import argparse

from chat.target import Commands, Target, command
from cli import output


def add(commands: Commands) -> None:
    """The command line of ``tables``."""
    command(commands, "tables", "list the tables in the account and region", table=False)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the names, page by page."""
    pages = target.client.get_paginator("list_tables").paginate()
    names = (name for page in pages for name in page["TableNames"])
    (output.array if arguments.json else output.lines)(names)
    return 0
