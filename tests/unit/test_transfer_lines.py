"""A line of a file and its item: exact both ways, and every rule of lines named; test_values.py has those of values."""

import io
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.export import line_of
from chat.item_files import item_of, lines
from dynamo.values import item_bytes
from model.messages import ITEM_BYTES, message_item, parse_time
from model.wire import from_wire, to_wire

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def typed_line(**attributes) -> bytes:
    return json.dumps({"Item": KEY | attributes}).encode()


def plain_line(**attributes) -> bytes:
    return json.dumps({"pk": "a", "sk": "b"} | attributes).encode()


def message_line(**attributes) -> bytes:
    return plain_line(**{"pk": "CONVERSATION#jerry#tom", "sk": "MESSAGE#1#2"} | attributes)


def problem(line: bytes) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the callers match the text)
        item_of(line)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_line_is_what_the_import_from_s3_reads_and_has_one_order():
    item = KEY | {"blob": {"B": b"\x00"}, "n": {"N": "4.5"}}
    assert line_of(item) == (b'{"Item":{"blob":{"B":"AA=="},"n":{"N":"4.5"},"pk":{"S":"a"},"sk":{"S":"b"}}}\n')
    one = KEY | {"x": {"SS": ["a", "b"]}, "y": {"NS": ["9", "10"]}, "z": {"BS": [b"a", b"b"]}}
    other = {"z": {"BS": [b"b", b"a"]}, "y": {"NS": ["10", "9"]}, "x": {"SS": ["b", "a"]}} | KEY
    assert line_of(one) == line_of(other)


_integers = st.integers(-(10**37), 10**37)
_scalars = st.one_of(
    st.text().map(lambda v: {"S": v}),
    st.binary().map(lambda v: {"B": v}),
    st.booleans().map(lambda v: {"BOOL": v}),
    st.just({"NULL": True}),
    _integers.map(lambda n: {"N": str(n)}),
    st.lists(st.text(), min_size=1, unique=True).map(lambda v: {"SS": sorted(v)}),
    st.lists(_integers, min_size=1, unique=True).map(lambda v: {"NS": [*map(str, sorted(v))]}),
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner).map(lambda v: {"L": v}) | st.dictionaries(st.text(min_size=1), inner).map(lambda v: {"M": v})
    ),
    max_leaves=10,
)


_names = st.text(min_size=1).filter(lambda name: name not in {*KEY, "User", "LastMessageAt"})


@settings(max_examples=40)
@given(st.dictionaries(_names, _values, max_size=3))
def test_any_item_survives(attributes):
    assert item_of(line_of(KEY | attributes)) == KEY | attributes


def test_plain_items_and_messages_of_a_dataset_are_exact():
    number = "1234567890123456789012345678901234567.8"
    line = f'{{"pk":"a","sk":"b","n":{number},"i":12,"t":true,"z":null,"l":["x",{{"y":1e2}}]}}'
    assert item_of(line.encode()) == KEY | {
        "n": {"N": number},
        "i": {"N": "12"},
        "t": {"BOOL": True},
        "z": {"NULL": True},
        "l": {"L": [{"S": "x"}, {"M": {"y": {"N": "1E+2"}}}]},
    }
    at, attributes = "2026-01-01T09:00:00Z", {"Stars": Decimal("4.5"), "Labels": ["a"]}
    message = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": at, "attributes": attributes | {"Stars": 4.5}}
    made = message_item(sender="Tom", recipient="Jerry", body="Hi", sent_at=parse_time(at), attributes=attributes)
    assert item_of(json.dumps(message).encode()) == from_wire(to_wire(made))


def test_what_just_fits_is_taken():
    assert item_of(typed_line(n={"N": "9" * 38 + "0" * 80}))
    assert item_of(plain_line(pk=f"CONVERSATION#{'j' * 1007}#tom", sk="MESSAGE#1#2"))
    most = "x" * (ITEM_BYTES - item_bytes(KEY) - 1)
    assert item_of(typed_line(t={"S": most}))
    assert "409601 bytes; DynamoDB allows 409600" in problem(typed_line(t={"S": most + "x"}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[1]", "is not a JSON object"),
        (b'{"Body": "x"}', 'must be {"Item": ...}, an item with pk and sk, or a message'),
        (b'{"pk": "a", "sk": "b", "n": ' + b"1" * 5000 + b"}", "has 5000 digits"),
        (plain_line(s="\ud800"), "unpaired surrogate"),
        (plain_line(n={"N": "5"}), "attribute 'n' looks like DynamoDB JSON"),
        (plain_line(n=[1, {"x": [{"S": "hello"}]}]), "attribute 'n' looks like DynamoDB JSON"),
        (plain_line(pk=5), "the key pk must be text"),
        (plain_line(sk=""), "the key sk must be text, and not empty"),
        (b'{"pk": "a"}', "has no sk"),
        (b'{"sk": "a"}', "has no pk"),
        (plain_line(pk="x" * 2049), "the key pk has 2049 bytes; DynamoDB allows 2048"),
        (plain_line(sk="x" * 1025), "the key sk has 1025 bytes; DynamoDB allows 1024"),
        (plain_line(User=1), "the key User must be text"),
        (plain_line(LastMessageAt=""), "the key LastMessageAt must be text, and not empty"),
        (b'{"Item": []}', "'Item' is not an object"),
        (b'{"Item": {}, "Keys": {}}', "has key 'Keys' next to 'Item'"),
        (typed_line(x="text"), """attribute 'x' is 'text', not a value like {"S": "text"}"""),
        (b'{"from": "Tom"}', "'to' is missing"),
        (message_line(pk="CONVERSATION#tom"), "'tom' is not a conversation"),
        (message_line(pk="CONVERSATION#Tom#Jerry"), "conversation 'Tom#Jerry' must be written 'jerry#tom'"),
        (message_line(pk="CONVERSATION#jerry#to\u202em"), "'to\\u202em' contains U+202E RIGHT-TO-LEFT OVERRIDE"),
        (message_line(sk="MESSAGE#1"), "MESSAGE#TIME#ID, not"),
        (message_line(pk=f"CONVERSATION#{'j' * 1008}#tom"), "membership has 1025 bytes; DynamoDB allows 1024"),
    ],
)
def test_a_wrong_line_is_refused_with_its_rule(line, said):
    assert said in problem(line)


def test_line_ends_marks_and_blank_lines_do_not_matter():
    assert [tuple(line) for line in lines(io.BytesIO(b"\xef\xbb\xbfa\r\n\n \nb"))] == [(1, 6, b"a\r\n"), (4, 10, b"b")]
