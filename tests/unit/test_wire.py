"""How an item travels through CloudFormation and files, and comes out as it went in."""

import json
from decimal import Decimal

from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given, settings
from hypothesis import strategies as st

from model.wire import canonical, from_wire, to_lines, to_wire

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
VALUES = st.recursive(
    st.text() | NUMBERS | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)
ITEMS = st.dictionaries(st.text(min_size=1), VALUES, max_size=4).map(lambda more: {**more, "pk": "p", "sk": "s"})


def cloudformation(value):
    """What a custom resource receives of a property: every leaf as text."""
    if isinstance(value, dict):
        return {key: cloudformation(member) for key, member in value.items()}
    if isinstance(value, list):
        return [cloudformation(member) for member in value]
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else value


def plain(typed):
    return {name: TypeDeserializer().deserialize(value) for name, value in typed.items()}


@settings(max_examples=40)
@given(ITEMS)
def test_an_item_survives_a_template(item):
    assert plain(from_wire(cloudformation(json.loads(json.dumps(to_wire(item)))))) == item


@settings(max_examples=40)
@given(ITEMS)
def test_an_item_survives_a_file(item):
    (line,) = to_lines([item])
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert plain(from_wire(json.loads(line))) == item


def test_a_text_is_readable_and_another_type_says_what_it_is():
    item = {"pk": "p", "Body": "Hi", "Stars": Decimal("4.50"), "Seen": True, "Tags": ["a"], "Place": {"Room": "12"}}
    assert to_wire(item) == {
        "pk": "p",
        "Body": "Hi",
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
