"""A stage with replicas: the embedded AWS makes the table of its own region, AWS the others too."""

import pytest

from embedded_aws.tests.support.steps import eventually, listed
from model.messages import INDEX_NAME
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.deployment import DeploymentFailed

pytestmark = pytest.mark.usefixtures("bootstrapped")
HOME = {"region": "us-east-1"}
ONE = HOME | {"replica_regions": ("eu-west-1",)}
TWO = HOME | {"replica_regions": ("eu-west-1", "eu-central-1")}


def protection(client, table):
    found = client("dynamodb").describe_table(TableName=table)["Table"]
    return found["TableId"], found["DeletionProtectionEnabled"]


def test_replicas_come_one_an_update_to_the_same_table_keep_its_lists_and_leave_when_it_is_not_protected(client, stage):
    table = stage.deploy([], **HOME)["TableName"]
    same, _ = protection(client, table)
    with pytest.raises(DeploymentFailed, match="one replica"):
        stage.deploy([], **TWO)
    stage.deploy([], **ONE, deletion_protection=True)
    stage.deploy([], **TWO, deletion_protection=True)
    assert protection(client, table) == (same, True)
    with pytest.raises(DeploymentFailed, match="currently protected against deletion"):
        stage.deploy([], **ONE, deletion_protection=True)
    assert protection(client, table) == (same, True)
    outputs = stage.deploy(load_items(PROJECT / "seed/messages.yaml"), **TWO)
    assert outputs["SeededCount"] == "5"
    mine = {"KeyConditionExpression": "#user = :tom", "ExpressionAttributeNames": {"#user": "User"}}
    mine |= {"ExpressionAttributeValues": {":tom": {"S": "tom"}}, "IndexName": INDEX_NAME, "TableName": table}
    assert eventually(lambda: client("dynamodb").query(**mine)["Items"]), "the list of conversations is kept"
    stage.deploy([], **ONE)
    assert protection(client, table) == (same, False)
    stage.destroy()
    assert table not in listed(client("dynamodb"), "list_tables")
