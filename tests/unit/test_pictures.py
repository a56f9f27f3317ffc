"""What commands print, as SVG."""

import re

from local import terminal


def words(svg: str) -> list[str]:
    """The lines of text in a picture."""
    lines = {}
    for y, text in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines[y] = lines.get(y, "") + text
    return [line.replace("&#160;", " ").rstrip() for line in lines.values()]


def test_a_picture_has_the_commands_and_what_they_printed_and_loads_nothing():
    svg, again = (
        terminal.svg("title", [("one", "\x1b[1mbold\x1b[0m line\n"), ("two", "x < y\n")], 80) for _ in range(2)
    )
    assert svg == again
    assert words(svg) == ["title", "$ one", "bold line", "", "$ two", "x &lt; y"]
    assert "\x1b" not in svg
    assert "@font-face" not in svg
    # A name space and a comment, neither of which is fetched.
    assert set(re.findall(r"https?://[^\s\"'<>)]+", svg)) == {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert set(re.findall(r"url\((.)", svg)) == {"#"}


def test_long_lines_are_cut_with_a_sign():
    assert words(terminal.svg("t", [("c", "x" * 30)], 20))[-1] == "x" * 19 + "…"
