"""Comparing two tables: digests, the merge of partitions, and reading in segments."""

import random
import threading

import pytest
from botocore.exceptions import ClientError

from cli.command_line import Context
from ops.restore import compare, digests
from ops.restore.comparison import CHANGED, EXTRA, MISSING, Comparison
from ops.restore.digests import Digests, side_by_side
from ops.restore.reading import Budget, Stopped


def item(pk, sk, **more):
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}} | {name: {"S": v} for name, v in more.items()}


def digested(items):
    made = Digests()
    for one in items:
        made.add(one["pk"], one)
    return made


def test_the_order_of_items_and_parts_does_not_matter():
    items = [item("a", n, Body=str(n)) for n in range(50)]
    shuffled = random.Random(1).sample(items, 50)
    parts = digested(shuffled[:20])
    parts.merge(digested(shuffled[20:]))
    assert digested(items).differing(parts) == frozenset()
    assert parts.items == 50


@pytest.mark.parametrize(
    "other",
    [
        [item("a", 1), item("b", 1, Body="y")],
        [item("a", 1)],
        [item("a", 1), item("b", 1, Body="x"), item("b", 2)],
        [item("a", 1), item("b", 1, Body="x"), item("b", 1, Body="x")],
    ],
    ids=["changed", "missing", "extra", "twice"],
)
def test_a_difference_shows_in_the_group_of_its_partition(other):
    groups = digested([item("a", 1), item("b", 1, Body="x")]).differing(digested(other))
    assert groups == {digests.group({"S": "b"})}


@pytest.mark.parametrize(
    ("left", "right", "names"),
    [
        ({"a": {"SS": ["x", "y"]}}, {"a": {"SS": ["y", "x"]}}, []),
        ({"a": {"BS": [b"1", b"2"]}}, {"a": {"BS": [b"2", b"1"]}}, []),
        ({"a": {"L": [{"S": "x"}, {"S": "y"}]}}, {"a": {"L": [{"S": "y"}, {"S": "x"}]}}, ["a"]),
        # An attribute may be called like a type.
        ({"SS": {"M": {"SS": {"S": "x"}}}}, {"SS": {"M": {"SS": {"S": "y"}}}}, ["SS"]),
        ({"a": {"S": "1"}}, {"a": {"N": "1"}}, ["a"]),
        ({"a": {"B": b"1"}}, {"a": {"B": bytearray(b"1")}}, []),
        ({"a": {"S": "1"}, "b": {"NULL": True}}, {"c": {"BOOL": False}}, ["a", "b", "c"]),
    ],
)
def test_what_counts_as_changed(left, right, names):
    assert digests.changed(left, right) == names
    same = digested([left | {"pk": {"S": "k"}}]).differing(digested([right | {"pk": {"S": "k"}}]))
    assert bool(same) == bool(names)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("N", ["-10", "-1.5", "0", "2", "10", "1E+2"]),
        ("S", ["", "A", "a", "b", "é", "🙂"]),
        ("B", [b"\x00", b"\x01\x02", b"\x7f", b"\xff"]),
    ],
)
def test_two_partitions_are_merged_in_the_order_of_the_sort_key(kind, values):
    items = [{"sk": {kind: value}} for value in values]
    left, right = items[::2], items[1:]
    pairs = list(side_by_side(left, right, "sk"))
    assert [(one or other) for one, other in pairs] == items
    assert [(one is None, other is None) for one, other in pairs] == [
        (one not in left, one not in right) for one in items
    ]


def test_without_a_sort_key_a_partition_is_one_item():
    assert list(side_by_side([{"pk": 1}], [{"pk": 2}], None)) == [({"pk": 1}, {"pk": 2})]
    assert list(side_by_side([], [{"pk": 2}], None)) == [(None, {"pk": 2})]


class FakeTables:
    """Tables of items in pages of two; a partition's items lie in different segments."""

    def __init__(self, **tables):
        self.tables = tables
        self.fails = ""

    def describe_table(self, **_):
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        return {"Table": {"KeySchema": [{"AttributeName": n, "KeyType": k} for n, k in keys]}}

    def scan(self, *, TableName, Segment, TotalSegments, ExclusiveStartKey=None, **_):
        if TableName == self.fails:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Scan")
        mine = self.tables[TableName][Segment::TotalSegments]
        return self._page(mine, ExclusiveStartKey)

    def query(self, *, TableName, ExpressionAttributeValues, ExclusiveStartKey=None, Limit=2, **_):
        wanted = ExpressionAttributeValues[":p"]
        found = [one for one in self.tables[TableName] if one["pk"] == wanted]
        return self._page(sorted(found, key=lambda one: int(one["sk"]["N"])), ExclusiveStartKey, Limit)

    def _page(self, items, start, size=2):
        begin = start["at"] if start else 0
        answer = {"Items": items[begin : begin + size], "ConsumedCapacity": {"CapacityUnits": 0.5}}
        more = {"LastEvaluatedKey": {"at": begin + size}} if begin + size < len(items) else {}
        return answer | more


def compared(source, target, most=1000, **settings):
    fake = FakeTables(Source=source, Target=target)
    for name, value in settings.items():
        setattr(fake, name, value)
    context = Context(clients=lambda _: fake, stack="s", account="1", region="r", say=lambda _: None)
    return compare.tables(context, "Source", "Target", most=most, rate=1e6)


def test_any_two_tables_differ_exactly_as_their_items_do():
    chance = random.Random(7)
    for _ in range(15):
        source = [item(f"p{n % 7}", n, Body="x") for n in range(chance.randrange(60))]
        target = [dict(one) for one in source]
        chance.shuffle(target)
        expected = set()
        for kind, number in ((MISSING, 3), (CHANGED, 3), (EXTRA, 3)):
            for n in range(chance.randrange(number + 1)):
                if kind == EXTRA:
                    one = item(f"q{n % 2}" if n % 2 else "p1", 1000 + n)
                    target.append(one)
                else:
                    left = [one for one in target if int(one["sk"]["N"]) < 1000 and one.get("Body") == {"S": "x"}]
                    if not left:
                        continue
                    one = chance.choice(left)
                    target.remove(one)
                    if kind == CHANGED:
                        target.append(one | {"Body": {"S": "y"}})
                expected.add((kind, f'pk="{one["pk"]["S"]}" sk={one["sk"]["N"]}'))
        result = compared(source, target)
        assert {(found.kind, found.key) for found in result.examples} == expected
        assert result.differences == len(expected)
        assert (result.source_items, result.target_items) == (len(source), len(target))


def test_equal_tables_are_read_once():
    items = [item("a", n) for n in range(16)]
    result = compared(items, list(reversed(items)))
    assert result.differences == 0
    assert result.read_units == 16 / 2 * 2 * 0.5


def test_one_readers_failure_ends_all_and_is_told():
    with pytest.raises(ClientError, match="ThrottlingException"):
        compared([item("a", n) for n in range(100)], [], fails="Target")
    assert not [t for t in threading.enumerate() if t.name.startswith("ops-compare")]


def test_only_the_first_differences_are_kept():
    result = Comparison(most=3)
    for n in random.Random(3).sample(range(100), 100):
        result.note(MISSING, {"pk": {"S": f"{n:03}"}})
    assert [found.key for found in result.examples] == ['pk="000"', 'pk="001"', 'pk="002"']
    assert result.counts[MISSING] == 100
    assert result.lines()[-2] == "and 97 more differences"
    assert len(result._kept) <= 6


def test_nothing_need_be_kept():
    result = Comparison(most=0)
    result.note(EXTRA, {"pk": {"B": b"\x01"}})
    assert result.lines() == [
        "and 1 more difference",
        "compared 0 items with 0 restored: 1 difference (0 missing, 1 extra, 0 changed)",
    ]


def test_a_budget_spaces_reads_and_yields_to_throttling(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("ops.restore.reading.time.monotonic", lambda: now[0])
    budget = Budget(10)
    budget.spend({"ConsumedCapacity": {"CapacityUnits": 5}})
    assert budget._next == pytest.approx(100.5)
    budget.spend({"ConsumedCapacity": {"CapacityUnits": 5}, "ResponseMetadata": {"RetryAttempts": 1}})
    assert budget._next == pytest.approx(100.5 + 5 * 1.5 / 10)
    assert budget.spent == 10
    budget.stop()
    with pytest.raises(Stopped):
        budget.wait()
