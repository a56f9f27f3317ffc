"""A deployed stage that goes from one billing mode to the other, and stays the same table."""

import pytest
from aws_cdk import aws_dynamodb as dynamodb

from model.messages import INDEX_NAME
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.local.test_review import changes, review
from tests.support.deployment import Deployment, DeploymentFailed

pytestmark = pytest.mark.usefixtures("bootstrapped")
ITEMS = load_items(PROJECT / "seed/messages.yaml")
PROVISIONED = {
    "billing_mode": "provisioned",
    "write_capacity": 7,
    "max_write_capacity": 70,
    "read_capacity": 6,
    "max_read_capacity": 60,
}
# What DynamoDB's API calls no limit.
NONE = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}


@pytest.fixture
def stage(client, name):
    return Deployment(client, f"pr-{name}")


def shown(client, outputs):
    """The table's id, its mode, and the units of the table and of its index."""
    table = client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]
    mode = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    return table["TableId"], mode, *map(units, (table, index_of(table)))


def index_of(table):
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == INDEX_NAME
    return index


def units(shown):
    capacity = shown["ProvisionedThroughput"]
    return capacity["ReadCapacityUnits"], capacity["WriteCapacityUnits"]


def failing(environment, stage):
    """What a review of the switch to on demand says that would fail."""
    found = changes(review(environment, "--stage", stage.stage))
    return [line for line in found if line.startswith("! fails")]


def without_seed_capacity(stack):
    """The stack as it was rendered before it had a seed capacity."""
    table = stack.messages.table.node.default_child
    assert isinstance(table, dynamodb.CfnGlobalTable)
    for path in SEEDED:
        table.add_property_deletion_override(path)


_WRITES = "WriteProvisionedThroughputSettings.WriteCapacityAutoScalingSettings.SeedCapacity"
SEEDED = (_WRITES, f"GlobalSecondaryIndexes.0.{_WRITES}")


def test_a_deployed_stage_is_provisioned_and_on_demand_again(client, stage):
    table, *before = shown(client, stage.deploy(ITEMS))
    assert before == ["PAY_PER_REQUEST", (0, 0), (0, 0)]
    outputs = stage.deploy(ITEMS, **PROVISIONED)
    assert shown(client, outputs) == (table, "PROVISIONED", (6, 7), (6, 7))
    outputs = stage.deploy(ITEMS)
    assert shown(client, outputs) == (table, *before)
    items = client("dynamodb").scan(TableName=outputs["TableName"])["Items"]
    assert [item for item in items if item["sk"]["S"].startswith("MESSAGE#")]


def test_a_stage_deployed_without_a_seed_capacity_gets_it_before_the_switch(client, stage, aws):
    """As every stage that was provisioned before the template had one."""
    deployed = stage.deploy([], change=without_seed_capacity, billing_mode="provisioned")
    table, *before = shown(client, deployed)
    (line,) = failing(aws.environment(), stage)
    assert "BillingMode PAY_PER_REQUEST: CloudFormation refuses the switch unless" in line
    with pytest.raises(DeploymentFailed, match="the previous template must specify a value for"):
        stage.deploy([])
    assert shown(client, deployed) == (table, *before)
    stage.deploy([], billing_mode="provisioned")
    assert failing(aws.environment(), stage) == []
    assert shown(client, stage.deploy([]))[:2] == (table, "PAY_PER_REQUEST")


def test_on_demand_limits_come_and_go_for_table_and_index_alike(client, stage):
    def limits(**settings):
        outputs = stage.deploy([], **settings)
        table = client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]
        return [one.get("OnDemandThroughput", NONE) for one in (table, index_of(table))]

    limited = {"MaxReadRequestUnits": 40, "MaxWriteRequestUnits": 20}
    assert limits() == [NONE, NONE]
    assert limits(max_read_units=40, max_write_units=20) == [limited, limited]
    assert limits() == [NONE, NONE]
