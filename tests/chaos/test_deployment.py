"""A deployment whose seeding function is ended in the middle of its work."""

from datetime import UTC, datetime, timedelta

import pytest

from embedded_aws.tests.support.steps import log_lines
from model.messages import message_item
from tests.support.deployment import Deployment, DeploymentFailed

SECONDS = 10  # that the function has; it needs less than one where the machine is idle
# Held for longer than that, then answered 504 and never passed on.
HUNG = {"service": "dynamodb", "timeout_ms": (SECONDS + 3) * 1000}
START = datetime(2026, 1, 1, 9, tzinfo=UTC)


def messages(count, body="seeded"):
    return [
        message_item(sender="Tom", recipient="Jerry", body=f"{body} {n}", sent_at=START + timedelta(minutes=n))
        for n in range(count)
    ]


def of(items):
    return {item["sk"]: item["Body"] for item in items}


@pytest.mark.usefixtures("bootstrapped")
def test_a_function_that_is_ended_is_rolled_back_and_its_work_done_again(burst, client, name, stored):
    deployment = Deployment(client, f"pr-{name}")

    def through_faults(stack):
        function = stack.seed.node.find_child("Seeding").function.node.default_child
        function.add_property_override("Environment.Variables.AWS_ENDPOINT_URL_DYNAMODB", burst.endpoint)
        function.timeout = SECONDS

    def bodies():
        return stored(deployment.stack, "CONVERSATION#jerry#tom")

    burst.rules(HUNG | {"operation": "BatchWriteItem", "sequence": {"fail": 1, "pass": 2}})
    with pytest.raises(DeploymentFailed, match=r"^ROLLBACK_COMPLETE.*timed out"):
        deployment.deploy(messages(400), change=through_faults)
    assert burst.fired()
    deployment.destroy()

    burst.clear()
    old, new = messages(400), messages(400, "new")
    outputs = deployment.deploy(old, change=through_faults)
    assert bodies() == of(old)
    assert (outputs["SeededCount"], outputs["SeedWritten"]) == ("400", "400")
    for item in (old[0], old[399]):
        edited = {name: {"S": value} for name, value in item.items()} | {"Body": {"S": "by hand"}}
        client("dynamodb").put_item(TableName=deployment.stack, Item=edited)
    edits = {old[0]["sk"]: "by hand", old[399]["sk"]: "by hand"}

    # Of the four transactions two come through; those of the rollback all do.
    burst.rules(HUNG | {"operation": "TransactWriteItems", "times": 2, "sequence": {"fail": 1, "pass": 1}})
    with pytest.raises(DeploymentFailed, match=r"^UPDATE_ROLLBACK_COMPLETE.*timed out"):
        deployment.deploy(new, change=through_faults)
    assert bodies() == of(old) | edits
    rollback = log_lines(client, deployment.stack, "seeded")[-1]
    assert 0 < rollback["Written"] < 398, "the update was ended neither before nor after its work"

    burst.clear()
    outputs = deployment.deploy(new, change=through_faults)
    assert bodies() == of(new) | edits
    assert (outputs["SeedWritten"], outputs["SeedPreserved"]) == ("398", "2")
    deployment.destroy()
