"""DynamoDB's rules of capacity units, by which the estimate and the benchmark count, and the one place of prices."""

from datetime import date

import pytest

from ops.cost.load import index_units, read_units, write_units
from ops.cost.prices import AS_OF, prices
from ops.inventory import costs
from seed.__main__ import DOLLARS_PER_UNIT

KEYS = ("User", "At")


def item(size: int = 100, **keys: str) -> dict[str, str]:
    """An item of so many bytes."""
    taken = len("Body") + sum(len(name) + len(value) for name, value in keys.items())
    return {**keys, "Body": "x" * (size - taken)}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [(None, item(1024), 1), (None, item(1025), 2), (item(3000), item(100), 3), (item(3000), None, 3), (None, None, 1)],
)
def test_a_write_costs_what_the_larger_image_takes(before, after, units):
    assert write_units(before, after) == units


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (item(), item(), 0),  # not in the index, like messages
        (item(User="tom"), item(200, User="tom"), 0),  # only one of the index's keys
        (None, item(User="tom", At="1"), 1),
        (item(User="tom", At="1"), None, 1),
        (item(User="tom", At="1"), item(User="tom", At="1"), 0),
        (item(User="tom", At="1"), item(101, User="tom", At="1"), 1),
        (item(User="tom", At="1"), item(User="tom", At="2"), 2),  # deleted, and put
        (item(1500, User="tom", At="1"), item(User="tom", At="2"), 3),
    ],
)
def test_an_index_is_written_where_its_item_changes_and_twice_where_its_key_does(before, after, units):
    assert index_units(before, after, KEYS) == units


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (12_288, 3)])
def test_a_query_costs_what_it_reads_together_and_half_where_it_may_be_old(size, units):
    assert read_units(size, consistent=True) == units
    assert read_units(size, consistent=False) == units / 2


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"])
def test_every_region_has_every_price_with_its_source_and_none_is_cheaper_than_the_first(region):
    first = prices("us-east-1")
    for name, price in prices(region).items():
        assert price.source in ("listed", "published", "scaled"), name
        assert price.dollars >= first[name].dollars > 0, name
        assert price.region == region
    assert date.fromisoformat(AS_OF)


def test_an_inventory_and_a_seed_have_no_prices_of_their_own():
    assert costs.Rates("eu-west-1").origin == {"region": "eu-west-1", "as_of": AS_OF}
    assert prices(costs.DEFAULT_REGION)["write_request"].of(1) == pytest.approx(DOLLARS_PER_UNIT)
