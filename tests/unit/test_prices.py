"""The one place of prices."""

import dataclasses
from datetime import date

import pytest

from cli.errors import OpsError
from ops.cost.prices import AS_OF, LISTED, PUBLISHED, SCALED, Price, prices
from ops.inventory import costs
from seed.__main__ import DOLLARS_PER_UNIT

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_every_price_with_its_source(region):
    for name, price in dataclasses.asdict(prices(region)).items():
        assert price["dollars"] > 0, name
        assert price["source"] in (LISTED, PUBLISHED, SCALED), name


def test_the_prices_of_requests_are_those_of_after_november_2024():
    per_million = {
        region: (prices(region).write_request.of(1e6), prices(region).read_request.of(1e6)) for region in REGIONS
    }
    assert per_million == {
        "us-east-1": (0.625, 0.125),
        "us-west-2": (0.625, 0.125),
        "eu-west-1": (0.705, 0.1415),
        "eu-central-1": (0.7625, 0.1525),
    }


def test_no_region_is_cheaper_than_the_first():
    first = dataclasses.asdict(prices(REGIONS[0]))
    for region in REGIONS[1:]:
        for name, price in dataclasses.asdict(prices(region)).items():
            assert price["dollars"] >= first[name]["dollars"], f"{name} in {region}"


def test_an_unknown_region_is_an_error_that_names_the_known_ones():
    with pytest.raises(OpsError, match="'ap-south-1' are known; known are us-east-1, us-west-2"):
        prices("ap-south-1")


def test_a_price_for_many_is_divided():
    assert Price(region="r", dollars=0.5, unit="things", per=1000, source=LISTED).of(4000) == 2.0


def test_the_date_is_one():
    assert date.fromisoformat(AS_OF)


def test_an_inventory_and_a_seed_have_no_prices_of_their_own():
    assert costs.Rates("eu-west-1").origin == {"region": "eu-west-1", "as_of": AS_OF}
    assert prices(costs.DEFAULT_REGION).write_request.of(1) == pytest.approx(DOLLARS_PER_UNIT)
