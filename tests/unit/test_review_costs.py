"""What a review says of the cost of a change."""

from ops.cost.assembly import StackTemplate
from ops.review.costs import costs
from ops.review.stacks import paired
from tests.support.cost_templates import of, old_table


def stage(region=None, table=None):
    return (StackTemplate(name="Messages-prod", region=region, template=of(table)),)


def test_a_region_that_is_named_for_the_first_time_changes_no_price_and_it_says_so():
    found = costs(paired(stage(), stage("eu-west-1")))
    assert "both sides are priced in eu-west-1: what it was names no region" in found
    assert found[1].startswith("10,000 messages a day: $")
    assert found[1].endswith(" (no change)")


def test_of_a_stage_that_names_its_region_nothing_is_said():
    found = costs(paired(stage("eu-west-1"), stage("eu-west-1")))
    assert not any("both sides" in line for line in found)


def test_free_capacity_that_takes_the_place_of_requests_is_shown():
    found = costs(paired(stage(), stage(table=old_table(read=5, write=5))))
    idle, write, _ = found[:3]
    assert idle == "idle: $0.00 (no change)"
    assert write == "    write capacity: 0 → 3,650 write unit-hours, free"
    assert found.count(write) == 2
