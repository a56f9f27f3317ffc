"""A deployed stage that goes from one billing mode to the other, and stays the same table."""

import pytest
from aws_cdk import aws_dynamodb as dynamodb

from model.messages import INDEX_NAME
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.deployment import DeploymentFailed
from tests.support.reviews import changes, review

pytestmark = pytest.mark.usefixtures("bootstrapped")
CAPACITY = {"write_capacity": 7, "max_write_capacity": 70, "read_capacity": 6, "max_read_capacity": 60}
# What DynamoDB's API calls no limit.
NONE = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
_WRITES = "WriteProvisionedThroughputSettings.WriteCapacityAutoScalingSettings.SeedCapacity"


def shown(client, outputs):
    """The table's id, its mode, and the units and limits of the table and of its index."""
    table = client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == INDEX_NAME
    capacity = [one["ProvisionedThroughput"] for one in (table, index)]
    return (
        table["TableId"],
        table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        [(units["ReadCapacityUnits"], units["WriteCapacityUnits"]) for units in capacity],
        [one.get("OnDemandThroughput", NONE) for one in (table, index)],
    )


def failing(environment, stage):
    """What a review of the switch to on demand says that would fail."""
    return [line for line in changes(review(environment, "--stage", stage.stage)) if line.startswith("! fails")]


def without_seed_capacity(stack):
    """The stack as it was rendered before it had a seed capacity."""
    table = stack.messages.table.node.default_child
    assert isinstance(table, dynamodb.CfnGlobalTable)
    for path in (_WRITES, f"GlobalSecondaryIndexes.0.{_WRITES}"):
        table.add_property_deletion_override(path)


def test_a_stage_changes_its_mode_and_limits_but_without_a_seed_capacity_gets_it_first(client, stage, aws):
    """Every stage that was provisioned before the template had one has none."""
    items = load_items(PROJECT / "seed/messages.yaml")
    provisioned = {"billing_mode": "provisioned"} | CAPACITY
    outputs = stage.deploy(items, change=without_seed_capacity, **provisioned)
    table, *before = shown(client, outputs)
    (line,) = failing(aws.environment(), stage)
    assert "BillingMode PAY_PER_REQUEST: CloudFormation refuses the switch unless" in line
    with pytest.raises(DeploymentFailed, match="the previous template must specify a value for"):
        stage.deploy(items)
    assert shown(client, outputs) == (table, *before)
    stage.deploy(items, **provisioned)
    assert failing(aws.environment(), stage) == []

    on_demand = (table, "PAY_PER_REQUEST", [(0, 0)] * 2)
    assert shown(client, stage.deploy(items)) == (*on_demand, [NONE] * 2)
    limits = {"MaxReadRequestUnits": 40, "MaxWriteRequestUnits": 20}
    assert shown(client, stage.deploy(items, max_read_units=40, max_write_units=20)) == (*on_demand, [limits] * 2)
    assert shown(client, stage.deploy(items, **provisioned))[:3] == (table, "PROVISIONED", [(6, 7)] * 2)
    found = client("dynamodb").scan(TableName=outputs["TableName"])["Items"]
    assert [item for item in found if item["sk"]["S"].startswith("MESSAGE#")]
