"""Pages of Query and Scan are those of the engine, byte for byte."""

import copy
import json

import ministack.services.dynamodb as engine
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_aws.tests.support.pages import INDEXES, TABLE, TYPES, additions, compare, create, fill, index, write

# "10" and "9" differ in their order as numbers and as strings; "é" and "z" as bytes.
TEXTS = ("a", "aa", "ab", "b", "z", "é", "10", "9")
NUMBERS = ("-1", "0", "1.5", "9", "10", "10.0", "1e2")
BYTES = ("YQ==", "YR==", "/w==", "AA==")
VALUES = {"S": TEXTS, "N": NUMBERS, "B": BYTES}


def value(kind):
    return st.sampled_from(VALUES[kind]).map(lambda chosen: {kind: chosen})


def keys(sort_type):
    return st.fixed_dictionaries({"pk": st.sampled_from(("a", "b")).map(lambda pk: {"S": pk}), "sk": value(sort_type)})


def writes(sort_type):
    """One write: an item put, a key deleted, or an attribute of an index changed."""
    attributes = st.fixed_dictionaries(
        {}, optional={"text": st.just({"S": "a"}), "number": value("N"), "long": st.just(LONG)}
    )
    put = st.builds(lambda key, more: ("_put_item", {"Item": key | more}), keys(sort_type), attributes)
    delete = keys(sort_type).map(lambda key: ("_delete_item", {"Key": key}))
    changed = {"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "number"}}
    update = st.builds(
        lambda key, number: ("_update_item", changed | {"Key": key, "ExpressionAttributeValues": {":n": number}}),
        keys(sort_type),
        value("N"),
    )
    return st.one_of(put, put, put, delete, update)


# Three of them do not fit on a page, which these tests make smaller.
LONG = {"S": "x" * 390}
FILTERS = (
    {},
    {
        "FilterExpression": "#n > :least",
        "ExpressionAttributeNames": {"#n": "number"},
        "ExpressionAttributeValues": {":least": {"N": "5"}},
    },
    {"ProjectionExpression": "pk"},
    {"Select": "COUNT"},
    {"ReturnConsumedCapacity": "INDEXES"},
    {"FilterExpression": "size(pk) >"},
)
CONDITIONS = ("= :a", "< :a", "<= :a", "> :a", ">= :a", "BETWEEN :a AND :b", "begins_with")
LEGACY = {"= :a": "EQ", "< :a": "LT", "<= :a": "LE", "> :a": "GT", ">= :a": "GE", "begins_with": "BEGINS_WITH"}


@st.composite
def requests(draw, sort_type):
    """A Scan or a Query of the table or an index, sometimes one that is refused."""
    index = draw(st.sampled_from((None, *INDEXES)))
    hash_name, sort_name = (*(INDEXES[index] if index else ("pk", "sk")), None)[:2]
    types = TYPES | {"sk": sort_type}
    request = {"TableName": TABLE, **({"IndexName": index} if index else {})}
    request |= copy.deepcopy(draw(st.sampled_from(FILTERS)))
    limit = draw(st.sampled_from((1, 2, 3, None)))
    if limit:
        request["Limit"] = limit
    if draw(st.booleans()):
        if draw(st.booleans()):
            total = draw(st.integers(1, 3))
            request |= {"Segment": draw(st.integers(0, total - 1)), "TotalSegments": total}
        return "_scan", request
    request["ScanIndexForward"] = draw(st.booleans())
    found = {"N": "9"} if types[hash_name] == "N" else {"S": draw(st.sampled_from(("a", "a", "b")))}
    condition = draw(st.sampled_from((None, *CONDITIONS))) if sort_name else None
    low, high = sorted(draw(st.tuples(*[st.sampled_from(VALUES[types[sort_name or "sk"]])] * 2)))
    if draw(st.booleans()) and condition in (None, *LEGACY):
        conditions = {hash_name: {"ComparisonOperator": "EQ", "AttributeValueList": [found]}}
        if condition:
            operand = {types[sort_name]: low}
            conditions[sort_name] = {"ComparisonOperator": LEGACY[condition], "AttributeValueList": [operand]}
        return "_query", request | {"KeyConditions": conditions}
    names = request.setdefault("ExpressionAttributeNames", {})
    values = request.setdefault("ExpressionAttributeValues", {})
    names["#h"], values[":h"] = hash_name, found
    expression = "#h = :h"
    if condition:
        names["#r"], values[":a"] = sort_name, {types[sort_name]: low}
        if ":b" in condition:
            values[":b"] = {types[sort_name]: high}
        expression += " AND " + ("begins_with(#r, :a)" if condition == "begins_with" else f"#r {condition}")
    return "_query", request | {"KeyConditionExpression": expression}


@pytest.fixture(scope="module")
def own():
    with additions() as functions:
        yield functions


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_pages_are_those_of_the_engine_whatever_is_written_between_them(own, data):
    sort_type = data.draw(st.sampled_from("SNB"))
    create(sort_type)
    for step in data.draw(st.lists(writes(sort_type), min_size=15, max_size=40)):
        write(*step)
    for operation, request in data.draw(st.lists(requests(sort_type), min_size=2, max_size=6)):
        for _ in range(4):
            reply = compare(own, operation, request)
            start = json.loads(reply[2]).get("LastEvaluatedKey")
            if not start:
                break
            request["ExclusiveStartKey"] = start
            for step in data.draw(st.lists(writes(sort_type), max_size=2)):
                write(*step)


QUERY = {
    "TableName": TABLE,
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "a"}},
    "Limit": 3,
}


def test_an_index_may_be_younger_than_items_of_other_types(own):
    create("S", indexes={})
    fill()
    for number in ("6", "7"):
        changed = {"S": number} if number == "6" else {"BOOL": True}
        key = {"pk": {"S": "a"}, "sk": {"S": number}}
        write("_put_item", {"Item": key | {"text": {"S": "t"}, "number": changed}})
    create_index = index("ByNumber", INDEXES["ByNumber"])
    types = [{"AttributeName": name, "AttributeType": kind} for name, kind in (TYPES | {"sk": "S"}).items()]
    reply = engine._update_table(
        {"TableName": TABLE, "AttributeDefinitions": types, "GlobalSecondaryIndexUpdates": [{"Create": create_index}]}
    )
    assert reply[0] == 200, reply
    for condition in ("< :n", "> :n", ">= :n", "= :n"):
        request = {
            "TableName": TABLE,
            "IndexName": "ByNumber",
            "KeyConditionExpression": f"#t = :t AND #n {condition}",
            "ExpressionAttributeNames": {"#t": "text", "#n": "number"},
            "ExpressionAttributeValues": {":t": {"S": "t"}, ":n": {"N": "3"}},
        }
        compare(own, "_query", request)
    compare(own, "_scan", {"TableName": TABLE, "IndexName": "ByNumber"})


def test_a_page_looks_at_its_own_items_alone(own, monkeypatch):
    create("S")
    fill(50)
    compare(own, "_query", QUERY)
    compare(own, "_scan", {"TableName": TABLE})
    sizes = []
    size = engine._item_size_bytes
    monkeypatch.setattr(engine, "_apply_exclusive_start_key", counting(sizes, engine._apply_exclusive_start_key))
    monkeypatch.setattr(
        engine, "_apply_exclusive_start_key_scan", counting(sizes, engine._apply_exclusive_start_key_scan)
    )
    start = {"pk": {"S": "a"}, "sk": {"S": "20"}}
    assert size(start)
    engine._query(QUERY | {"ExclusiveStartKey": start})
    engine._scan({"TableName": TABLE, "ExclusiveStartKey": start, "Limit": 3})
    assert sorted(sizes) == [0, 0, 3, 3]  # without items to check the request, then with those of the page


def counting(sizes, function):
    def counted(items, *arguments, **more):
        sizes.append(len(items))
        return function(items, *arguments, **more)

    return counted


@pytest.mark.parametrize("condition", ["= :a", "< :a", "<= :a", "> :a", ">= :a"])
@pytest.mark.parametrize("forward", [True, False])
def test_a_condition_on_the_sort_key_includes_its_operand_or_not(own, condition, forward):
    create("S")
    fill()
    for operand in ("0", "3", "35", "7"):
        values = {":pk": {"S": "a"}, ":a": {"S": operand}}
        expression = {"KeyConditionExpression": f"pk = :pk AND sk {condition}", "ExpressionAttributeValues": values}
        compare(own, "_query", QUERY | expression | {"Limit": 1, "ScanIndexForward": forward})
