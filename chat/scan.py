"""``scan``: every item of a table."""

import argparse
import sys
from typing import Any

from chat.items import item_line, key_schema
from chat.target import Commands, Target, add_typed, command, count
from cli import output
from cli.command_line import between
from dynamo import values
from dynamo.parallel import MOST_SEGMENTS, After, in_segments, lanes, page_after


def add(commands: Commands) -> None:
    """The command line of ``scan``."""
    parser = command(commands, "scan", "print every item of the table, unordered")
    parser.add_argument("--limit", type=count, metavar="N", help="stop after N items")
    text, number = f"scan N segments in parallel; at most {MOST_SEGMENTS} (default: 1)", between(1, MOST_SEGMENTS, int)
    parser.add_argument("--segments", type=number, default=1, metavar="N", help=text)
    add_typed(parser)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the items: with --json one on each line."""
    as_json, limit = arguments.json or arguments.typed, arguments.limit
    keys, left = [] if as_json else list(key_schema(target.table)), limit or sys.maxsize
    request = {"TableName": target.table_name, "TotalSegments": arguments.segments} | (
        {"Limit": limit} if limit else {}
    )

    def read(segment: int, after: After) -> tuple[list[dict[str, Any]], After]:
        # Eventually consistent: half the price, and a whole table is no snapshot either way.
        return page_after(after, target.client.scan, **request, Segment=segment)

    # Only counting the capacity needs the answers of requests that are still under way at the end.
    with lanes(arguments.segments, joined=arguments.capacity) as opened:
        for _, found, _ in in_segments(opened, read, dict.fromkeys(range(arguments.segments))):
            page, left = found[:left], left - len(found)
            if arguments.typed:
                output.json_lines(map(values.typed, page))
            elif arguments.json:
                output.json_lines(page)
            else:
                output.lines(item_line(keys, item) for item in page)
            if left <= 0:
                break
    return 0
