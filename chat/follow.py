"""``follow``: the new messages of a conversation as they arrive, each of them once."""

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chat.history import message_line
from chat.queries import messages
from chat.target import Commands, Target, command, count, pair
from cli import output
from cli.polling import SYSTEM_CLOCK, Clock
from model.messages import MESSAGE_PREFIX, SORT_KEY, Position, format_time, parse_time

POLL_SECONDS = 1.0
# How far back each poll reads. A message gets its time from its sender's clock before it is written, and the
# SDK's retries can take a minute.
OVERLAP = timedelta(minutes=2)


def add(commands: Commands) -> None:
    """The command line of ``follow``."""
    parser = command(commands, "follow", "print new messages as they arrive, until Ctrl-C")
    parser.add_argument("conversation", type=pair, help="the two users in any order, for example jerry#tom")
    text = "show the last N messages first (default: %(default)s)"
    parser.add_argument("--last", type=count, default=10, metavar="N", help=text)
    parser.epilog = "A message dated more than 2 minutes before the newest one is not printed; use `history`."


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the last messages, then new ones: with --json one on each line. Ctrl-C is not a failure."""
    wanted = target.conversation(arguments.conversation)
    empty = True
    try:
        for found in follow(target.table, wanted, last=arguments.last, clock=SYSTEM_CLOCK):
            if empty and not found:
                target.say(f"conversation {wanted} has no messages yet; waiting for the first")
            empty = False
            if arguments.json:
                output.json_lines(found)
            else:
                output.lines(message_line(message, target.directory) for message in found)
    except KeyboardInterrupt:
        pass
    return 0


def follow(
    table: Any, conversation: str, *, last: int, clock: Clock, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[list[dict[str, Any]]]:
    """The ``last`` messages of a boto3 Table, then what every poll finds new, oldest first; without end.

    Each poll reads from OVERLAP before the newest message: one that is dated further back is not found.
    """
    shown: list[dict[str, Any]] = []
    seen: set[str] = set()
    floor = MESSAGE_PREFIX
    for message in messages(table, conversation, backwards=True, page=last + 1):
        if not seen:
            floor = _floor(message[SORT_KEY], now())
        elif len(shown) >= last and message[SORT_KEY] < floor:
            break
        seen.add(message[SORT_KEY])
        if len(shown) < last:
            shown.append(message)
    yield shown[::-1]
    while True:
        clock.sleep(POLL_SECONDS)
        read = list(messages(table, conversation, first=floor))
        yield [message for message in read if message[SORT_KEY] not in seen]
        seen |= {message[SORT_KEY] for message in read}
        if seen:
            # Never back: a clock that is set back must not bring old messages again.
            floor = max(floor, _floor(max(seen), now()))
            seen = {key for key in seen if key >= floor}


def _floor(newest: str, now: datetime) -> str:
    """The sort key from which to read after ``newest``; one from the future, by a wrong clock, counts as of now."""
    try:
        moment = min(parse_time(Position.of(newest).sent_at), now)
    except ValueError:  # put by hand, with a key of its own
        moment = now
    return MESSAGE_PREFIX + format_time(moment - OVERLAP)
