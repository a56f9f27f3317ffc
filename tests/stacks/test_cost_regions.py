"""In which region a stage is priced, and which of its replicas is at home."""

import pytest

from cli.errors import OpsError
from ops.cost import template
from ops.cost.assembly import StackTemplate
from ops.cost.estimate import estimate
from ops.cost.load import Load
from tests.support.cost_templates import of, old_table, read
from tests.support.templates import synthesized

LOAD = Load(messages_per_day=10_000)
HOME, THERE = "eu-west-1", "us-east-1"


def stage(*, region=HOME, **settings):
    """A stage's stack, placed as its assembly places it."""
    found = synthesized(region=HOME, **settings)
    return (StackTemplate(name="Messages-dev", region=region, template=found),)


def replicas(*regions):
    """A global table with a replica in each of these."""
    keys = old_table()["Properties"]["KeySchema"]
    return of(
        {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": keys,
                "Replicas": [{"Region": region} for region in regions],
            },
        }
    )


def estimated(stacks, **options):
    return estimate(template.read(stacks, **options), LOAD, **options)


def regions(found):
    """The region whose price each item has."""
    return {line.item: line.price.region for line in found.lines}


def test_with_replicas_the_stacks_own_region_is_home_wherever_the_list_has_it():
    wide = stage(replica_regions=(THERE,), restore_testing=True)
    found = estimated(wide)
    assert found.regions == (HOME, THERE)
    priced, cost = regions(found), {line.item: line.monthly for line in found.lines}
    for item in ("reads on demand", "backups, daily", "restored by the tests", "logs written"):
        assert priced[item] == HOME
    assert cost["reads on demand"] > 0
    assert cost[f"reads on demand, {THERE}"] == 0


def test_what_is_at_home_has_one_name_with_replicas_and_without():
    alone, wide = (estimated(stage(replica_regions=there)) for there in ((), (THERE,)))
    costs = {line.item: line.monthly for line in wide.lines}
    for line in alone.lines:
        assert costs[line.item] == line.monthly
    assert {item for item in costs if HOME in item} == set()


def test_a_replica_without_prices_has_those_of_the_stacks_own_region():
    found = estimated(stage(replica_regions=("ap-south-1",)))
    assert found.warnings == (f"no prices of region ap-south-1 are known: what is there has those of {HOME}",)
    assert set(regions(found).values()) == {HOME}


def test_home_is_the_callers_then_the_stacks_then_of_the_replica_that_is_alone():
    assert estimated(stage(), region="us-west-2").region == "us-west-2"
    (own,) = stage()
    elsewhere = StackTemplate(region="us-west-2", template=own.template)
    assert estimated((elsewhere,)).region == "us-west-2"
    assert estimated(stage(region=None)).region == HOME


def test_of_several_replicas_nobody_guesses_which_is_at_home():
    """A template that comes by itself says where its table is, not where it is deployed."""
    both = "the table has replicas in us-east-1 and eu-west-1; say which of them is its stack's: "
    for region in (None, "us-west-2"):
        with pytest.raises(OpsError, match=f"^{both}--region$"):
            read(replicas(THERE, HOME), region=region)
    known = read(replicas(THERE, HOME), region=HOME)
    assert estimate(known, LOAD).regions == (HOME, THERE)
    assert estimate(known, LOAD, region=THERE).regions == (THERE, HOME)
