"""A line of a file and its item: exact both ways, and every rule named."""

import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.item_files import LINE_BYTES, item_of, line_of, lines
from dynamo.values import item_bytes
from model.messages import ITEM_BYTES, LEVELS, message_item, parse_time
from model.wire import from_wire, to_wire

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def typed_line(**attributes) -> bytes:
    return json.dumps({"Item": KEY | attributes}).encode()


def plain_line(**attributes) -> bytes:
    return json.dumps({"pk": "a", "sk": "b"} | attributes).encode()


def problem(line: bytes) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the callers match the text)
        item_of(line)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_type_survives():
    item = KEY | {
        "text": {"S": 'Tom → "Jerry"\n'},
        "empty": {"S": ""},
        "long": {"N": "1" * 38},
        "small": {"N": "-1E-130"},
        "binary": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "null": {"NULL": True},
        "texts": {"SS": ["a", "b"]},
        "numbers": {"NS": ["-1", "10"]},
        "binaries": {"BS": [b"\x01", b"\x02"]},
        "nested": {"M": {"list": {"L": [{"B": b"x"}, {"M": {}}, {"L": []}]}}},
    }
    assert item_of(line_of(item)) == item


def test_a_line_is_what_the_import_from_s3_reads():
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "blob": {"B": b"\x00"}, "n": {"N": "4.5"}}
    assert line_of(item) == (b'{"Item":{"blob":{"B":"AA=="},"n":{"N":"4.5"},"pk":{"S":"a"},"sk":{"S":"b"}}}\n')


def test_the_order_of_sets_and_names_does_not_change_the_line():
    one = KEY | {"x": {"SS": ["a", "b"]}, "y": {"NS": ["9", "10"]}, "z": {"BS": [b"a", b"b"]}}
    other = {"z": {"BS": [b"b", b"a"]}, "y": {"NS": ["10", "9"]}, "x": {"SS": ["b", "a"]}} | KEY
    assert line_of(one) == line_of(other)


_integers = st.integers(-(10**38) + 1, 10**38 - 1)  # of at most 38 digits
_numbers = _integers.map(lambda n: {"N": str(n)})
_scalars = st.one_of(
    st.text().map(lambda v: {"S": v}),
    st.binary().map(lambda v: {"B": v}),
    st.booleans().map(lambda v: {"BOOL": v}),
    st.just({"NULL": True}),
    _numbers,
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


@given(st.dictionaries(st.text(min_size=2).filter(lambda n: n not in KEY), _values, max_size=5))
def test_any_item_survives(attributes):
    for name in ("User", "LastMessageAt"):
        attributes.pop(name, None)
    if any(len(n) > 38 for value in attributes.values() for n in value.get("NS", [])):
        return
    item = KEY | attributes
    assert item_of(line_of(item)) == item


def test_plain_items_have_exact_numbers_and_every_json_type():
    line = (
        b'{"pk":"a","sk":"b","n":1234567890123456789012345678901234567.8,"i":12,"t":true,"z":null,"l":["x",{"y":1e2}]}'
    )
    assert item_of(line) == KEY | {
        "n": {"N": "1234567890123456789012345678901234567.8"},
        "i": {"N": "12"},
        "t": {"BOOL": True},
        "z": {"NULL": True},
        "l": {"L": [{"S": "x"}, {"M": {"y": {"N": "1E+2"}}}]},
    }


def test_a_message_of_a_dataset_is_the_item_that_a_seed_makes_of_it():
    line = {
        "from": "Tom",
        "to": "Jerry",
        "body": "Hi",
        "at": "2026-01-01T09:00:00Z",
        "attributes": {"Stars": 4.5, "Labels": ["a"]},
    }
    made = message_item(
        sender="Tom",
        recipient="Jerry",
        body="Hi",
        sent_at=parse_time(line["at"]),
        attributes={"Stars": Decimal("4.5"), "Labels": ["a"]},
    )
    assert item_of(json.dumps(line).encode()) == from_wire(to_wire(made))


def nested(levels: int) -> object:
    value: object = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


def test_what_just_fits_is_taken():
    assert item_of(typed_line(n={"N": "9" * 38 + "0" * 80}))
    assert item_of(typed_line(n={"N": "9.99E+125"}))
    assert item_of(typed_line(deep=nested(LEVELS)))
    assert item_of(plain_line(pk=f"CONVERSATION#{'j' * 1007}#tom", sk="MESSAGE#1#2"))
    most = "x" * (ITEM_BYTES - item_bytes(KEY) - 1)
    assert item_of(typed_line(t={"S": most}))
    assert "409601 bytes; DynamoDB allows 409600" in problem(typed_line(t={"S": most + "x"}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\xff", "is not UTF-8 at byte 0"),
        (b'{"Item"', "is not valid JSON: Expecting ':' delimiter at column 8"),
        (b"[1]", "is not a JSON object"),
        (b'{"Body": "x"}', "must be"),
        (b'{"pk": "a", "pk": "b", "sk": "c"}', "key 'pk' appears twice"),
        (b'{"pk": "a", "sk": "b", "n": NaN}', "NaN is not JSON"),
        (b'{"pk": "a", "sk": "b", "n": 1E' + b"9" * 20 + b"}", "exponent of too many digits"),
        (b'{"pk": "a", "sk": "b", "n": ' + b"1" * 5000 + b"}", "has 5000 digits"),
        (plain_line(n=10**38 + 1), "has 39 digits; DynamoDB keeps 38"),
        (b'{"pk": "a", "sk": "b", "n": 1e126}', "is beyond 1E-130 to 9.99E+125"),
        (plain_line(s="\ud800"), "half of a surrogate pair"),
        (plain_line(**{"": 1}), "an attribute has an empty name"),
        (plain_line(m={"x": {"": 1}}), "an attribute has an empty name"),
        (plain_line(n={"N": "5"}), "attribute 'n' looks like DynamoDB JSON"),
        (plain_line(pk=5), "the key pk must be text"),
        (plain_line(sk=""), "the key sk must be text, and not empty"),
        (b'{"pk": "a"}', "has no sk"),
        (b'{"sk": "a"}', "has no pk"),
        (plain_line(pk="x" * 2049), "the key pk has 2049 bytes; DynamoDB allows 2048"),
        (plain_line(sk="x" * 1025), "the key sk has 1025 bytes; DynamoDB allows 1024"),
        (plain_line(User=1), "the key User must be text"),
        (plain_line(LastMessageAt=""), "the key LastMessageAt must be text, and not empty"),
        (b"[" * 100_000, "is nested too deeply"),
        (typed_line(deep=nested(LEVELS + 1)), "deeper than the 32 levels"),
        (plain_line(deep=json.loads("[" * 32 + "]" * 32)), "deeper than the 32 levels"),
        (b'{"Item": []}', "'Item' is not an object"),
        (b'{"Item": {}, "Keys": {}}', "has 'Keys' beside 'Item'"),
        (typed_line(x="text"), """attribute 'x' is 'text', not a value like {"S": "text"}"""),
        (typed_line(x=None), "attribute 'x' is null, not a value like"),
        (typed_line(x={"S": None}), "attribute 'x': null is not text"),
        (typed_line(x={"BOOL": 1}), "attribute 'x': 1 is not true or false"),
        (typed_line(x={"T": "a"}), "attribute 'x' has the type 'T'; types are S, N, B"),
        (typed_line(x={"N": 1}), "1 is not the text of a number"),
        (typed_line(x={"N": "١"}), "is not the text of a number"),
        (typed_line(x={"N": "1E" + "9" * 20}), "the exponent has too many digits"),
        (typed_line(x={"B": "@"}), "'@' is not base64"),
        (typed_line(x={"NULL": False}), 'null is spelled {"NULL": true}'),
        (typed_line(x={"SS": []}), "a set has at least one member"),
        (typed_line(x={"NS": ["1", "1.0"]}), "a set has no member twice"),
        (typed_line(x={"BS": ["AA==", "AA=="]}), "a set has no member twice"),
        (typed_line(x={"L": {"S": "a"}}), "is not a list"),
        (typed_line(x={"M": [1]}), "is not an object"),
        (b'{"from": "Tom"}', "'to' is missing"),
        (plain_line(pk="CONVERSATION#tom", sk="MESSAGE#1#2"), "'tom' is not a conversation"),
        (
            plain_line(pk="CONVERSATION#Tom#Jerry", sk="MESSAGE#1#2"),
            "conversation 'Tom#Jerry' is spelled 'jerry#tom' in the table",
        ),
        (
            plain_line(pk="CONVERSATION#jerry#to\u202em", sk="MESSAGE#1#2"),
            "user 'to\\u202em' contains U+202E RIGHT-TO-LEFT OVERRIDE",
        ),
        (plain_line(pk="CONVERSATION#jerry#tom", sk="MESSAGE#1"), "MESSAGE#TIME#ID, not"),
        (
            plain_line(pk=f"CONVERSATION#{'j' * 1008}#tom", sk="MESSAGE#1#2"),
            "the key sk of its entry in a list has 1025 bytes; DynamoDB allows 1024",
        ),
    ],
)
def test_a_wrong_line_is_refused_with_its_rule(line, said):
    assert said in problem(line)


@pytest.mark.parametrize(
    "value", [{"N": "0"}, {"N": "100"}, {"N": "-12.3"}, {"B": b"abc"}, {"L": [{"S": "a"}]}, {"M": {}}]
)
def test_sizes_are_counted_as_documented(value):
    expected = {"0": 1, "100": 2, "-12.3": 4}
    ((kind, content),) = value.items()
    size = {"B": 3, "L": 5, "M": 3}.get(kind) or expected[content]
    assert item_bytes({"ab": value}) == 2 + size


def read(content: bytes) -> list[tuple[int, int, bytes | None]]:
    return [tuple(line) for line in lines(io.BytesIO(content))]


def test_line_ends_marks_and_blank_lines_do_not_matter():
    assert read(b"\xef\xbb\xbfa\r\n\n \nb") == [(1, 6, b"a"), (4, 10, b"b")]
    assert read(b"") == []


def test_a_huge_line_is_passed_over_without_being_read_whole():
    huge = b"x" * (3 * LINE_BYTES) + b"\n"
    assert read(b"a\n" + huge + b"b\n") == [(1, 2, b"a"), (2, 2 + len(huge), None), (3, 4 + len(huge), b"b")]
    assert read(huge[:-1]) == [(1, len(huge) - 1, None)]
    file = io.BytesIO(b"a\nb\nc\n")
    file.seek(2)
    assert [tuple(line) for line in lines(file, after=1)] == [(2, 4, b"b"), (3, 6, b"c")]
