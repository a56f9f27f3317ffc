"""The progress bar: on a terminal only, and never left behind."""

import io
import sys

import pytest

from chat.transfer.bar import bar

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def begin(monkeypatch):
    """``begin()``: standard error is a terminal; for the test itself, which pytest begins anew."""

    def change():
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return change


def test_nothing_is_drawn_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with bar("exporting T", 10) as advance:
        advance(3)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(
    ("total", "of_bytes", "shown"),
    [(1000, False, "300 of about 1,000"), (None, False, "300"), (1000, True, "0.3/1.0 kB")],
)
def test_the_bar_shows_how_far_it_is(begin, total, of_bytes, shown):
    terminal = begin()
    with bar("importing [x]", total, of_bytes=of_bytes) as advance:
        advance(300)
    assert shown in terminal.getvalue()
    assert "importing [x]" in terminal.getvalue()


def test_an_interruption_half_way_through_the_start_leaves_the_terminal_as_it_was(begin, monkeypatch):
    terminal = begin()

    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("rich.console.Console.push_render_hook", interrupted)
    with pytest.raises(KeyboardInterrupt), bar("exporting T", 10):
        pass
    assert terminal.getvalue().rindex(SHOW) > terminal.getvalue().rindex(HIDE)
    assert sys.stderr is terminal
