"""How a person names one message, or a place in a list, and what that is in keys. Pure."""

from datetime import UTC, datetime, timedelta

from cli.errors import UsageError
from model.messages import MESSAGE_PREFIX, Position, format_time, parse_time

# A beginning of an id that is shorter says too little.
SHORTEST = 4


def reference(sort_key: str) -> str:
    """How a message is named: TIME#ID; its whole sort key where that is spelled otherwise."""
    position = Position.of(sort_key)
    try:
        usual = format_time(parse_time(position.sent_at)) == position.sent_at
    except ValueError:
        usual = False
    return sort_key.removeprefix(MESSAGE_PREFIX) if usual and position.message_id else sort_key


def sort_key_of(text: str) -> str | None:
    """The sort key that a reference names; None for an id or the beginning of one.

    Raises UsageError for what can be neither, and for what is no time.
    """
    if text.startswith(MESSAGE_PREFIX):
        return text
    time, separator, message_id = text.partition("#")
    if separator and message_id:
        return f"{MESSAGE_PREFIX}{format_time(moment(time))}#{message_id}"
    if separator or ":" in text or len(text) < SHORTEST:
        raise UsageError(
            f"{text!r} names no message: TIME#ID, an id, or at least {SHORTEST} characters of its beginning"
        )
    return None


def upper_bound(text: str) -> str:
    """The sort key below which messages come before the reference or time ``text``."""
    if text.startswith(MESSAGE_PREFIX) or "#" in text:
        return str(sort_key_of(text))
    return MESSAGE_PREFIX + not_before(moment(text))


def place(text: str) -> tuple[str, str]:
    """The time and the conversation of TIME#CONVERSATION, or of a time alone, and "".

    As a list printed it, a place is taken as it is: a key that was put by hand
    may spell its time otherwise.
    """
    time, _, conversation = text.partition("#")
    if conversation and time.endswith("Z"):
        return time, conversation
    at = moment(time)
    return (format_time(at) if conversation else not_before(at)), conversation


def moment(text: str) -> datetime:
    """The moment that an ISO time with a zone names, or a date: its midnight in UTC.

    Raises UsageError for any other text.
    """
    try:
        if len(text) == len("2026-01-01"):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return parse_time(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time: ISO 8601 with a zone, like 2026-01-01T09:00:00Z, or a date, like 2026-01-01"
        ) from None


def not_before(moment: datetime) -> str:
    """The first time, as keys spell it, that is not before ``moment``."""
    try:
        return format_time(moment + timedelta(microseconds=-moment.microsecond % 1000))
    except OverflowError:  # in the last millisecond of year 9999
        return format_time(moment)
