"""From the seed file to items, and what a person reads when the file is wrong."""

import textwrap
from decimal import Decimal

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


@pytest.fixture
def attribute(load):
    """``attribute("5.0")``: what an attribute that is spelled so becomes."""
    return lambda value: load(VALID + f"  - {{from: tom, to: jerry, body: x, attributes: {{a: {value}}}}}\n")[-1]["a"]


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
        ("from: tom,", "from: bob,", 5, "message 1: unknown user 'bob'; must be one of tom, jerry"),
        ("to: tom", "to: jerry", 6, "message 2: 'Jerry' and 'Jerry' are the same user"),
        ("{to}", "{you}", 5, "message 1: unknown placeholder {you}; must be one of {from}, {to}"),
        ("{to}", "{to.__class__}", 5, "message 1: unknown placeholder {to.__class__}"),
        ("{to}", "{to!r:9}", 5, "message 1: unknown placeholder {to!r:9}"),
        ("{to}", "{to", 5, "message 1: malformed placeholder"),
        ("{to}", "{a\\e2J\\nb\\u202e}", 5, "message 1: unknown placeholder {a\\x1b2J\\nb\\u202e}; must be one of"),
        ('"Hello"', "12", 6, "message 2: 'body' is 12; must be text, in quotes"),
        ('"Hello"', "Hello, mood: good", 6, "message 2: unknown key 'mood'; must be one of "),
        (', body: "Hello"', "", 6, "message 2: 'body' is missing"),
        ("every: 1m", "every: soon", 3, "every: 'soon' is not a time span"),
        ("2026-01-01T09:00:00Z", "2026-01-01", 2, "start: '2026-01-01' is not a time"),
        ("2026-01-01T09:00:00Z", "9999-12-31T23:59:30Z", 6, "message 2: would be sent after"),
        ("tom: Tom,", "tom: T#m,", 1, "users: 'T#m' is not a user name"),
        ("tom: Tom,", f"tom: {'T' * 2100},", 5, "message 1: the key pk has 2119 bytes; DynamoDB"),
        ("tom: Tom,", "tom: Tom, tom: Tim,", 1, "key 'tom' appears twice"),
        ("every:", "evry:", 3, "file: unknown key 'evry'; must be one of users, "),
        ("messages:", "messages: [", 5, "not valid YAML"),
    ],
)
def test_a_mistake_names_file_line_message_and_rule(load, tmp_path, old, new, line, what):
    assert old in VALID
    with pytest.raises(SeedError) as caught:
        load(VALID.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'messages.yaml'}:{line}: {what}")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "is empty"),
        (b"- a", "is not a mapping; it needs users and messages"),
        (b"\xff\xfe\x00x", "is not UTF-8 at byte 0"),
        (b"a: \x07", "not valid YAML"),
        (b"a: *b", ":1: not valid YAML: found undefined alias"),
        (b"a: &b [*b]", "is nested too deeply"),
        (b"a: !!python/object/apply:os.system [x]", ":1: the tag !!python/"),
        (b"\xef\xbb\xbfusers: {}", ":1: file: has neither 'messages' nor 'conversations'"),
        (
            b"users: {a: A, b: B}\nconversations: [{messages: [{from: a, to: b, body: x}]}]",
            "conversation 1: message 1: has no 'at', and there is no 'start'",
        ),
        (b"users: {a: b}\n---\nusers: {a: b}", ":2: not valid YAML: expected a single document"),
        (b'users:\n  a: "\\ud800"', ":2: not valid YAML: while parsing a quoted scalar found invalid Unicode"),
    ],
)
def test_an_invalid_file_is_refused(load, text, what):
    with pytest.raises(SeedError) as caught:
        load(text)
    assert what in str(caught.value)


def test_a_file_that_multiplies_itself_ends_at_once(attribute, monkeypatch):
    monkeypatch.setattr("seed.document._VALUES", 100)
    laughs = "[&a [lol, lol], " + ", ".join(f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in ("ab", "bc")) + "]"
    with pytest.raises(SeedError, match=":7: has more than 100 values; check the aliases"):
        attribute(laughs)


def test_messages_may_have_times_ids_and_typed_attributes_of_their_own(load):
    first, second, third = load("""\
        users: {tom: Tom, jerry: Jerry}
        start: 2026-01-01T09:00:00Z
        every: 1h
        messages:
          - {from: tom, to: jerry, body: a, id: first.message}
          - {from: tom, to: jerry, body: b, at: 2025-12-31T23:59:59.5+01:00}
          - from: tom
            to: jerry
            body: c
            attributes:
              Mood: good
              Stars: 4.50
              Big: 12345678901234567890123456789012345678
              Seen: true
              Labels: [a, 2, false]
              Place: {Room: "12", Floor: 3}
              When: 2026-01-01
        """)
    assert first["MessageId"] == "first.message"
    assert first["sk"] == "MESSAGE#2026-01-01T09:00:00.000Z#first.message"
    assert second["SentAt"] == "2025-12-31T22:59:59.500Z"
    assert third["SentAt"] == "2026-01-01T11:00:00.000Z"
    assert {name: third[name] for name in list(third)[9:]} == {
        "Mood": "good",
        "Stars": Decimal("4.50"),
        "Big": Decimal("12345678901234567890123456789012345678"),
        "Seen": True,
        "Labels": ["a", Decimal(2), False],
        "Place": {"Room": "12", "Floor": Decimal(3)},
        "When": "2026-01-01",
    }


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        *((spelled, Decimal(spelled)) for spelled in "1e3 1.5e3 -.5 .5e-3 +5 5. 1E+2 0 -0.0 0e0".split()),
        *((text, text) for text in "1.2.3 10.0.0.1 2026-01-01 555-1234 e3 + _1 0O17 No on Off YES y tRUE".split()),
        ("[true, True, TRUE, false, False, FALSE]", [True] * 3 + [False] * 3),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("!!map {b: !!seq [c]}", {"b": ["c"]}),
        ("{'<<': b}", {"<<": "b"}),
    ],
)
def test_values_without_quotes_are_read_by_yaml_1_2(attribute, spelled, value):
    found = attribute(spelled)
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize("spelled", "08 0777 00.5 0o17 0x1F 0b11 1_0.5 12:30 -1:30:15 1:30.5 .inf -.INF .nan".split())
def test_what_only_some_readers_take_for_a_number_is_refused_with_the_advice_to_quote_it(attribute, spelled):
    with pytest.raises(SeedError) as caught:
        attribute(spelled)
    assert f":7: '{spelled}' is not a decimal number; if it is text, put it in quotes" in (str(caught.value))
    assert attribute(f"'{spelled}'") == spelled


def test_messages_may_be_grouped_by_conversation(load):
    items = load("""\
        users: {tom: Tom, jerry: Jerry, spike: Spike}
        start: 2026-01-01T09:00:00Z
        every: 1m
        conversations:
          - messages:
              - {from: tom, to: jerry, body: a}
              - {from: jerry, to: tom, body: b}
          - start: 2026-02-01T09:00:00Z
            messages:
              - {from: spike, to: tom, body: c}
              - {from: tom, to: spike, body: d}
        """)
    assert [(item["ConversationId"], item["SentAt"][5:16]) for item in items] == [
        ("jerry#tom", "01-01T09:00"),
        ("jerry#tom", "01-01T09:01"),
        ("spike#tom", "02-01T09:00"),
        ("spike#tom", "02-01T09:01"),
    ]


_NO_MERGE = "merge keys (<<) are not supported; write the keys themselves, or '<<' in quotes for an attribute"


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("id: 12", "message 3: 'id' is 12; must be text, in quotes"),
        ("id: null", "message 3: 'id' is null; must be text, in quotes"),
        ("attributes: {a: 1, a: 2}", "key 'a' appears twice"),
        ("attributes: {12: x}", "key '12' is not text; put it in quotes"),
        ("attributes: {a: ~}", "message 3: attribute 'a' is null; leave it out, or put text in quotes"),
        (f"attributes: {{a: 1{'2' * 38}}}", "message 3: attribute 'a': the number has 39 digits; DynamoDB keeps 38"),
        (f"attributes: {{a: 1.0e+{'9' * 400}}}", f"1.0e+{'9' * 35}...: the exponent has too many digits"),
        (
            f"attributes: {{a: {'[' * 32}x{']' * 32}}}",
            "message 3: attribute 'a' is nested deeper than DynamoDB's 32 levels",
        ),
        ("at: 2026-01-01T09:00:00Z", "message 3: has the same key as an earlier message"),
        *(
            (f"attributes: {{a: {spelled}}}", f"the tag {spelled.split()[0]} is not supported; write the value without")
            for spelled in ('!!binary "aGk="', '!custom "x"', "!!int 5", "!custom {b: c}", "!!omap [b: c]")
        ),
        ("attributes: {b: &base {c: d}, e: {<<: *base}}", _NO_MERGE),
        ("attributes: {b: &base {c: d}, e: [{<<: [*base]}]}", _NO_MERGE),
    ],
)
def test_a_mistake_in_the_optional_parts_is_named(load, more, what):
    with pytest.raises(SeedError) as caught:
        load(VALID + f"  - {{from: tom, to: jerry, body: x, {more}}}\n")
    assert f":7: {what}" in str(caught.value)
