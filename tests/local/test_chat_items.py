"""Any item of any table, on two engines: keys, conditions, scans."""

from collections import Counter
from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary

from chat import items, put
from cli.errors import OpsError
from dynamo import parallel
from dynamo.parallel import lanes
from dynamo.values import same

OLD = {
    "pk": "a",
    "sk": "b",
    "Body": "old",
    "Stars": Decimal("4.5"),
    "Labels": {"x", "y"},
    "Seen": True,
    "Raw": Binary(b"\xff"),
    "None": None,
}
NEW = {"pk": "a", "sk": "b", "Body": "new", "More": Decimal(1)}
KEY = {"pk": "a", "sk": "b"}


@pytest.fixture
def numbered(ministack, name):
    """A table whose one key attribute is a number."""
    table = ministack.create_table(
        TableName=f"{name}-n",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
    )
    yield table
    table.delete()


def test_what_is_put_is_read_and_deleted(any_table):
    any_table.put_item(Item=OLD)
    assert items.get(any_table, KEY) == OLD
    any_table.put_item(Item=NEW)
    assert items.get(any_table, KEY) == NEW
    assert items.delete(any_table, KEY) == NEW
    for read in (items.get, items.delete):
        with pytest.raises(OpsError, match='has no item with the key "a" "b"'):
            read(any_table, KEY)


def test_an_item_is_put_only_where_there_is_none(any_table):
    put.put_if_absent(any_table, OLD)
    for again in (NEW, OLD):
        with pytest.raises(OpsError, match=r'already has an item with the key "a" "b"; nothing written'):
            put.put_if_absent(any_table, again)
    assert items.get(any_table, KEY) == OLD


def test_an_item_is_replaced_while_it_is_unchanged(any_table):
    any_table.put_item(Item=OLD)
    put.put_if_unchanged(any_table, NEW, OLD)
    assert items.get(any_table, KEY) == NEW


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Body": "x"}, 'Body is "old", OLD has "x"; nothing written'),
        ({"Body": "y" * 99}, f'Body is "old", OLD has "{"y" * 56}...; nothing'),
        ({"Seen": Decimal(1)}, "Seen is true, OLD has 1"),
        ({"Stars": "4.5"}, 'Stars is 4.5, OLD has "4.5"'),
        ({"Fewer": "z"}, 'Fewer is not there, OLD has "z"'),
        ({"Body": None}, 'Body is "old", OLD has null'),
        ({"Body": None, "Stars": None, "Seen": None, "Labels": None}, "; ...; nothing written"),
    ],
)
def test_an_item_that_differs_is_left_and_the_difference_told(any_table, change, said):
    any_table.put_item(Item=OLD)
    with pytest.raises(OpsError) as refused:
        put.put_if_unchanged(any_table, NEW, OLD | change)
    assert said in str(refused.value)
    assert items.get(any_table, KEY) == OLD


def test_an_item_that_is_gone_or_has_an_attribute_more_is_not_unchanged(any_table):
    with pytest.raises(OpsError, match="has no item with the key"):
        put.put_if_unchanged(any_table, NEW, OLD)
    any_table.put_item(Item=OLD)
    fewer = {name: value for name, value in OLD.items() if name != "Body"}
    with pytest.raises(OpsError, match='Body is "old", OLD has no such attribute'):
        put.put_if_unchanged(any_table, NEW, fewer)


class Meddling:
    """A table to which another writer writes between the reading and the writing."""

    def __init__(self, table, item):
        self._table, self._item = table, item

    def __getattr__(self, name):
        return getattr(self._table, name)

    def put_item(self, **request):
        self._table.put_item(Item=self._item)
        return self._table.put_item(**request)


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (OLD | {"Body": "theirs"}, 'Body is "theirs", OLD has "old"'),
        (KEY, "Body is not there"),
        (OLD | {"More": "theirs"}, 'More is "theirs", OLD has no such attribute'),
    ],
)
def test_a_write_in_between_is_kept(any_table, meanwhile, said):
    any_table.put_item(Item=OLD)
    with pytest.raises(OpsError, match=said):
        put.put_if_unchanged(Meddling(any_table, meanwhile), NEW, OLD)
    assert items.get(any_table, KEY) == meanwhile


def test_a_key_is_spelled_by_the_types_of_the_table(any_table, numbered):
    assert items.key_of(any_table, ["a", "5"]) == {"pk": "a", "sk": "5"}
    assert items.key_of(numbered, ["5"]) == {"id": 5}
    put.put_if_absent(numbered, {"id": Decimal(5)})
    assert items.delete(numbered, items.key_of(numbered, ["5"])) == {"id": 5}


def test_equal_is_equal_of_one_type():
    assert same({"a": Decimal("5.0"), "b": [{"x"}]}, {"a": 5, "b": [{"x"}]})
    for one, other in [(True, 1), ({"x"}, ["x"]), ("5", 5), (Binary(b"a"), "YQ=="), (None, False)]:
        assert not same({"a": one}, {"a": other})
    assert same(None, None)
    assert not same(None, {})


# --- scans


@pytest.fixture
def many(any_table):
    """60 items of 100 KB: every segment has pages."""
    written = [{"pk": f"p{n}", "sk": "s", "Body": "x" * 100_000} for n in range(60)]
    for item in written:
        any_table.put_item(Item=item)
    return written


def scanned(table, segments=1, **options):
    with lanes(segments) as opened:
        return [item for page in parallel.pages(table, opened, **options) for item in page]


@pytest.mark.parametrize("segments", [1, 16])
def test_every_item_comes_once(any_table, many, segments):
    found = Counter(item["pk"] for item in scanned(any_table, segments=segments))
    assert found == Counter(item["pk"] for item in many)


def test_a_scan_ends_at_its_limit_exactly(any_table, many):
    for segments, limit in ((1, 13), (5, 13), (5, 60), (5, 61)):
        found = {item["pk"] for item in scanned(any_table, segments=segments, limit=limit)}
        assert len(found) == min(limit, len(many))
    assert len(scanned(any_table, limit=1)) == 1
