"""``export``: the items of a table to a file."""

import argparse
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from chat.options import Commands, command, conversation, pair
from chat.target import Target
from chat.transfer.bar import bar
from chat.transfer.exporting import export
from chat.transfer.outputs import Output, part_file, stream
from chat.transfer.scanning import Selection
from chat.transfer.tables import describe
from cli.errors import UsageError
from cli.output import count


def add(commands: Commands) -> None:
    """The command line of ``export``."""
    parser = command(
        commands,
        "export",
        "the table's items, as lines that `import` and DynamoDB's own import from S3 read",
        writes=True,
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="default: standard output. An export to a file that is interrupted is continued by the same command",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--conversation", metavar="C", type=pair, help="only the messages of one conversation")
    only.add_argument("--messages", action="store_true", help="only messages, no entries of users' lists")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Export; what came of it goes to standard output, unless the items do."""
    to_file = arguments.file not in (None, "-")
    if arguments.json and not to_file:
        raise UsageError("--json is about the result, and needs FILE: the items go there then")
    selection = Selection(
        messages_only=arguments.messages,
        conversation=None if arguments.conversation is None else conversation(arguments.conversation, target.directory),
    )
    client = target.typed_client
    table = describe(client, target.table_name)
    opened: AbstractContextManager[Output] = (
        part_file(Path(arguments.file), table, selection, force=arguments.force)
        if to_file
        else stream(sys.stdout.buffer)
    )
    with opened as output:
        if output.items:
            target.say(f"continuing behind {count(output.items, 'item')}")
        with bar(f"exporting {table.name}", table.items) as advance:
            export(client, table, selection, output, advance)
    if arguments.json:
        print(json.dumps({"table": table.name, "file": arguments.file, "items": output.items}))
    elif to_file:
        print(f"{arguments.file}: {count(output.items, 'item')} of table {table.name}")
    else:
        target.say(f"{count(output.items, 'item')} of table {table.name}")
    return 0
