"""Which records match a filter pattern, and which patterns are refused.

Source: Lambda guide, invocation-eventfiltering, "Filter rule syntax".
"""

import json

import pytest

from embedded_aws.streams.filters import is_pattern, matches, passing

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {
        "ApproximateCreationDateTime": 1764085020.0,
        "NewImage": {
            "n": {"N": "101"},
            "tags": {"SS": ["a", "b"]},
            "gone": {"NULL": True},
            "list": {"L": [{"S": "a"}]},
        },
    },
    "nothing": None,
    "empty": "",
}


def image(**attributes):
    return {"dynamodb": {"NewImage": attributes}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"nothing": [None]}, True),
        ({"empty": [""]}, True),
        ({"eventName": ["MODIFY"]}, True),
        ({"eventName": ["modify"]}, False),
        ({"eventName": [{"equals-ignore-case": "modify"}]}, True),
        ({"eventName": ["MODIFY"], "empty": ["x"]}, False),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"$or": [{"eventName": ["INSERT"]}, {"empty": [""]}]}, True),
        ({"$or": [{"eventName": ["INSERT"]}, {"empty": ["x"]}]}, False),
        ({"eventName": [{"anything-but": ["INSERT", "MODIFY"]}]}, False),
        ({"eventName": [{"anything-but": "INSERT"}]}, True),
        ({"missing": [{"anything-but": "INSERT"}]}, False),
        ({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": ["=", 1764085020]}]}}, True),
        ({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0, "<=", 10]}]}}, False),
        # Equality is of the text.
        ({"dynamodb": {"ApproximateCreationDateTime": [1764085020]}}, False),
        (image(n={"N": [{"numeric": [">", 100]}]}), False),
        (image(n={"N": ["101"]}), True),
        (image(n={"N": [101]}), False),
        (image(gone={"NULL": [True]}), True),
        (image(gone={"NULL": [1]}), False),
        # Exists looks at leaves only.
        (image(n=[{"exists": True}]), False),
        (image(n=[{"exists": False}]), True),
        (image(n={"N": [{"exists": True}]}), True),
        (image(other={"N": [{"exists": False}]}), True),
        ({"eventName": [{"prefix": "MOD"}]}, True),
        ({"eventName": [{"suffix": "MOD"}]}, False),
        # A list matches by one element; one of maps has no leaf.
        (image(tags={"SS": ["b"]}), True),
        (image(list={"L": ["a"]}), False),
    ],
)
def test_a_pattern_matches(pattern, expected):
    assert is_pattern(json.dumps(pattern))
    assert matches(json.dumps(pattern), RECORD) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        [],
        {"eventName": {}},
        {"eventName": [["MODIFY"]]},
        {"eventName": [{"prefix": 1}]},
        {"eventName": [{"prefix": "a", "suffix": "b"}]},
        {"eventName": [{"like": "a"}]},
        # Rules that EventBridge alone has.
        {"eventName": [{"wildcard": "M*"}]},
        {"eventName": ["INSERT", {"anything-but": {"prefix": "M"}}]},
        {"dynamodb": {"Keys": {"$or": [{"a": ["x"]}, {"b": [{"cidr": "10.0.0.0/8"}]}]}}},
        {"eventName": [{"exists": "true"}]},
        {"eventName": [{"numeric": [">"]}]},
        {"eventName": [{"numeric": ["~", 1]}]},
        {"eventName": [{"numeric": [">", "1"]}]},
        {"eventName": [{"anything-but": [["a"]]}]},
        {"$or": []},
        {"$or": ["MODIFY"]},
        {"$or": [{"eventName": "MODIFY"}]},
    ],
)
def test_these_are_no_patterns(pattern):
    assert not is_pattern(json.dumps(pattern))


def test_a_record_passes_by_one_filter_or_where_there_is_none():
    filters = [{"Pattern": json.dumps({"eventName": [name]})} for name in ("INSERT", "MODIFY")]
    assert passing([RECORD], {"FilterCriteria": {"Filters": filters}}) == [RECORD]
    assert passing([RECORD], {"FilterCriteria": {"Filters": filters[:1]}}) == []
    assert passing([RECORD], {}) == passing([RECORD], {"FilterCriteria": {"Filters": []}}) == [RECORD]
