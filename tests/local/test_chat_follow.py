"""New messages as they arrive, on a clock of its own."""

from datetime import UTC, datetime, timedelta

import pytest

from chat.__main__ import main
from chat.follow import OVERLAP, POLL_SECONDS, follow
from chat.send import send
from model.messages import message_item

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATE = -OVERLAP.total_seconds()


class Days:
    """The clock and the calendar of one test: time passes during a sleep."""

    def __init__(self):
        self.now, self.slept = NOON, 0

    def sleep(self, seconds):
        assert seconds == POLL_SECONDS
        self.slept += 1
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def days():
    return Days()


@pytest.fixture
def say(own_table):
    """``say("x", -3)``: a message with that body and that many seconds from noon."""

    def write(body, seconds):
        at = NOON + timedelta(seconds=seconds)
        ident = f"{body}-{seconds}"
        send(own_table, message_item(sender="Tom", recipient="Jerry", body=body, sent_at=at, message_id=ident))

    return write


@pytest.fixture
def seen(own_table, days):
    """``seen(last=2)``: a function that polls once more, and returns the new bodies."""

    def start(last=10):
        found = follow(own_table, "jerry#tom", last=last, clock=days, now=lambda: days.now)
        return lambda: "".join(message["Body"] for message in next(found))

    return start


def test_the_last_ones_come_first_and_then_the_new_ones_once(seen, say, days):
    for n, body in enumerate("abcd"):
        say(body, n - 10)
    more = seen(last=2)
    assert more() == "cd"  # and what was there before is not new, though it is recent
    assert (more(), days.slept) == ("", 1)
    say("f", 2)
    say("e", 1)
    assert more() == "ef"
    assert more() == more() == ""
    say("g", 2)
    assert more() == "g"
    say("z", 2 + LATE + POLL_SECONDS * 5)  # arrives late
    assert more() == "z"
    assert more() == ""


def test_a_message_dated_further_back_than_the_help_says_is_left_to_history(seen, say, capsys):
    say("a", 0)
    more = seen()
    assert more() == "a"
    say("b", LATE - 1)
    say("c", LATE + 5)
    assert [more(), more()] == ["c", ""]
    with pytest.raises(SystemExit):
        main(["follow", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert OVERLAP.total_seconds() == 120
    assert "dated more than 2 minutes before the newest one is not printed; use `history`" in said


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_message_from_the_future_or_without_a_time_does_not_hide_those_of_now(own_table, seen, say, days, by_hand):
    if by_hand:
        own_table.put_item(Item={"pk": "CONVERSATION#jerry#tom", "sk": "MESSAGE#zzz", "Body": "z"})
    else:
        say("z", 10**8)
    more = seen()
    assert more() == "z"
    for n, body in enumerate("abc"):
        say(body, n)
        assert more() == body
    days.now += timedelta(days=1)
    say("d", 24 * 3600)
    assert [more(), more()] == ["d", ""]


def test_a_clock_that_is_set_back_brings_nothing_again(seen, say, days):
    say("z", 0)
    more = seen()
    more()
    days.now += OVERLAP * 2
    assert more() == ""
    days.now -= timedelta(hours=1)
    assert [more(), more()] == ["", ""]
