"""What a change of the seed does to a deployed table, through real CloudFormation."""

from datetime import UTC, datetime, timedelta

import pytest
from aws_cdk.aws_dynamodb import CfnTable
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.messages import message_item
from tests.support.aws_steps import log_lines
from tests.support.deployment import Deployment, DeploymentFailed

START = datetime(2026, 1, 1, 9, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("bootstrapped")


@pytest.fixture
def deployment(client, name):
    return Deployment(client, f"pr-{name}")


def message(minute: int, body: str):
    return message_item(sender="Tom", recipient="Jerry", body=body, sent_at=START + timedelta(minutes=minute))


def seed(bodies: dict[int, str]):
    return [message(minute, body) for minute, body in bodies.items()]


def key(minute: int):
    item = message(minute, "any")
    return {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}


def bodies(client, deployment) -> dict[int, str]:
    """The messages of the table: their minute and their text, each just once."""
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=deployment.stack,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "CONVERSATION#jerry#tom"}},
        )
    )
    items = [item for page in pages for item in page["Items"]]
    found = {}
    for item in items:
        minutes = (datetime.fromisoformat(item["SentAt"]["S"]) - START) // timedelta(minutes=1)
        assert minutes not in found, "a message is there twice"
        found[minutes] = item["Body"]["S"]
    return found


def edit(client, deployment, edits: dict[int, str | None]):
    """A person's changes: another text, or None to delete."""
    for minute, body in edits.items():
        if body is None:
            client("dynamodb").delete_item(TableName=deployment.stack, Key=key(minute))
        else:
            typed = {name: {"S": value} for name, value in message(minute, body).items()}
            client("dynamodb").put_item(TableName=deployment.stack, Item=typed)


def counts(outputs) -> dict[str, int]:
    """What the outputs say happened, without the zeros."""
    names = ("Total", "Written", "Unchanged", "Preserved", "Removed")
    return {name: int(outputs[f"Seed{name}"]) for name in names if outputs[f"Seed{name}"] != "0"}


@pytest.mark.parametrize(
    ("old", "edits", "new", "table", "counted"),
    [
        pytest.param({0: "a"}, {}, {0: "b"}, {0: "b"}, {"Total": 1, "Written": 1}, id="edited in the file"),
        pytest.param(
            {0: "a", 1: "b"},
            {},
            {0: "a"},
            {0: "a"},
            {"Total": 1, "Unchanged": 1, "Removed": 1},
            id="removed from the file",
        ),
        pytest.param(
            {0: "a", 2: "c"},
            {},
            {0: "a", 1: "b", 2: "c"},
            {0: "a", 1: "b", 2: "c"},
            {"Total": 3, "Written": 1, "Unchanged": 2},
            id="added in the middle",
        ),
        pytest.param(
            {0: "a"}, {0: "mine"}, {0: "b"}, {0: "mine"}, {"Total": 1, "Preserved": 1}, id="edited, then in the file"
        ),
        pytest.param(
            {0: "a", 1: "b"},
            {0: "mine"},
            {1: "b"},
            {0: "mine", 1: "b"},
            {"Total": 1, "Unchanged": 1, "Preserved": 1},
            id="edited, then removed",
        ),
        pytest.param(
            {0: "a", 1: "b"},
            {0: None},
            {0: "a", 1: "c"},
            {1: "c"},
            {"Total": 2, "Written": 1, "Preserved": 1},
            id="deleted: stays away",
        ),
        pytest.param(
            {0: "a"}, {0: None}, {0: "b"}, {0: "b"}, {"Total": 1, "Written": 1}, id="deleted, then changed: back"
        ),
        pytest.param(
            {0: "a"},
            {1: "mine"},
            {0: "a", 1: "b"},
            {0: "a", 1: "mine"},
            {"Total": 2, "Unchanged": 1, "Preserved": 1},
            id="an item is in the way",
        ),
        pytest.param({0: "a"}, {}, {}, {}, {"Removed": 1}, id="an empty seed"),
    ],
)
def test_an_update(deployment, client, old, edits, new, table, counted):
    created = deployment.deploy(seed(old))
    assert counts(created) == {"Total": len(old), "Written": len(old)}
    edit(client, deployment, edits)
    updated = deployment.deploy(seed(new))
    assert bodies(client, deployment) == table
    assert counts(updated) == counted
    assert int(updated["SeededCount"]) == len([minute for minute in new if minute in table])
    assert len(log_lines(client, deployment.stack, "seeded")) == 2


def test_no_change_of_the_seed_is_no_call(deployment, client):
    deployment.deploy(seed({0: "a"}))
    deployment.deploy(seed({0: "a"}), pitr_days=3)
    assert len(log_lines(client, deployment.stack, "seeded")) == 1


def test_a_table_under_a_new_name_is_seeded_anew(deployment, client):
    deployment.deploy(seed({0: "a"}), table_name=f"{deployment.stack}-1")
    updated = deployment.deploy(seed({0: "a", 1: "b"}))
    assert bodies(client, deployment) == {0: "a", 1: "b"}
    assert counts(updated) == {"Total": 2, "Written": 2}


def fail(stack):
    """Let the deployment fail after the seed was written: on a name that is taken."""
    table = stack.messages.table
    twin = CfnTable(
        stack,
        "Twin",
        table_name=table.table_name,
        billing_mode="PAY_PER_REQUEST",
        key_schema=[CfnTable.KeySchemaProperty(attribute_name="pk", key_type="HASH")],
        attribute_definitions=[CfnTable.AttributeDefinitionProperty(attribute_name="pk", attribute_type="S")],
    )
    twin.node.add_dependency(stack.seed)


def test_a_failed_create_leaves_nothing(deployment, client):
    with pytest.raises(DeploymentFailed, match="ROLLBACK_COMPLETE"):
        deployment.deploy(seed({0: "a"}), change=fail, retain_table=True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("dynamodb").describe_table(TableName=deployment.stack)
    vaults = client("backup").list_backup_vaults()["BackupVaultList"]
    assert not [v for v in vaults if v["BackupVaultName"].startswith(deployment.stack)]
    roles = client("iam").list_roles(PathPrefix="/messages/")["Roles"]
    assert not [role for role in roles if role["RoleName"].startswith(deployment.stack)]


def test_a_failed_update_is_taken_back(deployment, client):
    deployment.deploy(seed({0: "a", 1: "b", 2: "c"}))
    edit(client, deployment, {2: "mine"})
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        deployment.deploy(seed({0: "x", 2: "y", 3: "new"}), change=fail)
    assert bodies(client, deployment) == {0: "a", 1: "b", 2: "mine"}
    assert deployment.deploy(seed({0: "x", 2: "y", 3: "new"}))["SeededCount"] == "3"
    assert bodies(client, deployment) == {0: "x", 2: "mine", 3: "new"}


def test_a_destroy_leaves_the_data_of_a_kept_table(deployment, client):
    deployment.deploy(seed({0: "a", 1: "b"}), retain_table=True)
    deployment.destroy()
    assert bodies(client, deployment) == {0: "a", 1: "b"}


def test_from_few_to_many_and_back(deployment, client):
    """Inline, then a file, then inline again: the seed before is known each time."""
    few, many = {0: "a", 1: "b"}, {minute: f"{minute} " + "x" * 200 for minute in range(1, 600)}
    deployment.deploy(seed(few))
    updated = deployment.deploy(seed(many))
    assert counts(updated) == {"Total": 599, "Written": 599, "Removed": 1}
    assert bodies(client, deployment) == many
    edit(client, deployment, {300: "mine"})
    updated = deployment.deploy(seed(few))
    assert counts(updated) == {"Total": 2, "Written": 2, "Removed": 597, "Preserved": 1}
    assert bodies(client, deployment) == few | {300: "mine"}


def test_without_the_old_seeds_file_nothing_is_rewritten_or_removed(deployment, client):
    many = {minute: f"{minute} " + "x" * 200 for minute in range(300)}
    deployment.deploy(seed(many))
    bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
    for found in client("s3").list_objects_v2(Bucket=bucket)["Contents"]:
        if found["Key"].endswith(".jsonl"):
            client("s3").delete_object(Bucket=bucket, Key=found["Key"])
    updated = deployment.deploy(seed({0: "another", 300: "new"}))
    assert counts(updated) == {"Total": 2, "Written": 1, "Preserved": 1}
    assert bodies(client, deployment) == many | {300: "new"}


BODIES = st.dictionaries(st.integers(0, 5), st.sampled_from(["one", "two"]))
EDITS = st.dictionaries(st.integers(0, 6), st.sampled_from(["mine", None]), max_size=3)


def expected(old, edits, new):
    """The table as design says: whoever touched an item last of seed and person keeps it."""
    table = dict(old)
    for minute, body in edits.items():
        table.pop(minute, None)
        if body is not None:
            table[minute] = body
    for minute in old.keys() | new.keys():
        was, wanted, now = old.get(minute), new.get(minute), table.get(minute)
        if was == wanted or (now is not None and now != was):
            continue  # nothing changed in the seed, or a person's text stands
        table.pop(minute, None)
        if wanted is not None:
            table[minute] = wanted
    return table


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BODIES, EDITS, BODIES)
def test_any_two_seeds_and_any_edits_between(client, deployment, old, edits, new):
    deployment.deploy(seed(old))
    try:
        edit(client, deployment, edits)
        # A marker makes it an update even where the seeds are the same.
        deployment.deploy(seed(new), tags={"round": "two"})
        assert bodies(client, deployment) == expected(old, edits, new)
    finally:
        deployment.destroy()
