"""``tables``: the tables of an account and region."""

import argparse

from chat.options import Commands, command
from chat.target import Target
from cli import output


def add(commands: Commands) -> None:
    """The command line of ``tables``."""
    parser = command(commands, "tables", "every table of the account and region", table=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the names, of every page of them."""
    pages = target.client.get_paginator("list_tables").paginate()
    names = (name for page in pages for name in page["TableNames"])
    (output.array if arguments.json else output.lines)(names)
    return 0
