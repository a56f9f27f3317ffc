"""The commands for conversations on the embedded AWS: send, history, lists, edit, delete."""

import json
import re
import shlex

import pytest

from dynamo.memberships import bring_up_to_date
from model.messages import Position
from tests.support.chat_steps import stdin

REFERENCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_a_message_is_sent_and_its_reference_printed(on, table):
    (line,) = on("send", "--from", "Tom", "--to", "Jerry", "Hey Jerry!").lines
    assert REFERENCE.fullmatch(line)
    (item,) = table.scan()["Items"]
    assert item == on("send", "--from", "a", "--to", "b", "--json", "x").json | {
        "pk": "CONVERSATION#jerry#tom",
        "sk": f"MESSAGE#{line}",
        "ConversationId": "jerry#tom",
        "SentAt": line[:24],
        "MessageId": line[25:],
        "FromUser": "Tom",
        "ToUser": "Jerry",
        "Body": "Hey Jerry!",
        "Status": "SENT",
    }
    for _ in range(2):  # the same text at the same time is two messages
        on("send", "--from", "c", "--to", "d", "--at", "2026-01-01T10:00+01:00", "x")
    assert [message["SentAt"] for message in on("history", "d#C", "--json").json] == ["2026-01-01T09:00:00.000Z"] * 2


def test_a_body_is_kept_as_given_on_the_command_line_or_standard_input(on, table, monkeypatch):
    def sent(body):
        return on("send", "--from", "a", "--to", "b", "--json", "--", body).json["Body"]

    for body in ("x" * 1024, "😀" * 1024, " x", "--", "-x"):
        assert sent(body) == body
    for data, body in ((b"x\n", "x"), (b"x\r\n", "x"), (b" a\nb\n\n", " a\nb\n"), ("→".encode(), "→")):
        stdin(monkeypatch, data)
        assert sent("-") == body
    stdin(monkeypatch, b"\xff")
    assert on("send", "--from", "a", "--to", "b", "-").error == "standard input is not UTF-8 at byte 0"
    assert table.scan()["Count"] == 9


@pytest.mark.usefixtures("talk")
def test_history_goes_back_with_the_printed_option(on):
    found, options = [], ["--limit", "4"]
    while True:
        page = on("history", "Tom#jerry", *options)
        found = page.lines + found
        if not page.err:
            break
        before = page.err.removeprefix("there are older messages: ")
        options = ["--limit", "4", *shlex.split(before)]
    assert found == [f"{('Tom', 'Jerry')[n % 2]} → {('Jerry', 'Tom')[n % 2]}: text {n}" for n in range(10)]


@pytest.mark.usefixtures("talk")
def test_history_of_a_time_and_before_one(on):
    def texts(*options):
        return [line[-1] for line in on("history", "tom#jerry", *options).lines]

    assert texts("--since", "2026-01-01T09:02Z", "--until", "2026-01-01T10:04:00+01:00") == list("234")
    assert texts("--before", "2026-01-01T09:02:00Z") == list("01")
    assert texts("--until", "2026-01-01T09:02:00Z") == list("012")
    assert texts("--since", "2026-01-01", "--until", "2026-01-02", "--limit", "2") == list("89")
    assert texts("--since", "2026-01-01T09:03Z", "--until", "2026-01-01T09:02Z", "--all") == []
    everything = on("history", "tom#jerry", "--since", "2025-12-31", "--all", "--json").json
    assert [message["Body"][-1] for message in everything] == list("0123456789")
    nothing = on("history", "tom#jerry", "--since", "2026-01-02", "--json")
    assert (nothing.json, nothing.err) == ([], "conversation jerry#tom has no messages in that time range\n")


def test_an_unknown_conversation_is_a_failure_and_a_user_without_conversations_has_an_empty_list(on, table):
    for options in ([], ["--all", "--json"]):
        assert on("history", "a#b", *options).error == f"conversation a#b has no messages in table {table.name}"
    for options, out in ([], ""), (["--json"], "[]\n"):
        empty = on("conversations", "nobody", *options)
        assert (empty.status, empty.out) == (0, out)
        assert empty.err.splitlines()[0] == f"nobody has no conversations in table {table.name}"


def test_conversations_continue_with_the_printed_option_and_are_compared(on, table):
    for n in range(5):
        (reference,) = on("send", "--from", "Tom", "--to", f"it's {n}", "--at", f"202{n}-01-01", f"text {n}").lines
        bring_up_to_date(table, f"it's {n}#tom", Position.of(reference))
    found, options = [], []
    while True:
        page = on("conversations", "TOM", "--limit", "2", *options)
        found += page.lines
        more = page.err.splitlines()
        assert "which is eventually consistent" in more.pop(0)
        if not more:
            break
        options = shlex.split(more[0].removeprefix("there are more: "))
    assert [line.split("\t") for line in found] == [
        [f"202{n}-01-01T00:00:00.000Z", f"it's {n}#tom", f"it's {n}", f"text {n}"] for n in range(4, -1, -1)
    ]
    rows = on("conversations", "tom", "--json", "--before", "2022-06-01").json
    assert [row["LastMessageBody"] for row in rows] == ["text 2", "text 1", "text 0"]

    # Every conversation is compared; printed are the page and what differs.
    on("send", "--from", "Tom", "--to", "it's 0", "--at", "2021-01-01", "not indexed")
    table.delete_item(Key={"pk": "USER#tom", "sk": "CONVERSATION#it's 1#tom"})
    gone = {"pk": "USER#tom", "sk": "CONVERSATION#gone#tom", "User": "tom", "ConversationId": "gone#tom"}
    table.put_item(Item=gone | {"LastMessageAt": "2000-01-01T08:00:00.000Z"})
    checked = on("conversations", "tom", "--check", "--limit", "2")
    assert checked.status == 1
    assert [(line.split("\t")[2], line.split("\t")[4:]) for line in checked.out.splitlines()] == [
        ("it's 4", []),
        ("it's 3", []),
        ("it's 0", ["lags"]),
        ("?", ["surplus"]),
        ("it's 1", ["missing"]),
    ]
    compared, more = checked.err.splitlines()
    assert compared.startswith("6 conversations compared with the messages: 1 lagging, 1 missing, 1 surplus; if this")
    assert "`python -m chat reindex`" in compared
    assert more.startswith("there are more: --before '2023-01-01T00:00:00.000Z#it")
    states = [row["Check"] for row in json.loads(on("conversations", "tom", "--check", "--json").out)]
    assert sorted(states) == ["current"] * 3 + ["lags", "missing", "surplus"]


def test_a_message_is_read_edited_and_deleted(on, talk, table):
    message_id = talk[3][25:]
    assert "Body: text 3" in on("get", "tom#jerry", message_id[:13]).lines
    assert on("edit", "jerry#tom", message_id, "[red]changed[/red]").lines == [talk[3]]
    edited = on("get", "jerry#tom", talk[3], "--json").json
    assert (edited["Body"], edited["MessageId"]) == ("[red]changed[/red]", message_id)
    assert re.fullmatch(r"\d{4}-.*\.\d{3}Z", edited["EditedAt"])
    assert on("edit", "jerry#tom", talk[0], "new", "--json").json["Body"] == "new"
    assert on("delete", "jerry#tom", talk[0]).lines == [talk[0]]
    assert on("delete", "jerry#tom", message_id, "--json").json == edited
    for command in (["get"], ["delete"], ["edit", "x"]):
        failed = on(command[0], "jerry#tom", talk[3], *command[1:])
        assert failed.status == 1
        assert failed.error == f"message {talk[3]} of conversation jerry#tom in table {table.name} does not exist"
    assert len(on("history", "jerry#tom").lines) == 8
