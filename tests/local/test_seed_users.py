"""A stage with a user pool: where its seed lies, and what a change of seed, user or pool does."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from embedded_aws.tests.support.steps import eventually, log_lines
from model.messages import conversation_id, message_item, message_key
from tests.conftest import PROJECT
from tests.support.deployment import Deployment, DeploymentFailed
from tests.support.user_pool import UserPool

pytestmark = pytest.mark.usefixtures("bootstrapped")
START = datetime(2026, 1, 1, 9, tzinfo=UTC)


@pytest.fixture
def pools(client, name):
    """``pools()``: a new pool."""
    made = []

    def make():
        made.append(UserPool(client, f"{name}-{len(made)}"))
        return made[-1]

    yield make
    for pool in made:
        pool.delete()


@pytest.fixture
def deployment(client, name):
    made = Deployment(client, f"pr-{name}")
    yield made
    made.destroy()


@pytest.fixture
def chat(aws, deployment):
    """``chat("users")``: a command's status, output and errors, on the deployed stage."""

    def run(command, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "chat", command, "--stage", deployment.stage, *arguments],
            cwd=PROJECT,
            text=True,
            capture_output=True,
            timeout=60,
            env=aws.environment(),
        )
        return done.returncode, done.stdout, done.stderr

    return run


def message(minute, body, sender="Tom", recipient="Jerry"):
    return message_item(sender=sender, recipient=recipient, body=body, sent_at=START + timedelta(minutes=minute))


def seed(**bodies):
    """Messages m0, m1, ... of Tom to Jerry; every second one is the answer."""
    minutes = {int(name[1:]): body for name, body in bodies.items()}
    return [message(n, body, *(("Jerry", "Tom") if n % 2 else ())) for n, body in minutes.items()]


def bodies(client, deployment):
    """The messages in the table: by conversation, then by minute."""
    found = {}
    for page in client("dynamodb").get_paginator("scan").paginate(TableName=deployment.stack):
        for item in page["Items"]:
            if item["sk"]["S"].startswith("MESSAGE#"):
                at = datetime.fromisoformat(item["SentAt"]["S"])
                of = found.setdefault(item["ConversationId"]["S"], {})
                of[f"m{(at - START) // timedelta(minutes=1)}"] = item["Body"]["S"]
    return found


def edit(client, deployment, conversation, minute):
    """A person's edit of a seeded message."""
    named = message(minute, "any")
    key = message_key(conversation, named["SentAt"], named["MessageId"])
    client("dynamodb").update_item(
        TableName=deployment.stack,
        Key={name: {"S": value} for name, value in key.items()},
        UpdateExpression="SET Body = :b",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":b": {"S": "mine"}},
    )


def counts(outputs):
    names = ("Total", "Written", "Unchanged", "Preserved", "Removed")
    return {name: int(outputs[f"Seed{name}"]) for name in names if outputs[f"Seed{name}"] != "0"}


def test_the_seed_lies_under_the_subs_and_follows_its_file(client, deployment, pools):
    pool = pools()
    tom, jerry = pool.add("Tom"), pool.add("jerry")
    conversation = conversation_id(tom, jerry)
    created = deployment.deploy(seed(m0="a", m1="b", m2="c"), user_pool_id=pool.id)
    assert created["UserPoolId"] == pool.id
    assert bodies(client, deployment) == {conversation: {"m0": "a", "m1": "b", "m2": "c"}}
    named = message(1, "b", "Jerry", "Tom")
    key = message_key(conversation, named["SentAt"], named["MessageId"])
    item = client("dynamodb").get_item(
        TableName=deployment.stack, Key={name: {"S": value} for name, value in key.items()}
    )["Item"]
    assert (item["FromUser"]["S"], item["ToUser"]["S"]) == (jerry, tom)

    edit(client, deployment, conversation, 2)
    updated = deployment.deploy(seed(m0="x", m2="y", m3="new"), user_pool_id=pool.id)
    assert bodies(client, deployment) == {conversation: {"m0": "x", "m2": "mine", "m3": "new"}}
    assert counts(updated) == {"Total": 3, "Written": 2, "Preserved": 1, "Removed": 1}


def test_a_user_who_is_not_in_the_pool_fails_the_deployment_and_says_who(client, deployment, pools):
    pool = pools()
    for name in ("Tom", "Jerry"):
        pool.add(name)
    deployment.deploy(seed(m0="a"), user_pool_id=pool.id)
    with pytest.raises(DeploymentFailed, match="user 'Spike' is not in user pool") as failed:
        deployment.deploy([*seed(m0="x"), message(0, "new", "Spike")], user_pool_id=pool.id)
    assert str(failed.value).startswith("UPDATE_ROLLBACK_COMPLETE")
    assert "set it for the user, or correct the name" in str(failed.value)
    assert list(bodies(client, deployment).values()) == [{"m0": "a"}], "nothing was written"
    with pytest.raises(DeploymentFailed, match="User pool us-east-1_nowhere does not exist"):
        deployment.deploy(seed(m0="a"), user_pool_id="us-east-1_nowhere")


def test_a_stage_that_gets_a_pool_moves_its_seed_and_keeps_edits(client, deployment, pools):
    pool = pools()
    conversation = conversation_id(pool.add("Tom"), pool.add("Jerry"))
    messages = seed(m0="a", m1="b")
    deployment.deploy(messages)
    edit(client, deployment, "jerry#tom", 0)
    updated = deployment.deploy(messages, user_pool_id=pool.id)
    assert bodies(client, deployment) == {conversation: {"m0": "a", "m1": "b"}, "jerry#tom": {"m0": "mine"}}
    assert counts(updated) == {"Total": 2, "Written": 2, "Preserved": 1, "Removed": 1}

    # What was written for the users of a pool stays when the stage leaves the pool.
    other = pools()
    second = conversation_id(other.add("Tom"), other.add("Jerry"))
    deployment.deploy(messages, user_pool_id=other.id)
    assert bodies(client, deployment).keys() == {conversation, second, "jerry#tom"}
    (line,) = log_lines(client, deployment.stack, "users of the old seed are unknown")
    assert "cognito-idp:ListUsers" in line["reason"]


def test_people_type_and_read_names_and_programs_get_subs(deployment, pools, chat):
    pool = pools()
    tom, jerry, spike = (pool.add(name) for name in ("Tom", "Jerry", "Spike"))
    deployment.deploy(seed(m0="a", m1="b"), user_pool_id=pool.id)
    for conversation in ("jerry#TOM", f"{tom}#Jerry"):
        status, shown, _ = chat("history", conversation)
        assert (status, shown) == (0, "Tom → Jerry: a\nJerry → Tom: b\n")
    assert chat("send", "--from", "spike", "--to", "tom", "Hi")[0] == 0
    _, shown, _ = chat("history", "Tom#Spike", "--json")
    (sent,) = json.loads(shown)
    assert (sent["FromUser"], sent["ToUser"]) == (spike, tom)
    assert sent["ConversationId"] == conversation_id(spike, tom)

    def listed():
        status, shown, errors = chat("conversations", "TOM")
        assert status == 0, errors
        return len(shown.splitlines()) == 2 and shown

    names = {tom: "Tom", jerry: "Jerry", spike: "Spike"}
    rows = [line.split("\t")[1:] for line in eventually(listed, seconds=60).splitlines()]
    assert [row[1:] for row in rows] == [["Spike", "Hi"], ["Jerry", "b"]]
    for (pair, *_), other in zip(rows, (spike, jerry), strict=True):
        assert pair == "#".join(names[sub] for sub in conversation_id(tom, other).split("#"))
        assert chat("history", pair)[0] == 0
