"""Comparing two tables: digests, reading in segments, what counts as a difference."""

import random

import pytest
from botocore.exceptions import ClientError

from cli.command_line import Context
from model.wire import canonical_text, changed
from ops.restore.comparison import CHANGED, EXTRA, MISSING, SEGMENTS, Comparison, TableReader, UnitBudget, compare


def item(pk, sk, **more):
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}} | {name: {"S": v} for name, v in more.items()}


@pytest.mark.parametrize(
    ("left", "right", "names"),
    [
        ({"a": {"SS": ["x", "y"]}}, {"a": {"SS": ["y", "x"]}}, []),
        ({"a": {"BS": [b"1", b"2"]}}, {"a": {"BS": [b"2", b"1"]}}, []),
        ({"a": {"L": [{"S": "x"}, {"S": "y"}]}}, {"a": {"L": [{"S": "y"}, {"S": "x"}]}}, ["a"]),
        # An attribute may be called like a type.
        ({"SS": {"M": {"SS": {"S": "x"}}}}, {"SS": {"M": {"SS": {"S": "y"}}}}, ["SS"]),
        ({"a": {"N": "1" * 38}}, {"a": {"N": "1" * 37 + "2"}}, ["a"]),
        ({"a": {"B": b"1"}}, {"a": {"B": bytearray(b"1")}}, []),
        ({"a": {"S": "1"}, "b": {"NULL": True}}, {"c": {"BOOL": False}}, ["a", "b", "c"]),
    ],
)
def test_what_counts_as_changed(left, right, names):
    assert changed(left, right) == names
    assert (canonical_text(left) != canonical_text(right)) == bool(names)


class FakeTables:
    """Tables of items in pages of two; a batch leaves all but the first key unprocessed."""

    def __init__(self, **tables):
        self.tables = tables

    def describe_table(self, **_):
        keys = [("sk", "RANGE"), ("pk", "HASH")]
        schema = [{"AttributeName": name, "KeyType": kind} for name, kind in keys]
        types = [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys]
        return {"Table": {"KeySchema": schema, "AttributeDefinitions": types}}

    def scan(self, *, TableName, Segment, TotalSegments, ExclusiveStartKey=None, **_):
        if self.tables[TableName] is None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Scan")
        items = self.tables[TableName][Segment::TotalSegments]
        begin = ExclusiveStartKey["at"] if ExclusiveStartKey else 0
        answer = {"Items": items[begin : begin + 2], "ConsumedCapacity": {"CapacityUnits": 0.5}}
        more = {"LastEvaluatedKey": {"at": begin + 2}} if begin + 2 < len(items) else {}
        return answer | more

    def batch_get_item(self, *, RequestItems, **_):
        ((name, asked),) = RequestItems.items()
        key, *left = asked["Keys"]
        found = [one for one in self.tables[name] if key.items() <= one.items()]
        unprocessed = {name: asked | {"Keys": left}} if left else {}
        units = [{"TableName": name, "CapacityUnits": 1.0}]
        return {"Responses": {name: found}, "UnprocessedKeys": unprocessed, "ConsumedCapacity": units}


def compared(source, target):
    fake = FakeTables(Source=source, Target=target)
    context = Context(clients=lambda _: fake, stack="s", account="1", region="r", say=lambda _: None)
    return compare(context, "Source", "Target", most=1000, rate=1e6)


def test_any_two_tables_differ_exactly_as_their_items_do():
    chance = random.Random(7)
    for _ in range(15):
        items = [item(f"p{n % 7}", n, Body="x") for n in range(chance.randrange(60))]
        target, expected = {number: dict(one) for number, one in enumerate(items)}, set()
        for number, one in enumerate([*items, *[item(f"q{n}", len(items) + n) for n in range(3)]]):
            kind = EXTRA if number >= len(items) else chance.choice([MISSING, CHANGED, *[None] * 20])
            if kind == MISSING:
                del target[number]
            elif kind:
                target[number] = one | {"Body": {"S": "y"}}
            if kind:
                expected.add((kind, f'pk="{one["pk"]["S"]}" sk={number}'))
        result = compared(items, chance.sample(list(target.values()), len(target)))
        assert {(kind, key) for key, kind, _ in result.examples} == expected
        assert result.differences == len(expected)
        assert (result.source_items, result.target_items) == (len(items), len(target))


def test_equal_tables_are_read_once_in_any_order_and_a_failure_is_raised():
    items = [item("a", n) for n in range(16)]
    result = compared(items, list(reversed(items)))
    assert (result.differences, result.read_units) == (0, 16 / 2 * 2 * 0.5)
    with pytest.raises(ClientError, match="ThrottlingException"):
        compared(items, None)


def test_only_the_first_differences_are_kept():
    result = Comparison(most=3)
    for n in random.Random(3).sample(range(100), 100):
        result.note({"pk": {"S": f"{n:03}"}}, MISSING)
    assert [key for key, *_ in result.examples] == ['pk="000"', 'pk="001"', 'pk="002"']
    assert result.lines()[-2:] == [
        "and 97 more differences",
        "compared 0 items with 0 restored: 100 differences (100 missing, 0 extra, 0 changed)",
    ]
    assert len(result._first._kept) <= 6


def test_a_budget_spaces_reads_slows_down_when_throttled_and_recovers(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("ops.restore.comparison.time.monotonic", lambda: now[0])
    monkeypatch.setattr("ops.restore.comparison.time.sleep", lambda seconds: now.append(now.pop() + seconds))
    budget = UnitBudget(10)
    reader = TableReader(FakeTables(T=[item("a", n) for n in range(2 * SEGMENTS)]), "T", budget)
    reader.scan(0, None)
    reader.scan(0, {"at": 2})
    assert now[0] == pytest.approx(100 + 0.5 / 10)
    slowed = {"ConsumedCapacity": {"CapacityUnits": 5}, "ResponseMetadata": {"RetryAttempts": 1}}
    for _ in range(2):
        assert budget.spend(lambda **_: slowed) == slowed
    assert now[0] == pytest.approx(100 + 1 / 10 + 5 * 1.2 / 10)
    assert budget.spent == 11
    for _ in range(9):
        budget.spend(lambda **_: slowed | {"ResponseMetadata": {}})
    before = now[0]
    budget.spend(lambda **_: slowed)
    assert now[0] - before == pytest.approx(5 / 10), "never faster than at first"
