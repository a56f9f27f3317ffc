"""A large seed: conversations of a realistic size and messages of about 380 bytes."""

from datetime import UTC, datetime, timedelta

from model.messages import Item, message_item
from model.wire import to_lines

PER_CONVERSATION = 100
_START = datetime(2026, 1, 1, 9, tzinfo=UTC)
_BODY = "As I said before, we meet where we met the last time; message"


def items(count: int) -> list[Item]:
    """That number of messages, PER_CONVERSATION for each pair of users."""
    return [
        message_item(
            sender=f"user{number // PER_CONVERSATION:05}",
            recipient="everybody",
            body=f"{_BODY} {number}",
            sent_at=_START + timedelta(minutes=number),
        )
        for number in range(count)
    ]


def lines(count: int) -> list[str]:
    """The same as the lines of a seed file."""
    return list(to_lines(items(count)))
