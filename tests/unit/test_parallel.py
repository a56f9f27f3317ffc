"""Reading a table in parallel segments: what comes, what is asked for ahead, how threads end."""

import threading
from collections import Counter

import pytest

from dynamo.parallel import in_segments, lanes

PAGES = 5


def numbered(segment, after):
    """A page that is its own name, of a segment that has PAGES of them."""
    number = after["n"] + 1 if after else 0
    return f"{segment}-{number}", {"n": number} if number + 1 < PAGES else None


def test_every_page_of_every_segment_comes_in_its_order():
    with lanes(3) as opened:
        found = list(in_segments(opened, numbered, dict.fromkeys(range(4))))
    assert len(found) == 4 * PAGES
    for segment in range(4):
        assert [page for of, page, _ in found if of == segment] == [f"{segment}-{number}" for number in range(PAGES)]
    with lanes(2) as opened:
        found = sorted(one[:2] for one in in_segments(opened, numbered, {7: {"n": 2}, 9: {"n": 3}}))
        assert list(in_segments(opened, numbered, {})) == []
    assert found == [(7, "7-3"), (7, "7-4"), (9, "9-4")]


def test_a_page_is_read_when_the_caller_has_used_the_one_before():
    asked, taken = Counter(), Counter()

    def read(segment, after):
        asked[segment] += 1
        return numbered(segment, after)

    with lanes(8) as opened:
        for segment, *_ in in_segments(opened, read, dict.fromkeys(range(3))):
            taken[segment] += 1
            assert asked[segment] == taken[segment]
            assert all(asked[other] <= taken[other] + 1 for other in range(3))
    assert taken == asked == dict.fromkeys(range(3), PAGES)


def test_a_segment_that_fails_ends_the_reading():
    with lanes(2) as opened, pytest.raises(ZeroDivisionError):
        list(in_segments(opened, lambda segment, _: (1 / segment, {"n": 1}), dict.fromkeys(range(2))))


def slow(started, ended):
    """A call that is under way until ``ended`` is set."""
    started.set()
    ended.wait(5)
    return threading.current_thread()


def test_lanes_that_are_joined_are_idle_afterwards():
    started, ended = threading.Event(), threading.Event()
    with lanes(2, joined=True) as opened:
        call = opened.submit(slow, started, ended)
        started.wait()
        threading.Timer(0.05, ended.set).start()
    assert call.done()
    assert not call.result().is_alive()


@pytest.mark.parametrize(
    ("joined", "error"), [(True, KeyboardInterrupt), (False, KeyboardInterrupt), (False, ValueError)]
)
def test_lanes_do_not_delay_an_interrupted_program(joined, error):
    started, ended = threading.Event(), threading.Event()

    def block():
        with lanes(1, joined=joined) as opened:
            calls.append(opened.submit(slow, started, ended))
            started.wait()
            raise error

    calls = []
    with pytest.raises(error):
        block()
    assert not calls[0].done()
    ended.set()
    calls[0].result()


def test_calls_of_a_map_are_made_as_threads_become_free():
    begun = []

    def arguments():
        for number in range(100):
            begun.append(number)
            yield number

    with lanes(4) as opened:
        for done, result in enumerate(opened.map(lambda n: n * n, arguments()), 1):
            assert result in {n * n for n in begun}
            assert len(begun) <= done + 2 * opened.number
    assert done == 100
