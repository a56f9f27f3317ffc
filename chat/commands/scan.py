"""``scan``: every item of a table."""

import argparse

from chat import show
from chat.keys import key_schema
from chat.options import Commands, add_typed, command, count
from chat.target import Target
from cli import output
from cli.errors import UsageError
from dynamo import parallel, values
from dynamo.parallel import lanes


def add(commands: Commands) -> None:
    """The command line of ``scan``."""
    parser = command(commands, "scan", "every item of the table, in no order, as they come")
    parser.add_argument("--limit", type=count, metavar="N", help="end after so many items")
    parser.add_argument(
        "--segments",
        type=count,
        default=1,
        metavar="N",
        help=f"read so many parts at once, for large tables; at most {parallel.MOST_SEGMENTS} (default: %(default)s)",
    )
    add_typed(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the items: with --json one a line."""
    if arguments.segments > parallel.MOST_SEGMENTS:
        raise UsageError(f"--segments must be at most {parallel.MOST_SEGMENTS}, got {arguments.segments}")
    as_json = arguments.json or arguments.typed
    keys = [] if as_json else list(key_schema(target.table))
    # What was asked is counted when it is answered; otherwise nobody waits for it.
    with lanes(arguments.segments, joined=arguments.capacity) as opened:
        for page in parallel.pages(target.table, opened, limit=arguments.limit):
            if arguments.typed:
                output.json_lines(map(values.typed, page))
            elif arguments.json:
                output.json_lines(page)
            else:
                output.lines(show.item_line(keys, item) for item in page)
    return 0
