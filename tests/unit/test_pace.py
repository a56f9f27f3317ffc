"""Calls at a given rate."""

import pytest
from botocore.exceptions import ClientError

from ops.cleanup.pace import Pace, each
from tests.support.clock import FakeClock


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
