"""Keys of --key: read by the rules of the types that the table's keys have."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from chat.items import key_of
from cli.errors import UsageError


def table(*kinds):
    """A table whose partition key ``b``, and sort key ``a`` if there are two, have these types."""
    keys = list(zip("ba", kinds, ("HASH", "RANGE"), strict=False))
    return SimpleNamespace(
        name="t",
        attribute_definitions=[{"AttributeName": name, "AttributeType": kind} for name, kind, _ in keys],
        key_schema=[{"AttributeName": name, "KeyType": role} for name, _, role in keys],
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("N", "-4.50", Decimal("-4.5")),
        ("N", "1" + "0" * 50, Decimal("1E50")),
        ("B", "/w==", b"\xff"),
        ("S", "1_000", "1_000"),
    ],
)
def test_a_key_is_spelled_by_its_type(kind, text, value):
    assert key_of(table(kind), [text]) == {"b": value}


@pytest.mark.parametrize(
    ("kinds", "texts", "said"),
    [
        ("N", ["a"], "--key: attribute 'b': 'a' is not the text of a number; b is a number value"),
        ("N", ["1_000"], "'1_000' is not the text of a number"),
        ("N", [""], "'' is not the text of a number"),
        ("N", ["1e500"], r"1E\+500 is out of range: 1E-130 to 9.99E\+125"),
        ("B", ["?"], "'\\?' is not base64; b is a binary value"),
        ("B", [""], "b is empty; a key must not be"),
        ("B", ["AAAA" * 700], "the key b has 2100 bytes; DynamoDB allows 2048"),
        ("S", ["é" * 1025], "the key b has 2050 bytes; DynamoDB allows 2048"),
        ("SS", ["x" * 2048, "x" * 1025], "the key a has 1025 bytes; DynamoDB allows 1024"),
    ],
)
def test_what_is_not_a_key_is_wrong_usage(kinds, texts, said):
    with pytest.raises(UsageError, match=said):
        key_of(table(*kinds), texts)
