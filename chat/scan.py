"""``scan``: every item of a table."""

import argparse

from chat.items import item_line, key_schema
from chat.target import Commands, Target, add_typed, command, count
from cli import output
from cli.errors import UsageError
from dynamo import values
from dynamo.parallel import MOST_SEGMENTS, lanes, pages


def add(commands: Commands) -> None:
    """The command line of ``scan``."""
    parser = command(commands, "scan", "print every item of the table, unordered")
    parser.add_argument("--limit", type=count, metavar="N", help="stop after N items")
    text = f"scan N segments in parallel; at most {MOST_SEGMENTS} (default: %(default)s)"
    parser.add_argument("--segments", type=count, default=1, metavar="N", help=text)
    add_typed(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the items: with --json one on each line."""
    if arguments.segments > MOST_SEGMENTS:
        raise UsageError(f"--segments must be at most {MOST_SEGMENTS}, got {arguments.segments}")
    as_json = arguments.json or arguments.typed
    keys = [] if as_json else list(key_schema(target.table))
    # Only counting the capacity needs the answers of requests that are still under way at the end.
    with lanes(arguments.segments, joined=arguments.capacity) as opened:
        for page in pages(target.table, opened, limit=arguments.limit):
            if arguments.typed:
                output.json_lines(map(values.typed, page))
            elif arguments.json:
                output.json_lines(page)
            else:
                output.lines(item_line(keys, item) for item in page)
    return 0
