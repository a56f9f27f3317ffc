"""A table that was deleted by hand while its stack exists: every command says so, in one line."""

import io
import json
import shlex
import sys

import pytest

from chat.__main__ import main as chat
from dynamo.values import typed
from ops.__main__ import main as ops
from tests.support.deployment import Deployment as Stack
from tests.support.lists import message
from tests.support.templates import ITEMS

MESSAGE = '{"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}'
ID = "2026-01-01T09:00:00.000Z#1a2b"
COMMANDS = [
    "conversations tom",
    "history jerry#tom",
    "follow jerry#tom",
    "send Hi --from Tom --to Jerry",
    f"edit jerry#tom {ID} Hi",
    f"delete jerry#tom {ID}",
    f"get jerry#tom {ID}",
    "get --key CONV#jerry#tom MSG#1",
    """put '{"PK": "a", "SK": "b"}'""",
    "scan",
    "export",
    "import -",
    "reindex",
]


def said(stack, table):
    where = f"--stack {stack} --region us-east-1"
    return (
        f"table {table} of stack {stack} does not exist in us-east-1 although the stack is "
        "deployed: it was deleted outside CloudFormation. Destroy the stack (with `backups_on_destroy: delete` only "
        "DynamoDB's own backups survive that), deploy it again, then run "
        f"`python -m ops recover ARN {where}`; `python -m ops backups {where}` lists the backups"
    )


def test_every_command_of_ops_and_chat_says_it(quick_stage, client, monkeypatch, capsys):
    stage = quick_stage.deploy(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    assert stage.ops("backup") == 0
    client("dynamodb").delete_table(TableName=stage.table)
    capsys.readouterr()
    line = said(stage.stack, stage.table)
    for options in ((), ("--no-wait",)):
        assert stage.ops("backup", *options) == 1
        out, err = capsys.readouterr()
        assert (out, err.splitlines()[-1]) == ("", f"error: {line}")
    assert stage.ops("backups", "--json") == 0
    out, err = capsys.readouterr()
    assert {row["kind"] for row in json.loads(out)["backups"]} == {"RECOVERY_POINT", "SYSTEM"}
    assert err.splitlines()[-1] == line
    assert stage.ops("inventory") == 0
    out, err = capsys.readouterr()
    assert f"{stage.stack}: CREATE_COMPLETE, its table does not exist" in out.splitlines()
    assert line in err.splitlines()
    assert stage.vault in out

    for command in COMMANDS:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{MESSAGE}\n".encode())))
        assert chat([*shlex.split(command), "--stage", stage.stage]) == 1, command
        last = capsys.readouterr().err.splitlines()[-1]
        assert (command, last) == (command, f"error: {line}")
    # A table that is named itself belongs to no stack.
    assert chat(["history", "jerry#tom", "--table", stage.table]) == 1
    assert "; deploy it, or name another one with" in capsys.readouterr().err.splitlines()[-1]
    stage.destroy()


@pytest.mark.usefixtures("bootstrapped", "quick_stage")
def test_what_the_line_advises_brings_the_data_and_the_stack_back(client, name, capsys):
    stack = Stack(client, f"pr-{name[:8]}")
    table = stack.deploy(ITEMS)["TableName"]
    where = ("--stack", stack.stack)
    assert ops(["backup", *where]) == 0
    dynamodb, sent = client("dynamodb"), message(60)
    dynamodb.put_item(TableName=table, Item=typed(sent))
    dynamodb.delete_table(TableName=table)
    capsys.readouterr()

    assert ops(["review", "--stage", stack.stage, "--json"]) == 0
    (review,) = json.loads(capsys.readouterr().out)
    (lines,) = [v for k, v in review["sections"].items() if k.startswith("What changes against")]
    assert lines[0] == f"! {said(stack.stack, table)}"

    stack.destroy()
    assert stack.deploy(ITEMS)["TableName"] == table
    assert ops(["backups", *where, "--json"]) == 0
    backups = {row["kind"]: row["arn"] for row in json.loads(capsys.readouterr().out)["backups"]}
    sent_later = {"TableName": table, "Key": typed({name: sent[name] for name in ("pk", "sk")})}
    assert ops(["recover", backups["RECOVERY_POINT"], "--yes", *where]) == 0
    assert "Item" not in dynamodb.get_item(**sent_later), "it was sent after this backup"
    assert ops(["recover", backups["SYSTEM"], "--yes", *where]) == 0
    assert "Item" in dynamodb.get_item(**sent_later)
    stack.destroy()
