"""``python -m chat history`` against the real engine."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from model.messages import message_item
from tests.conftest import PROJECT


@pytest.fixture
def chat(aws):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "chat", *arguments],
            cwd=PROJECT,
            text=True,
            capture_output=True,
            timeout=60,
            env=aws.environment(),
        )

    return run


@pytest.fixture
def table(messages_table):
    return messages_table


def put(client, table, *, body, minute):
    at = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(minutes=minute)
    item = message_item(sender="Tom", recipient="Jerry", body=body, sent_at=at)
    client("dynamodb").put_item(TableName=table, Item={k: {"S": v} for k, v in item.items()})


def test_history_is_oldest_first_whoever_is_named_first(chat, client, table):
    for minute in (2, 0, 1):
        put(client, table, body=f"minute {minute}", minute=minute)
    shown = chat("history", "Tom#JERRY", "--table", table)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [f"Tom → Jerry: minute {n}" for n in range(3)]
    parsed = json.loads(chat("history", "jerry#tom", "--table", table, "--json").stdout)
    assert [message["Body"] for message in parsed] == [f"minute {n}" for n in range(3)]


def test_history_reads_every_page(chat, client, table):
    for minute in range(12):  # 12 x 100 KB is more than the 1 MB of one page
        put(client, table, body=f"{minute:02}" + "x" * 100_000, minute=minute)
    lines = chat("history", "jerry#tom", "--table", table).stdout.splitlines()
    assert [line.split(": ")[1][:2] for line in lines] == [f"{n:02}" for n in range(12)]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["jerry#tom", "--table", "no-such-table"], 1, "table no-such-table does not exist in us-east-1; "),
        (["jerry#tom", "--stage", "nowhere"], 1, "stack Messages-nowhere does not exist"),
        (["jerry", "--table", "t"], 2, "'jerry' is not a conversation"),
        (["tom#Tom", "--table", "t"], 2, "same user"),
        (["a#b", "--stage", "X!"], 2, "'X!' is not a stage"),
    ],
)
def test_a_mistake_is_one_line(chat, arguments, status, said):
    failed = chat("history", *arguments)
    assert (failed.returncode, failed.stdout) == (status, "")
    assert failed.stderr.startswith("error: ")
    assert said in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_an_unknown_conversation_is_said(chat, table):
    failed = chat("history", "a#b", "--table", table)
    assert failed.returncode == 1
    assert failed.stderr == f"error: conversation a#b has no messages in table {table}\n"
