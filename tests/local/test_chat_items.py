"""Any item of any table, on two engines: keys, conditions, scans."""

from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary

from chat import items, put
from cli.errors import OpsError

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
ABSENT = object()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Body": "x"}, 'Body is "old", OLD has "x"; nothing written'),
        ({"Body": "y" * 99}, f'Body is "old", OLD has "{"y" * 56}...; nothing'),
        ({"Seen": Decimal(1)}, "Seen is true, OLD has 1"),
        ({"Stars": "4.5"}, 'Stars is 4.5, OLD has "4.5"'),
        ({"Fewer": "z"}, 'Fewer is not there, OLD has "z"'),
        ({"Body": None}, 'Body is "old", OLD has null'),
        ({"Body": ABSENT}, 'Body is "old", OLD has no such attribute'),
        ({"Body": None, "Stars": None, "Seen": None, "Labels": None}, "; ...; nothing written"),
    ],
)
def test_an_item_that_differs_is_left_and_the_difference_told(any_table, change, said):
    with pytest.raises(OpsError, match="has no item with the key"):
        put.put_if_unchanged(any_table, NEW, OLD)
    any_table.put_item(Item=OLD)
    old = {name: value for name, value in (OLD | change).items() if value is not ABSENT}
    with pytest.raises(OpsError) as refused:
        put.put_if_unchanged(any_table, NEW, old)
    assert said in str(refused.value)
    assert items.get(any_table, KEY) == OLD


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


# --- scans
