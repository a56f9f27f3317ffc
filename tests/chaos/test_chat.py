"""``python -m chat`` through a faulty network and a throttling DynamoDB."""

import functools
import json

import pytest

from tests.support import chat_steps

# The engine has made the write; its answer ends after one byte.
LOST = {"response": {"abort_bytes": 1}}
OLD = {"pk": "a", "sk": "b", "Body": "old"}
NEW = {"pk": "a", "sk": "b", "Body": "new"}


@pytest.fixture
def chat(aws, burst, messages_table, monkeypatch, capsys):
    """``chat("send", ...)``: a command on the table, through the faults."""
    # botocore's own pauses add up to a minute.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    for key, value in (aws.environment() | {"AWS_ENDPOINT_URL": burst.endpoint}).items():
        monkeypatch.setenv(key, value)
    run = functools.partial(chat_steps.run, capsys)
    return lambda command, *arguments: run(command, "--table", messages_table, *arguments)


def lost(operation):
    """The rule by which the first answer to ``operation`` is lost, and no later one."""
    return {"service": "dynamodb", "operation": operation, **LOST, "sequence": {"fail": 1, "pass": 10**6}}


def operations(burst):
    return [fault["operation"] for fault in burst.fired()]


def test_a_lost_answer_makes_no_second_message_and_no_failure(chat, burst):
    burst.rules(lost("PutItem"))
    (reference,) = chat("send", "--from", "Tom", "--to", "Jerry", "once").lines
    assert operations(burst) == ["PutItem"]
    assert chat("history", "tom#jerry").lines == ["Tom → Jerry: once"]
    assert chat("get", "tom#jerry", reference).status == 0


def test_an_edit_and_a_deletion_succeed_though_an_answer_is_lost(chat, burst):
    (reference,) = chat("send", "--from", "Tom", "--to", "Jerry", "once").lines
    burst.rules(lost("UpdateItem"), lost("DeleteItem"))
    assert chat("edit", "tom#jerry", reference, "changed").lines == [reference]
    assert chat("delete", "tom#jerry", reference).lines == [reference]
    assert operations(burst) == ["UpdateItem", "DeleteItem"]
    assert chat("history", "tom#jerry").status == 1


def test_a_conditional_put_succeeds_though_an_answer_is_lost(chat, burst):
    burst.rules(lost("PutItem"))
    assert chat("put", json.dumps(OLD), "--if-absent").status == 0
    assert chat("put", json.dumps(OLD), "--if-absent").status == 1
    burst.clear()
    burst.rules(lost("PutItem"))
    assert chat("put", json.dumps(NEW), "--if-unchanged", json.dumps(OLD)).status == 0
    assert chat("get", "--key", "a", "b", "--json").json == NEW
    burst.rules(lost("DeleteItem"))
    assert chat("delete", "--key", "a", "b").status == 0
    assert chat("get", "--key", "a", "b").status == 1


COMMANDS = {"Query": ["history", "tom#jerry"], "Scan": ["scan", "--segments", "4", "--json"]}


@pytest.mark.parametrize(
    ("operation", "code"), [("Query", "ProvisionedThroughputExceededException"), ("Scan", "RequestLimitExceeded")]
)
def test_throttling_without_end_is_one_line(chat, burst, operation, code):
    burst.rules({"service": "dynamodb", "operation": operation, "error": {"code": code}})
    failed = chat(*COMMANDS[operation])
    assert failed.status == 1
    assert failed.error.startswith(f"{operation}: {code}: ")
    assert failed.error.endswith("; throttled by AWS (8 attempts): try again later, or raise the quota")
