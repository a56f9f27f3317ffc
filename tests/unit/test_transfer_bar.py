"""The progress bar: on a terminal only, and never left behind."""

import io
import sys

import pytest

from chat.transfer import bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("total", "of_bytes", "shown"),
    [(1000, False, "300 of about 1,000"), (None, False, "300"), (1000, True, "0.3/1.0 kB")],
)
def test_the_bar_shows_how_far_it_is_and_is_gone_at_the_end(monkeypatch, total, of_bytes, shown):
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # no terminal
    with bar("exporting T", 10) as advance:
        advance(3)
    assert sys.stderr.getvalue() == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with bar("importing [x]", total, of_bytes=of_bytes) as advance:
        advance(300)
    assert shown in terminal.getvalue()
    assert "importing [x]" in terminal.getvalue()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")  # the cursor shows
