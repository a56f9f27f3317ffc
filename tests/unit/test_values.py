"""Items as JSON, in templates and in files: exact both ways, and safe to print."""

import json
from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo import values
from model.wire import canonical, from_wire, to_lines, to_wire

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=10).filter(
    lambda n: len(n.as_tuple().digits) <= 38
) | st.integers(-(10**37), 10**37).map(Decimal)


def items(scalars):
    """Items of these scalars, and of lists and maps of them."""
    nested = lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3)  # noqa: E731
    return st.dictionaries(st.text(min_size=1), st.recursive(scalars, nested, max_leaves=5), max_size=3)


@settings(max_examples=50)
@given(items(st.none() | st.booleans() | NUMBERS | st.text()), st.sampled_from([None, 0, 2]), st.booleans())
def test_what_is_printed_is_read_again(item, indent, ascii_only):
    text = values.text(item, indent=indent, ascii_only=ascii_only)
    assert values.parse(text) == item
    json.loads(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5.0", "5"),
        ("1E+3", "1000"),
        ("-0", "0"),
        ("0.1234567890123456789012345678901234567", "0.1234567890123456789012345678901234567"),
        ("1E-130", "1E-130"),
        ("9.9E+125", "99" + "0" * 124),
    ],
)
def test_numbers_are_exact(number, text):
    assert values.text(Decimal(number)) == text
    assert Decimal(values.text(Decimal(number))) == Decimal(number)


def test_typed_json_keeps_every_type_and_plain_json_sorts_sets_and_spells_binary_in_base64():
    item = {
        "s": {"b", "a"},
        "n": {Decimal(10), Decimal(9)},
        "b": Binary(b"\xff"),
        "bs": {Binary(b"b"), Binary(b"a")},
        "m": {"l": [Binary(b"x"), True, None, Decimal("4.5")]},
    }
    assert values.parse(values.text(values.typed(item)), is_typed=True) == item
    assert values.text(item) == (
        '{"s": ["a", "b"], "n": [9, 10], "b": "/w==", "bs": ["YQ==", "Yg=="], "m": {"l": ["eA==", true, null, 4.5]}}'
    )


@pytest.mark.parametrize("character", ["\x1b", "\x7f", "\x9b", "\u202e", "\u2028", "\n"])
def test_nothing_that_a_terminal_acts_on_is_printed_raw(character):
    text = values.text({character: character})
    assert character not in text
    assert json.loads(text) == {character: character}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "is not valid JSON: Expecting value at column 1"),
        ("{\n", "is not valid JSON: .* at column 2"),
        ('{"a": 1,\n "b"}\n', "is not valid JSON: .* at line 2, column 5"),
        ("[1]", "not an object"),
        ('{"a": 1e999999999}', "out of range: 1E-130"),
        (f'{{"a": {"1" * 39}}}', "has 39 digits"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a":' + "[" * 32 + "1" + "]" * 32 + "}", "'a' is nested deeper than DynamoDB's 32 levels"),
        ('{"": 1}', "an attribute has an empty name"),
    ],
)
def test_invalid_items_are_refused(source, reason):
    with pytest.raises(ValueError, match=reason):
        values.parse(source)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1", "is 1, not a value like"),
        ('{"S": 1, "N": "1"}', "not a value like"),
        ('{"X": "1"}', "has the type 'X'"),
        ('{"S": 1}', "1 is not text"),
        ('{"N": "x"}', "'x' is not a number in quotes"),
        (f'{{"N": "{"1" * 39}"}}', "has 39 digits"),
        ('{"NS": ["1", "1.0"]}', "not have a member twice"),
        ('{"B": "?"}', "is not base64"),
        ('{"BOOL": 1}', "1 is not true or false"),
        ('{"NULL": false}', "null is written"),
        ('{"SS": []}', "at least one member"),
        ('{"L": {}}', "an object is not a list"),
        ('{"M": {"": {"S": "a"}}}', "an empty name"),
        ('{"L": [' * 32 + "]}" * 32, "deeper than DynamoDB's 32 levels"),
    ],
)
def test_invalid_typed_values_are_refused(value, reason):
    with pytest.raises(ValueError, match=reason):
        values.parse(f'{{"a": {value}}}', is_typed=True)


@pytest.mark.parametrize(("is_typed", "opening", "closing"), [(False, "[", "]"), (True, '{"L": [', "]}")])
def test_the_deepest_item_that_dynamodb_takes(is_typed, opening, closing):
    inner = '{"BOOL": true}' if is_typed else '{"N": "5"}'
    levels = 31 if is_typed else 30  # the map is one, though it looks like a typed value
    assert values.parse(f'{{"a": {opening * levels}{inner}{closing * levels}}}', is_typed=is_typed)


def cloudformation(value):
    """What a custom resource receives of a property: every leaf as text."""
    if isinstance(value, dict):
        return {key: cloudformation(member) for key, member in value.items()}
    if isinstance(value, list):
        return [cloudformation(member) for member in value]
    return str(value).lower() if isinstance(value, bool) else value


@settings(max_examples=40)
@given(items(st.text() | NUMBERS | st.booleans()))
def test_an_item_survives_a_template_and_a_file(item):
    item |= {"pk": "p", "sk": "s"}
    assert values.untyped(from_wire(cloudformation(json.loads(json.dumps(to_wire(item)))))) == item
    (line,) = to_lines([item])
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert values.untyped(from_wire(json.loads(line))) == item


def test_a_text_is_readable_and_another_type_says_what_it_is():
    item = {"pk": "p", "Stars": Decimal("4.50"), "Seen": True, "Tags": ["a"], "Place": {"Room": "12"}}
    assert to_wire(item) == {
        "pk": "p",
        "Stars": {"N": "4.50"},
        "Seen": {"BOOL": True},
        "Tags": {"L": [{"S": "a"}]},
        "Place": {"M": {"Room": {"S": "12"}}},
    }


def test_lines_are_in_the_order_of_the_keys():
    items = [{"pk": pk, "sk": sk} for pk, sk in ("b1", "a2", "a1")]
    assert [json.loads(line)["pk"] + json.loads(line)["sk"] for line in to_lines(items)] == ["a1", "a2", "b1"]


def test_numbers_are_equal_however_they_are_spelled():
    assert canonical({"a": {"L": [{"N": "5.0"}]}}) == canonical({"a": {"L": [{"N": "5"}]}})
    assert canonical({"a": {"NS": ["1", "2.0"]}}) == canonical({"a": {"NS": ["2", "1"]}})
    assert canonical({"a": {"N": "5"}}) != canonical({"a": {"S": "5"}})
    assert canonical({"a": {"M": {"N": {"S": "x"}}}}) != canonical({"a": {"M": {"N": {"S": "y"}}}})
