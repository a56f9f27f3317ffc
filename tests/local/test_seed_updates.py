"""What a change of the seed does to a deployed table, through real CloudFormation."""

from datetime import UTC, datetime, timedelta

import pytest
from aws_cdk.aws_dynamodb import CfnTable
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import listed, log_lines
from model.messages import message_item
from tests.support.deployment import BUCKET, DeploymentFailed

START = datetime(2026, 1, 1, 9, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("bootstrapped")


def seed(bodies: dict[int, str]):
    return [
        message_item(sender="Tom", recipient="Jerry", body=body, sent_at=START + timedelta(minutes=minute))
        for minute, body in bodies.items()
    ]


@pytest.fixture
def bodies(client, stage):
    """``bodies()``: the messages of the table: their minute and their text, each just once."""

    def read() -> dict[int, str]:
        request = {
            "TableName": stage.stack,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "CONVERSATION#jerry#tom"}},
        }
        items = [
            item for page in client("dynamodb").get_paginator("query").paginate(**request) for item in page["Items"]
        ]
        minutes = [(datetime.fromisoformat(item["SentAt"]["S"]) - START) // timedelta(minutes=1) for item in items]
        assert len({*minutes}) == len(items), "a message is there twice"
        return dict(zip(minutes, (item["Body"]["S"] for item in items), strict=True))

    return read


def edit(client, stage, minute: int):
    (item,) = seed({minute: "mine"})
    client("dynamodb").put_item(TableName=stage.stack, Item={name: {"S": value} for name, value in item.items()})


def counts(outputs) -> dict[str, int]:
    """The counts among the outputs, without the zeros."""
    names = ("Total", "Written", "Unchanged", "Preserved", "Removed")
    return {name: int(outputs[f"Seed{name}"]) for name in names if outputs[f"Seed{name}"] != "0"}


def test_a_seed_follows_its_file_and_a_destroy_leaves_the_data_of_a_kept_table(stage, client, bodies):
    """Inline, then a file, then inline again: the seed before is known each time, until its file is deleted."""
    few, many = {0: "a", 1: "b"}, {minute: f"{minute} " + "x" * 200 for minute in range(1, 600)}
    kept = {"retain_table": True}
    assert counts(stage.deploy(seed(few), **kept)) == {"Total": 2, "Written": 2}
    stage.deploy(seed(few), **kept, pitr_days=3)
    assert len(log_lines(client, stage.stack, "seeded")) == 1, "no change of the seed, no call"
    assert counts(stage.deploy(seed(many), **kept)) == {"Total": 599, "Written": 599, "Removed": 1}
    assert bodies() == many
    edit(client, stage, 300)
    updated = stage.deploy(seed(few), **kept)
    assert counts(updated) == {"Total": 2, "Written": 2, "Removed": 597, "Preserved": 1}
    assert updated["SeededCount"] == "2"
    assert bodies() == few | {300: "mine"}

    stage.deploy(seed(many), **kept)
    for found in client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]:
        if found["Key"].endswith(".jsonl"):
            client("s3").delete_object(Bucket=BUCKET, Key=found["Key"])
    updated = stage.deploy(seed({1: "another", 600: "new"}), **kept)
    assert counts(updated) == {"Total": 2, "Written": 1, "Preserved": 1}, "nothing is rewritten or removed"
    stage.destroy()
    assert bodies() == many | {300: "mine", 600: "new"}


def fail(stack):
    """Let the deployment fail after the seed was written: on a name that is taken."""
    twin = CfnTable(
        stack,
        "Twin",
        table_name=stack.messages.table.table_name,
        billing_mode="PAY_PER_REQUEST",
        key_schema=[CfnTable.KeySchemaProperty(attribute_name="pk", key_type="HASH")],
        attribute_definitions=[CfnTable.AttributeDefinitionProperty(attribute_name="pk", attribute_type="S")],
    )
    twin.node.add_dependency(stack.seed)


def test_a_failed_create_leaves_nothing_and_a_failed_update_is_rolled_back(stage, client, bodies):
    with pytest.raises(DeploymentFailed, match="ROLLBACK_COMPLETE"):
        stage.deploy(seed({0: "a"}), change=fail, retain_table=True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("dynamodb").describe_table(TableName=stage.stack)
    vaults = listed(client("backup"), "list_backup_vaults")
    assert not [v for v in vaults if v["BackupVaultName"].startswith(stage.stack)]
    roles = listed(client("iam"), "list_roles", PathPrefix="/messages/")
    assert not [role for role in roles if role["RoleName"].startswith(stage.stack)]
    stage.destroy()

    stage.deploy(seed({0: "a", 1: "b", 2: "c"}))
    edit(client, stage, 2)
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        stage.deploy(seed({0: "x", 2: "y", 3: "new"}), change=fail)
    assert bodies() == {0: "a", 1: "b", 2: "mine"}
    assert stage.deploy(seed({0: "x", 2: "y", 3: "new"}))["SeededCount"] == "3"
    assert bodies() == {0: "x", 2: "mine", 3: "new"}
