"""Keys of --key: read by the rules of the types that the table's keys have."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from chat.items import key_of
from cli.errors import UsageError


def table(kind):
    return SimpleNamespace(
        name="t",
        attribute_definitions=[{"AttributeName": "id", "AttributeType": kind}],
        key_schema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("N", "5", 5),
        ("N", "-4.50", Decimal("-4.5")),
        ("N", "1e41", Decimal("1E41")),
        ("N", "1" + "0" * 50, Decimal("1E50")),
        ("B", "/w==", b"\xff"),
        ("S", "1_000", "1_000"),
    ],
)
def test_a_key_is_spelled_by_its_type(kind, text, value):
    assert key_of(table(kind), [text]) == {"id": value}


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("N", "a", "--key: attribute 'id': 'a' is not the text of a number; id is a number value"),
        ("N", "NaN", "'NaN' is not the text of a number"),
        ("N", "sNaN", "'sNaN' is not the text of a number"),
        ("N", "-Infinity", "'-Infinity' is not the text of a number"),
        ("N", "1_000", "'1_000' is not the text of a number"),
        ("N", " ١ ", "' ١ ' is not the text of a number"),
        ("N", " 1", "' 1' is not the text of a number"),
        ("N", "", "'' is not the text of a number"),
        ("N", "1e500", r"1E\+500 is beyond 1E-130 to 9.99E\+125"),
        ("N", "1e99999999999999999999", "the exponent has too many digits"),
        ("N", "1" * 50, "the number has 50 digits; DynamoDB keeps 38"),
        ("B", "?", "'\\?' is not base64; id is a binary value"),
        ("B", "é", "'é' is not base64"),
        ("B", "", "id is empty; a key must not be"),
        ("S", "é" * 1025, "the key id has 2050 bytes; DynamoDB allows 2048"),
        ("B", "AAAA" * 700, "the key id has 2100 bytes; DynamoDB allows 2048"),
        ("S", "", "id is empty; a key must not be"),
    ],
)
def test_what_is_no_key_is_wrong_usage(kind, text, said):
    with pytest.raises(UsageError, match=said):
        key_of(table(kind), [text])


def test_a_sort_key_has_a_limit_of_its_own():
    both = SimpleNamespace(
        name="t",
        attribute_definitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("b", "a")],
        key_schema=[{"AttributeName": "b", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "RANGE"}],
    )
    assert key_of(both, ["x" * 2048, "x" * 1024])
    with pytest.raises(UsageError, match="the key a has 1025 bytes; DynamoDB allows 1024"):
        key_of(both, ["x", "x" * 1025])
