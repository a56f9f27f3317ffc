"""Waiting with a deadline."""

import pytest

from cli.polling import DeadlineError, duration, poll
from tests.support.clock import FakeClock


@pytest.mark.parametrize("answer", ["done", ""])
def test_the_first_answer_needs_no_sleep(answer):
    clock = FakeClock()
    assert poll(lambda: answer, seconds=0, clock=clock) == answer
    assert clock.slept == []


def test_pauses_grow_from_a_fifth_of_a_second_to_five():
    clock = FakeClock()
    answers = iter([None] * 12 + ["done"])
    poll(lambda: next(answers), seconds=100, clock=clock)
    assert clock.slept[:3] == pytest.approx([0.2, 0.3, 0.45])
    assert clock.slept[-1] == 5.0


def test_the_last_check_is_at_the_deadline():
    clock, checks = FakeClock(), []
    with pytest.raises(DeadlineError, match="12 s"):
        poll(lambda: checks.append(clock.now), seconds=12, clock=clock)
    assert checks[-1] == pytest.approx(12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "0.2 s"), (12, "12 s"), (59.7, "1 min"), (185, "3 min 5 s"), (3600, "60 min")],
)
def test_durations_for_people(seconds, text):
    assert duration(seconds) == text
