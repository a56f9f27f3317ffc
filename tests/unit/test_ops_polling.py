"""Waiting with a deadline, and calls at a given rate, on a clock of our own."""

import pytest
from botocore.exceptions import ClientError

from cli.polling import DeadlineError, duration, poll
from ops.cleanup.pace import Pace, each


class FakeClock:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def test_the_first_answer_needs_no_sleep():
    clock = FakeClock()
    assert poll(lambda: "done", seconds=0, clock=clock) == "done"
    assert clock.slept == []


def test_an_empty_answer_is_an_answer():
    assert poll(lambda: "", seconds=0, clock=FakeClock()) == ""


def test_pauses_grow_from_a_fifth_of_a_second_to_five():
    clock = FakeClock()
    answers = iter([None] * 12 + ["done"])
    poll(lambda: next(answers), seconds=100, clock=clock)
    assert clock.slept[:3] == pytest.approx([0.2, 0.3, 0.45])
    assert clock.slept[-1] == 5.0


def test_the_deadline_is_met_exactly_after_one_last_look():
    clock, looks = FakeClock(), []
    with pytest.raises(DeadlineError, match="12 s"):
        poll(lambda: looks.append(clock.now), seconds=12, clock=clock)
    assert looks[-1] == pytest.approx(12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "0.2 s"), (12, "12 s"), (59.7, "1 min"), (185, "3 min 5 s"), (3600, "60 min")],
)
def test_durations_for_people(seconds, text):
    assert duration(seconds) == text


def test_calls_are_spaced_by_the_rate():
    clock = FakeClock()
    pace = Pace(10, clock)
    for _ in range(4):
        pace.wait()
    assert clock.slept == pytest.approx([0.1, 0.1, 0.1])


def test_a_throttled_answer_slows_down_and_a_smooth_one_does_not():
    pace = Pace(10, FakeClock())
    pace.note({"ResponseMetadata": {"RetryAttempts": 0}})
    assert pace.interval == 0.1
    pace.note({"ResponseMetadata": {"RetryAttempts": 2}})
    assert pace.interval == pytest.approx(0.15)
    for _ in range(20):
        pace.note({"ResponseMetadata": {"RetryAttempts": 1}})
    assert pace.interval == 2.0


def test_a_pace_slower_than_the_slowest_is_not_made_faster():
    pace = Pace(0.1, FakeClock())
    pace.note({"ResponseMetadata": {"RetryAttempts": 1}})
    assert pace.interval == 10


def test_one_failure_stops_no_other():
    def call(n):
        if n % 2:
            raise ClientError({"Error": {"Code": "X"}}, "Delete")
        return {}

    results = dict(each(range(20), call, Pace(10_000)))
    assert {n for n, error in results.items() if error} == set(range(1, 20, 2))
    assert len(results) == 20


def test_after_an_interruption_no_further_call_goes_out():
    called = []

    def consume():
        for _ in each(range(1000), lambda n: called.append(n) or {}, Pace(1000)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert len(called) < 100


def test_a_programming_error_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        list(each([0], lambda n: {"": 1 / n}, Pace(1000)))
