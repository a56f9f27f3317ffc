"""The pictures' own parts: what commands print as SVG, and the talk with Chromium."""

import json
import os
import re
import threading

import pytest

from local.pictures import devtools, terminal
from local.pictures.devtools import DevTools, DevToolsError


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


class Browser:
    """The other side of the pipes: answers each command with what ``answers`` has for it."""

    def __init__(self, answers: dict[str, list[bytes]]) -> None:
        self.commands: list[dict] = []
        self._answers = answers
        read_commands, commands = os.pipe()
        replies, write_replies = os.pipe()
        self._files = [os.fdopen(commands, "wb", 0), os.fdopen(replies, "rb", 0)]
        self._thread = threading.Thread(target=self._run, args=(read_commands, write_replies))
        self._thread.start()
        self.devtools = DevTools(*self._files)

    def _run(self, commands: int, replies: int) -> None:
        with os.fdopen(commands, "rb", 0) as asked, os.fdopen(replies, "wb", 0) as out:
            unread = b""
            while read := asked.read(1 << 16):
                unread += read
                *whole, unread = unread.split(b"\0")
                for command in map(json.loads, whole):
                    self.commands.append(command)
                    for part in self._answers.get(command["method"], []):
                        out.write(part)
                    if "gone" in command["method"]:
                        return

    def close(self) -> None:
        for file in self._files:
            file.close()
        self._thread.join()


@pytest.fixture
def browser():
    opened = []

    def make(**answers: list[bytes]) -> Browser:
        opened.append(Browser(answers))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def event(name: str, number: str, **more) -> bytes:
    parameters = {"requestId": number, **more}
    return json.dumps({"method": f"Network.{name}", "params": parameters}).encode() + b"\0"


def test_an_answer_is_told_from_events_however_it_is_cut(browser):
    other = b'{"id": 99, "result": {}}\0'
    asked = browser(get=[other, b'{"id": 1, "res', b'ult": {"a": 1}}', b"\0"])
    assert asked.devtools.call("get", "page-1", what=2) == {"a": 1}
    assert asked.commands == [{"id": 1, "method": "get", "sessionId": "page-1", "params": {"what": 2}}]


def test_requests_are_noted_until_they_are_answered(browser):
    sent = [event("requestWillBeSent", name, request={"url": f"http://{name}/"}) for name in "ab"]
    answer = b'{"id": %d, "result": {}}\0'
    talk = browser(
        first=[*sent, answer % 1],
        then=[event("loadingFinished", "a"), answer % 2],
        last=[event("loadingFailed", "b"), answer % 3],
    ).devtools
    talk.call("first")
    assert talk.open == {"a", "b"}
    talk.call("then")
    assert talk.open == {"b"}
    talk.call("last")
    assert talk.open == set()
    assert talk.requested == ["http://a/", "http://b/"]


def test_a_refused_command_says_why(browser):
    talk = browser(get=[b'{"id": 1, "error": {"message": "no such page"}}\0']).devtools
    with pytest.raises(DevToolsError, match=r"^get: no such page$"):
        talk.call("get")


def test_a_browser_that_ends_is_said_to_be_gone(browser):
    talk = browser().devtools
    for _ in range(2):
        with pytest.raises(DevToolsError, match=r"^gone: Chromium is gone$"):
            talk.call("gone")


def test_a_browser_that_is_silent_is_not_waited_for_for_ever(browser, monkeypatch):
    monkeypatch.setattr(devtools, "REPLY_SECONDS", 0.01)
    with pytest.raises(DevToolsError, match=r"^get: no answer within 0.01 s$"):
        browser().devtools.call("get")
