"""From the seed file to items, and what a person reads when the file is wrong."""

import textwrap

import pytest

from seed.document import SeedError
from seed.templates import load_items
from tests.conftest import PROJECT

VALID = """\
users: {tom: Tom, jerry: Jerry}
start: 2026-01-01T09:00:00Z
every: 1m
messages:
  - {from: tom, to: jerry, body: "Hi {to}, {{x}} {from}"}
  - {from: jerry, to: tom, body: "Hello"}
"""


@pytest.fixture
def load(tmp_path):
    def load(text: str | bytes):
        file = tmp_path / "messages.yaml"
        file.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return load_items(file)

    return load


def test_the_committed_seed_is_the_conversation_of_tom_and_jerry():
    items = load_items(PROJECT / "seed/messages.yaml")
    assert [(i["FromUser"], i["ToUser"], i["Body"]) for i in items] == [
        ("Tom", "Jerry", "Hey Jerry, are you free?"),
        ("Jerry", "Tom", "Yes, Tom. What's up?"),
        ("Tom", "Jerry", "Need help with a script."),
        ("Jerry", "Tom", "Sure, send it over."),
        ("Tom", "Jerry", "Thanks! You're the best, Jerry."),
    ]
    assert {i["ConversationId"] for i in items} == {"jerry#tom"}
    assert [i["SentAt"][11:19] for i in items] == [f"09:0{n}:00" for n in range(5)]


def test_placeholders_are_names_and_doubled_braces_are_braces(load):
    assert [item["Body"] for item in load(VALID)] == ["Hi Jerry, {x} Tom", "Hello"]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("from: tom,", "from: bob,", 5, "message 1: unknown user 'bob'; known are tom, jerry"),
        ("to: tom", "to: jerry", 6, "message 2: 'Jerry' and 'Jerry' are the same user"),
        ("{to}", "{you}", 5, "message 1: unknown placeholder {you}; known are {from}, {to}"),
        ("{to}", "{to.__class__}", 5, "message 1: unknown placeholder {to.__class__}"),
        ("{to}", "{to[0]}", 5, "message 1: unknown placeholder {to[0]}"),
        ("{to}", "{to!r}", 5, "message 1: unknown placeholder {to!r}"),
        ("{to}", "{to:>9}", 5, "message 1: unknown placeholder {to:>9}"),
        ("{to}", "{}", 5, "message 1: unknown placeholder {}"),
        ("{to}", "{to", 5, "message 1: malformed placeholder"),
        ("{to}", "to}", 5, "message 1: malformed placeholder"),
        ('"Hello"', '""', 6, "message 2: body is empty"),
        ('"Hello"', '"  "', 6, "message 2: body is empty"),
        ('"Hello"', "12", 6, "message 2: '12' is not text; put it in quotes"),
        ('"Hello"', "[a]", 6, "message 2: must be text"),
        ('"Hello"', "Hello, mood: good", 6, "message 2: unknown key 'mood'; known are "),
        (', body: "Hello"', "", 6, "message 2: 'body' is missing"),
        ("every: 1m", "every: 0m", 3, "every: '0m' is not a time span"),
        ("every: 1m", "every: soon", 3, "every: 'soon' is not a time span"),
        ("2026-01-01T09:00:00Z", "2026-01-01", 2, "start: '2026-01-01' is not a time"),
        ("2026-01-01T09:00:00Z", "2026-02-30T09:00:00Z", 2, "start: "),
        ("2026-01-01T09:00:00Z", "9999-12-31T23:59:30Z", 6, "message 2: date value out of range"),
        ("tom: Tom,", "tom: T#m,", 5, "message 1: 'T#m' cannot name a user"),
        ("tom: Tom,", "tom: Tom, tom: Tim,", 1, "users: key 'tom' appears twice"),
        ("every:", "evry:", 3, "file: unknown key 'evry'; known are users, start, every, messages"),
        ("messages:", "messages: [", 5, "not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_message_and_rule(load, tmp_path, old, new, line, what):
    assert old in VALID
    with pytest.raises(SeedError) as caught:
        load(VALID.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'messages.yaml'}:{line}: {what}")
    assert "\n" not in str(caught.value)


def test_an_item_above_the_limit_of_dynamodb_is_refused(load):
    with pytest.raises(
        SeedError, match=r":6: message 2: the item has \d+ bytes; DynamoDB allows 409600"
    ):
        load(VALID.replace("Hello", "x" * 409_600))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "is empty"),
        (b"- a", ":1: file: must be a mapping"),
        (b"\xff\xfe\x00x", "is not UTF-8 at byte 0"),
        (b"a: \x07", "not valid YAML"),
        (b"a: *b", ":1: not valid YAML: found undefined alias"),
        (b"users: !!python/object/apply:os.system [x]", "'start' is missing"),
    ],
)
def test_a_file_that_is_no_seed_is_refused(load, text, what):
    with pytest.raises(SeedError) as caught:
        load(text)
    assert what in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SeedError, match=r"none\.yaml: No such file"):
        load_items(tmp_path / "none.yaml")


def test_a_file_that_multiplies_itself_ends_at_once(load):
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    with pytest.raises(SeedError, match="unknown key"):
        load(f"a0: &a0 [lol]\n{levels}\n{VALID}")
