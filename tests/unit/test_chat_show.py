"""What commands print, to a pipe and to a terminal."""

import contextlib
import io
import json

import pytest

from chat import conversations, get, history
from chat.items import item_line
from chat.target import pair
from cli import output
from model.users import PlainNames

EVIL = "\x1b[31mred\x1b[0m [bold]b[/bold] :smile: \x9b2J\u202etxt\u2028\r\n\tend"
SPELLED = "\\x1b[31mred\\x1b[0m [bold]b[/bold] :smile: \\x9b2J\\u202etxt\\u2028\\r\\n\\tend"
MESSAGE = {"sk": "MESSAGE#2026-01-01T09:00:00.000Z#2cb103a8-fe09", "FromUser": "Tom", "ToUser": "Jerry", "Body": EVIL}
T = "2026-01-01T09:00:00.000Z"
ROW = {"LastMessageAt": T, "ConversationId": "jerry#tom", "OtherUser": "Jerry", "LastMessageBody": EVIL}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def on_terminal(monkeypatch):
    """``on_terminal(get.show, {})``: what is written to a terminal of 200 columns."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")

    def written(function, *arguments):
        with contextlib.redirect_stdout(Terminal()) as out:
            function(*arguments)
        return out.getvalue()

    return written


def test_a_message_that_was_put_by_hand_may_lack_everything():
    assert history.message_line({}, PlainNames()) == "? → ?: "
    assert history.message_line({"FromUser": 5, "ToUser": None, "Body": None}, PlainNames()) == "? → ?: None"


def test_history_on_a_terminal_is_a_table_without_markup_or_control_characters(on_terminal):
    shown = on_terminal(history.show, [MESSAGE, MESSAGE | {"Body": "x", "EditedAt": "t"}], PlainNames())
    assert SPELLED in shown
    assert "x (edited)" in shown
    assert "2cb103a8" in shown
    assert "2cb103a8-" not in shown
    # The only escapes are those of the bold header line.
    assert "\x1b" not in "".join(shown.splitlines()[1:])


def test_a_list_marks_what_lags_on_a_terminal_and_in_a_pipe(on_terminal, capsys):
    show = conversations.show, [ROW, ROW], ["lags", "current"], PlainNames()
    header, first, second = on_terminal(*show).splitlines()
    assert "conversation" in header
    assert SPELLED in first
    assert [line.rstrip().endswith("lags") for line in (first, second)] == [True, False]
    show[0](*show[1:])
    cells = [T, "jerry#tom", "Jerry", SPELLED]
    assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == [[*cells, "lags"], cells]


def test_an_item_is_an_attribute_on_each_line_or_one_line_with_its_key_first(on_terminal, capsys):
    item = {"pk": "a\tb", "n": 5, "Body": EVIL}
    get.show(item)
    assert capsys.readouterr().out.splitlines() == ["pk: a\\tb", "n: 5", f"Body: {SPELLED}"]
    *_, body = on_terminal(get.show, item).splitlines()
    assert body.split(maxsplit=1)[1].rstrip() == SPELLED
    key, rest = item_line(["pk"], item).split("\t")
    assert key == "a\\tb"
    assert json.loads(rest) == {"n": 5, "Body": EVIL}


def test_an_output_without_the_letters_gets_them_escaped():
    raw = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, encoding="latin-1")) as out:
        output.prepare()
        output.lines(["Tom → Jerry: 😀"])
        output.document({"Body": "→ 😀"})
        out.flush()
        line, _, rest = raw.getvalue().decode("latin-1").partition("\n")
    assert line == "Tom \\u2192 Jerry: \\U0001f600"
    assert json.loads(rest) == {"Body": "→ 😀"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("To\u200bm", "To\\u200bm"),
        ("\u202emoT", "\\u202emoT"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_what_does_not_show_in_a_name_is_escaped(capsys, name, shown):
    message = {"FromUser": name, "ToUser": "Jerry", "Body": "👩\u200d🚀 \u200b\x1b"}
    line = history.message_line(message, PlainNames())
    assert pair(f"a#{name}") == f"a#{name}"  # such conversations can be named
    assert line == f"{shown} → Jerry: 👩\u200d🚀 \u200b\\x1b"
    conversations.show([ROW | {"OtherUser": name, "ConversationId": f"a#{name}"}], ["current"], PlainNames())
    assert capsys.readouterr().out.split("\t")[1:3] == [f"a#{shown}", shown]
