"""The one place of prices."""

from dataclasses import asdict
from datetime import date

import pytest

from cli.errors import OpsError
from ops.cost.prices import AS_OF, prices
from ops.inventory import costs
from seed.__main__ import DOLLARS_PER_UNIT

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_every_price_with_its_source_and_none_is_cheaper_than_the_first(region):
    first = prices(REGIONS[0])
    for name, price in prices(region).items():
        assert asdict(price)["source"] in ("listed", "published", "scaled"), name
        assert price.dollars >= first[name].dollars > 0, name
        assert price.region == region
    assert date.fromisoformat(AS_OF)


def test_the_prices_of_requests_are_those_of_after_november_2024():
    found = {region: (prices(region).write_request.of(1e6), prices(region).read_request.of(1e6)) for region in REGIONS}
    assert found == {
        "us-east-1": (0.625, 0.125),
        "us-west-2": (0.625, 0.125),
        "eu-west-1": (0.705, 0.1415),
        "eu-central-1": (0.7625, 0.1525),
    }


def test_an_unknown_region_is_an_error_that_names_the_known_ones():
    with pytest.raises(OpsError, match="'ap-south-1' are known; known are us-east-1, us-west-2"):
        prices("ap-south-1")


def test_an_inventory_and_a_seed_have_no_prices_of_their_own():
    assert costs.Rates("eu-west-1").origin == {"region": "eu-west-1", "as_of": AS_OF}
    assert prices(costs.DEFAULT_REGION).write_request.of(1) == pytest.approx(DOLLARS_PER_UNIT)
