"""Waiting with a deadline."""

import pytest

from cli.polling import DeadlineError, Progress, duration, poll
from tests.support.clock import FakeClock


def test_it_checks_at_once_after_growing_pauses_and_at_the_deadline():
    clock, checks = FakeClock(), []
    assert poll(lambda: "", seconds=0, clock=clock) == ""
    assert clock.slept == []
    with pytest.raises(DeadlineError, match="1 min 2 s"):
        poll(lambda: checks.append(clock.now), seconds=62, clock=clock)
    assert clock.slept[:3] == pytest.approx([0.2, 0.25, 0.3125])
    assert max(clock.slept) == 5.0
    assert checks[-1] == pytest.approx(62)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "0.2 s"), (12, "12 s"), (59.7, "1 min"), (185, "3 min 5 s"), (3600, "60 min")],
)
def test_durations_for_people(seconds, text):
    assert duration(seconds) == text


def test_progress_is_said_when_it_changes_and_no_more_often():
    clock, said = FakeClock(), []
    progress = Progress(said.append, clock)
    for state in ("CREATED", "RUNNING 0%", "RUNNING 0%", "RUNNING 50%"):
        progress.report("job", state)
        clock.sleep(0.5)
    assert said == ["job: CREATED after 0 s", "job: RUNNING 0% after 0.5 s", "job: RUNNING 50% after 1.5 s"]
