"""New messages of a conversation as they arrive, each of them once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chat.store import Span, backwards, messages
from cli.polling import Clock
from model.messages import MESSAGE_PREFIX, SORT_KEY, Position, format_time, parse_time

POLL_SECONDS = 1.0
# A message has its time before it is written, by the clock of its sender, and
# the SDK's retries can take a minute: so far back is looked at again.
OVERLAP = timedelta(minutes=2)


def follow(
    table: Any, conversation: str, *, last: int, clock: Clock, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[list[dict[str, Any]]]:
    """The ``last`` messages, then what every poll finds new, oldest first; without end.

    ``table`` is a boto3 DynamoDB Table. Each polling reads the last OVERLAP
    consistently, and before the newest message seen: one whose time lies
    further back than that when it arrives is not found.
    """
    shown: list[dict[str, Any]] = []
    seen: set[str] = set()
    floor = MESSAGE_PREFIX
    for message in backwards(table, conversation, page=last + 1):
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
        read = list(messages(table, conversation, Span(first=floor)))
        yield [message for message in read if message[SORT_KEY] not in seen]
        seen |= {message[SORT_KEY] for message in read}
        if seen:
            # Never back: a clock that is set back must not bring old messages again.
            floor = max(floor, _floor(max(seen), now()))
            seen = {key for key in seen if key >= floor}


def _floor(newest: str, now: datetime) -> str:
    """The sort key from which on is read again, when ``newest`` is the newest one seen.

    A message from the future, by a wrong clock, does not move it past the present.
    """
    try:
        moment = min(parse_time(Position.of(newest).sent_at), now)
    except ValueError:  # put by hand, with a key of its own
        moment = now
    return MESSAGE_PREFIX + format_time(moment - OVERLAP)
