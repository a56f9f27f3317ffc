"""Deployments whose seeding function meets faults, or is ended in the middle of its work."""

import pytest

from embedded_aws.tests.support.steps import log_lines
from tests.support.cdk_cli import bootstrapped_cli
from tests.support.deployment import Deployment, DeploymentFailed
from tests.support.faulty_stack import messages, through

SECONDS = 5  # that the function has; it needs less than one
# Held for longer than that, then answered 504 and never passed on.
HUNG = {"service": "dynamodb", "timeout_ms": (SECONDS + 3) * 1000}


@pytest.fixture(scope="module")
def cdk(aws, tmp_path_factory):
    """``cdk("deploy", ...)``: the real CDK CLI on a bootstrapped embedded AWS."""
    return bootstrapped_cli(aws, tmp_path_factory.mktemp("cdk"))


@pytest.fixture
def deployment(cdk, client, name):  # noqa: ARG001 (cdk: has bootstrapped)
    deployment = Deployment(client, f"pr-{name}")
    yield deployment
    if deployment.status():
        deployment.destroy()


@pytest.fixture
def bodies(client, deployment):
    """``bodies()``: the bodies in the table by sort key, and that there is nothing else."""

    def read():
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=deployment.stack,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                FilterExpression="attribute_exists(Body)",
                ExpressionAttributeValues={":pk": {"S": "CONVERSATION#jerry#tom"}},
            )
        )
        items = [item for page in pages for item in page["Items"]]
        found = {item["sk"]["S"]: item["Body"]["S"] for item in items}
        assert len(found) == len(items)
        return found

    return read


def of(items):
    return {item["sk"]: item["Body"] for item in items}


def seedings(client, stack):
    """What the seeding function said about each of its calls that came to their end."""
    return log_lines(client, stack, "seeded")


def test_a_deployment_through_all_faults_seeds_every_message(cdk, burst, deployment, bodies, tmp_path):
    kinds = [
        {"error": {"code": "ProvisionedThroughputExceededException"}},
        {"reset": True},
        {"response": {"abort_bytes": 1}},
    ]
    burst.rules(*({"service": "dynamodb", "probability": 0.11, **kind} for kind in kinds))
    app = ("-a", "python3 -m tests.support.faulty_stack", "-c", f"stage={deployment.stage}")
    variables = {"FAULTY_ENDPOINT": burst.endpoint, "MESSAGES": "600"}
    done = cdk("deploy", *app, "--require-approval", "never", out=tmp_path, **variables)
    assert done.returncode == 0, done.stdout
    assert bodies() == of(messages(600))
    assert deployment.outputs()["SeededCount"] == "600"
    assert burst.fired()


def test_a_function_ended_while_it_fills_the_table_leaves_nothing(burst, deployment, bodies):
    burst.rules(HUNG | {"operation": "BatchWriteItem", "sequence": {"fail": 1, "pass": 2}})
    change = through(burst.endpoint, seconds=SECONDS)
    with pytest.raises(DeploymentFailed, match=r"^ROLLBACK_COMPLETE.*timed out"):
        deployment.deploy(messages(600), change=change)
    assert burst.fired()
    deployment.destroy()

    burst.clear()
    outputs = deployment.deploy(messages(600), change=change)
    assert bodies() == of(messages(600))
    assert (outputs["SeededCount"], outputs["SeedWritten"]) == ("600", "600")


def test_a_function_ended_in_an_update_is_rolled_back_and_done_again(burst, deployment, bodies, client):
    old, new = messages(400), messages(400, "new")
    change = through(burst.endpoint, seconds=SECONDS)
    deployment.deploy(old, change=change)
    for item in (old[0], old[399]):
        edited = {name: {"S": value} for name, value in item.items()} | {"Body": {"S": "by hand"}}
        client("dynamodb").put_item(TableName=deployment.stack, Item=edited)
    edits = {old[0]["sk"]: "by hand", old[399]["sk"]: "by hand"}

    # Of the four transactions two come through; those of the rollback all do.
    burst.rules(HUNG | {"operation": "TransactWriteItems", "times": 2, "sequence": {"fail": 1, "pass": 1}})
    with pytest.raises(DeploymentFailed, match=r"^UPDATE_ROLLBACK_COMPLETE.*timed out"):
        deployment.deploy(new, change=change)
    assert bodies() == of(old) | edits
    _, rollback = seedings(client, deployment.stack)
    assert 0 < rollback["Written"] < 398, "the update was ended neither before nor after its work"

    burst.clear()
    outputs = deployment.deploy(new, change=change)
    assert bodies() == of(new) | edits
    assert (outputs["SeedWritten"], outputs["SeedPreserved"]) == ("398", "2")
