"""``python -m chat`` through a faulty network and a throttling DynamoDB."""

import json

import pytest

from tests.support.chat_steps import on_table

# The engine has made the write; its answer ends after one byte.
LOST = {"response": {"abort_bytes": 1}}
OLD = {"pk": "a", "sk": "b", "Body": "old"}
NEW = {"pk": "a", "sk": "b", "Body": "new"}


@pytest.fixture
def chat(aws, burst, messages_table, monkeypatch, capsys):
    """``chat("send", ...)``: a command on the table, through the faults."""
    for key, value in (aws.environment() | {"AWS_ENDPOINT_URL": burst.endpoint}).items():
        monkeypatch.setenv(key, value)
    return on_table(capsys, messages_table)


def lost(operation):
    """The rule by which the first answer to ``operation`` is lost, and no later one."""
    return {"service": "dynamodb", "operation": operation, **LOST, "sequence": {"fail": 1, "pass": 10**6}}


def test_a_lost_answer_makes_no_second_message_and_no_failure(chat, burst):
    burst.rules(lost("PutItem"), lost("UpdateItem"), lost("DeleteItem"))
    (reference,) = chat("send", "--from", "Tom", "--to", "Jerry", "once").lines
    assert chat("history", "tom#jerry").lines == ["Tom → Jerry: once"]
    assert chat("edit", "tom#jerry", reference, "changed").lines == [reference]
    assert chat("delete", "tom#jerry", reference).lines == [reference]
    assert [fault["operation"] for fault in burst.fired()] == ["PutItem", "UpdateItem", "DeleteItem"]
    assert chat("history", "tom#jerry").status == 1


def test_a_conditional_put_succeeds_though_an_answer_is_lost(chat, burst):
    burst.rules(lost("PutItem"))
    assert chat("put", json.dumps(OLD), "--if-absent").status == 0
    assert chat("put", json.dumps(OLD), "--if-absent").status == 1
    burst.clear()
    burst.rules(lost("PutItem"))
    assert chat("put", json.dumps(NEW), "--if-unchanged", json.dumps(OLD)).status == 0
    assert chat("get", "--key", "a", "b", "--json").json == NEW


@pytest.mark.parametrize(
    ("operation", "command", "code"),
    [("Query", "history tom#jerry", "ThrottlingException"), ("Scan", "scan", "RequestLimitExceeded")],
)
def test_throttling_without_end_is_one_line(chat, burst, operation, command, code):
    burst.rules({"service": "dynamodb", "operation": operation, "error": {"code": code}})
    failed = chat(*command.split())
    assert failed.status == 1
    assert failed.error.startswith(f"{operation}: {code}: ")
    assert failed.error.endswith("; throttled by AWS (8 attempts): try again later, or raise the quota")
