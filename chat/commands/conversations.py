"""``conversations``: whom a user talks to, the latest first."""

import argparse
import shlex
from typing import Any

from chat import show, store
from chat.model import INDEX_NAME, INDEX_SORT_KEY
from chat.options import Commands, command, count, user
from chat.references import place
from chat.target import Target


def add(commands: Commands) -> None:
    """The command line of ``conversations``."""
    parser = command(commands, "conversations", "a user's conversations, the latest first")
    parser.add_argument("user", help="the user's name, in any case")
    parser.add_argument("--limit", type=count, default=20, metavar="N",
                        help="at most so many (default: %(default)s)")  # fmt: skip
    parser.add_argument("--before", metavar="CURSOR",
                        help="those behind TIME#CONVERSATION, as the last page said, or of "
                        "messages before a time")  # fmt: skip
    parser.add_argument(
        "--check", action="store_true",
        help="compare each with its last message, and mark those that lag",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the rows; say what the list may lack, and how to go on when there are more."""
    wanted = user(arguments.user, target.directory)
    before = place(arguments.before) if arguments.before is not None else None
    rows, more = store.conversations(target.table, wanted, limit=arguments.limit, before=before)
    lagging = [arguments.check and not store.is_current(target.table, row) for row in rows]
    if arguments.json:
        show.array(_marked(rows, lagging) if arguments.check else rows)
    else:
        show.conversations(rows, lagging, target.directory)
    if not rows:
        target.say(f"{show.safe(arguments.user)} has no {'earlier ' if before else ''}conversations"
                   f" in table {target.table_name}")  # fmt: skip
    target.say(
        f"{sum(lagging)} of {len(rows)} lag behind their last message" if arguments.check else
        f"from the index {INDEX_NAME}, which follows messages within moments: the last seconds "
        "may be missing; --check compares"
    )  # fmt: skip
    if more:
        cursor = f"{rows[-1][INDEX_SORT_KEY]}#{store.listed(rows[-1])}"
        target.say(f"there are more: --before {shlex.quote(cursor)}")
    return 0


def _marked(rows: list[dict[str, Any]], lagging: list[bool]) -> list[dict[str, Any]]:
    return [row | {"Lags": lags} for row, lags in zip(rows, lagging, strict=True)]
