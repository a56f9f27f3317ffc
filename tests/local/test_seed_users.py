"""A stage with a user pool: where its seed lies, and what a change of seed, user or pool does."""

import pytest

from embedded_aws.tests.support.steps import eventually, log_lines
from model.messages import conversation_id, message_key
from tests.support.chat_steps import run
from tests.support.deployment import DeploymentFailed
from tests.support.lists import message
from tests.support.user_pool import UserPool


@pytest.fixture
def pools(client, name):
    """Two pools."""
    made = [UserPool(client, f"{name}-{number}") for number in range(2)]
    yield made
    for pool in made:
        pool.delete()


def seed(**bodies):
    """Messages m0, m1, ... of Tom to Jerry; every second one is the answer."""
    people = ({"sender": "Tom", "recipient": "Jerry"}, {"sender": "Jerry", "recipient": "Tom"})
    minutes = {int(name[1:]): body for name, body in bodies.items()}
    return [message(n, body, **people[n % 2]) for n, body in minutes.items()]


def bodies(table):
    """The messages in the table: by conversation, then by minute."""
    found = {}
    for item in table.scan()["Items"]:
        if item["sk"].startswith("MESSAGE#"):
            found.setdefault(item["ConversationId"], {})[f"m{item['SentAt'][15]}"] = item["Body"]
    return found


def edit(table, conversation, minute):
    """A person's edit of a seeded message."""
    table.update_item(
        Key=message_key(conversation, message(minute)["SentAt"], "m"),
        UpdateExpression="SET Body = :b",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":b": "mine"},
    )


def counts(outputs):
    names = ("Total", "Written", "Unchanged", "Preserved", "Removed")
    return {name: int(outputs[f"Seed{name}"]) for name in names if outputs[f"Seed{name}"] != "0"}


@pytest.fixture
def chat(on_aws, stage, capsys):  # noqa: ARG001
    """``chat("users")``: a command on the stage."""
    return lambda command, *arguments: run(capsys, command, "--stage", stage.stage, *arguments)


@pytest.mark.usefixtures("bootstrapped")
def test_a_stage_gets_a_pool_then_other_users_then_another_pool(client, ministack, stage, pools, chat):
    table, (pool, other) = ministack.Table(stage.stack), pools
    tom, jerry = pool.add("Tom"), pool.add("jerry")
    conversation = conversation_id(tom, jerry)

    # The seed moves from names to subs, and what was edited stays under the names.
    stage.deploy(seed(m0="a", m1="b", m2="c"))
    edit(table, "jerry#tom", 0)
    updated = stage.deploy(seed(m0="a", m1="b", m2="c"), user_pool_id=pool.id)
    assert updated["UserPoolId"] == pool.id
    moved = {conversation: {"m0": "a", "m1": "b", "m2": "c"}, "jerry#tom": {"m0": "mine"}}
    assert bodies(table) == moved
    assert counts(updated) == {"Total": 3, "Written": 3, "Preserved": 1, "Removed": 2}
    item = table.get_item(Key=message_key(conversation, message(1)["SentAt"], "m"))["Item"]
    assert (item["FromUser"], item["ToUser"]) == (jerry, tom)

    check_commands(chat, pool, tom, jerry)

    # A user who is not in the pool, and a pool that does not exist, fail the deployment; nothing is written.
    before = bodies(table)
    with pytest.raises(DeploymentFailed, match="user 'Nobody' is not in user pool") as failed:
        stage.deploy([*seed(m0="x"), message(0, "new", sender="Nobody")], user_pool_id=pool.id)
    assert str(failed.value).startswith("UPDATE_ROLLBACK_COMPLETE")
    assert "set it for the user, or correct the name" in str(failed.value)
    with pytest.raises(DeploymentFailed, match="User pool us-east-1_nowhere does not exist"):
        stage.deploy(seed(m0="a"), user_pool_id="us-east-1_nowhere")
    assert bodies(table) == before

    # The seed follows its file.
    edit(table, conversation, 2)
    updated = stage.deploy(seed(m0="x", m2="y", m3="new"), user_pool_id=pool.id)
    assert bodies(table)[conversation] == {"m0": "x", "m2": "mine", "m3": "new"}
    assert counts(updated) == {"Total": 3, "Written": 2, "Preserved": 1, "Removed": 1}

    # What was written for the users of a pool stays when the stage leaves the pool.
    second = conversation_id(other.add("Tom"), other.add("Jerry"))
    stage.deploy(seed(m0="a"), user_pool_id=other.id)
    assert {conversation, second, "jerry#tom"} <= bodies(table).keys()
    lines = log_lines(client, stage.stack, "users of the old seed are unknown")
    assert "cognito-idp:ListUsers" in lines[-1]["reason"]
    stage.destroy()


def check_commands(chat, pool, tom, jerry):
    """People type and read names, and programs get subs."""
    spike = pool.add("Spike")
    for conversation in ("jerry#TOM", f"{tom}#Jerry"):
        assert chat("history", conversation).lines == ["Tom → jerry: a", "jerry → Tom: b", "Tom → jerry: c"]
    assert chat("send", "--from", "spike", "--to", "tom", "Hi").status == 0
    (sent,) = chat("history", "Tom#Spike", "--json").json
    assert (sent["FromUser"], sent["ToUser"]) == (spike, tom)
    assert sent["ConversationId"] == conversation_id(spike, tom)
    assert "'Nobody' is not in user pool" in chat("send", "--from", "Nobody", "--to", "Tom", "x").error

    def listed():
        lines = chat("conversations", "TOM").lines
        return len(lines) == 2 and lines

    rows = [line.split("\t")[1:] for line in eventually(listed)]
    assert [row[1:] for row in rows] == [["Spike", "Hi"], ["jerry", "c"]]
    names = {tom: "Tom", jerry: "jerry", spike: "Spike"}
    for (pair, *_), other in zip(rows, (spike, jerry), strict=True):
        assert pair == "#".join(names[sub] for sub in conversation_id(tom, other).split("#"))
        assert chat("history", pair).status == 0
