"""What commands print, as SVG."""

import re

from local import terminal


def words(svg: str) -> str:
    """The text of a picture, a line for each of its lines."""
    lines = {}
    for y, text in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines[y] = lines.get(y, "") + text
    return "\n".join(line.replace("&#160;", " ").rstrip() for line in lines.values())


def test_a_picture_has_the_command_and_what_it_printed():
    svg = terminal.svg("title", [("one", "\x1b[1mbold\x1b[0m line\n"), ("two", "x < y\n")], 80)
    assert words(svg).splitlines() == ["title", "$ one", "bold line", "", "$ two", "x &lt; y"]
    assert "\x1b" not in svg


def test_long_lines_are_cut_with_a_sign():
    svg = terminal.svg("t", [("c", "x" * 30)], 20)
    assert words(svg).splitlines()[-1] == "x" * 19 + "…"


def test_a_picture_loads_nothing():
    svg = terminal.svg("title", [("command", "text")], 80)
    assert "@font-face" not in svg
    # A name space and a comment, neither of which is fetched.
    assert set(re.findall(r"https?://[^\s\"'<>)]+", svg)) == {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert set(re.findall(r"url\((.)", svg)) == {"#"}


def test_the_same_text_is_the_same_picture():
    assert len({terminal.svg("t", [("c", "text")], 80) for _ in range(2)}) == 1
