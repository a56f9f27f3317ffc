"""``follow``: a conversation while it goes on."""

import argparse

from chat import show
from chat.follow import follow
from chat.options import Commands, command, conversation, count, pair
from chat.target import Target
from cli import output


def add(commands: Commands) -> None:
    """The command line of ``follow``."""
    parser = command(commands, "follow", "print new messages as they arrive, until Ctrl-C")
    parser.add_argument("conversation", type=pair, help="the two users in any order, for example jerry#tom")
    parser.add_argument(
        "--last", type=count, default=10, metavar="N", help="begin with so many messages (default: %(default)s)"
    )
    parser.epilog = "A message dated more than 2 minutes before the newest one is not printed; use `history`."
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Print the last messages, then new ones: with --json one a line. Ctrl-C is no failure."""
    wanted = conversation(arguments.conversation, target.directory)
    empty = True
    try:
        for found in follow(target.table, wanted, last=arguments.last, clock=target.clock):
            if empty and not found:
                target.say(f"conversation {wanted} has no messages yet; waiting for the first")
            empty = False
            if arguments.json:
                output.json_lines(found)
            else:
                output.lines(show.message_line(message, target.directory) for message in found)
    except KeyboardInterrupt:
        return 0
    return 0
