"""A stage with replicas: the embedded AWS makes the table of its own region, AWS the others too."""

import pytest

from embedded_aws.tests.support.steps import eventually
from model.messages import INDEX_NAME
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.deployment import Deployment, DeploymentFailed

pytestmark = pytest.mark.usefixtures("bootstrapped")
WIDE = {"region": "us-east-1", "replica_regions": ("eu-west-1", "eu-central-1")}


@pytest.fixture
def stage(client, name):
    return Deployment(client, f"pr-{name}")


def conversations(client, table):
    return client("dynamodb").query(
        TableName=table,
        IndexName=INDEX_NAME,
        Select="COUNT",
        KeyConditionExpression="#user = :tom",
        ExpressionAttributeNames={"#user": "User"},
        ExpressionAttributeValues={":tom": {"S": "tom"}},
    )["Count"]


def test_a_stage_with_replicas_deploys_seeds_keeps_lists_and_goes(client, stage):
    items = load_items(PROJECT / "seed/messages.yaml")
    outputs = stage.deploy(items, **WIDE)
    assert outputs["SeededCount"] == "5"
    assert eventually(lambda: conversations(client, outputs["TableName"])) == 1
    stage.destroy()
    assert outputs["TableName"] not in client("dynamodb").list_tables()["TableNames"]


def test_replicas_are_an_update_of_the_table_that_is_there(client, stage):
    before = stage.deploy([], region="us-east-1")
    table = client("dynamodb").describe_table(TableName=before["TableName"])["Table"]
    after = stage.deploy([], **WIDE | {"replica_regions": ("eu-west-1",)})
    same = client("dynamodb").describe_table(TableName=after["TableName"])["Table"]
    assert same["TableId"] == table["TableId"]


def protection(client, table):
    found = client("dynamodb").describe_table(TableName=table)["Table"]
    return found["TableId"], found["DeletionProtectionEnabled"]


def test_a_region_does_not_leave_while_the_table_is_protected(client, stage):
    protected = {"region": "us-east-1", "deletion_protection": True}
    outputs = stage.deploy([], **protected, replica_regions=("eu-west-1",))
    before = protection(client, outputs["TableName"])
    with pytest.raises(DeploymentFailed, match="currently protected against deletion"):
        stage.deploy([], **protected)
    assert protection(client, outputs["TableName"]) == before
    open_to_deletion = protected | {"deletion_protection": False}
    stage.deploy([], **open_to_deletion, replica_regions=("eu-west-1",))
    stage.deploy([], **open_to_deletion)
    assert protection(client, outputs["TableName"]) == (before[0], False)


def test_regions_come_one_an_update(stage):
    stage.deploy([], region="us-east-1")
    with pytest.raises(DeploymentFailed, match="one replica"):
        stage.deploy([], **WIDE)
    stage.deploy([], **WIDE | {"replica_regions": ("eu-west-1",)})
    stage.deploy([], **WIDE)
