"""A table, and ``python -m chat`` on it, for tests of its commands."""

import functools
import uuid
from datetime import UTC, datetime

import pytest

from chat.items import reference
from dynamo.memberships import bring_up_to_date
from model.messages import Position, message_item
from tests.support import chat_steps, engines


@pytest.fixture
def table(ministack, name):
    with engines.messages_table(ministack, name, stream=False) as made:
        yield made


@pytest.fixture
def chat(aws, monkeypatch, capsys):
    """``chat("history", "a#b", "--table", "t")``: any command."""
    monkeypatch.delenv("STAGE", raising=False)
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    return functools.partial(chat_steps.run, capsys)


@pytest.fixture
def on(chat, table):
    """``on("history", "a#b")``: a command on the test's table."""
    return lambda command, *arguments: chat(command, "--table", table.name, *arguments)


@pytest.fixture
def talk(table):
    """The references of ten messages of Tom and Jerry, a minute apart, in both users' lists."""
    people = ("Tom", "Jerry")
    sent = [
        message_item(
            sender=people[n % 2],
            recipient=people[(n + 1) % 2],
            body=f"text {n}",
            sent_at=datetime(2026, 1, 1, 9, n, tzinfo=UTC),
            message_id=str(uuid.uuid4()),
        )
        for n in range(10)
    ]
    for item in sent:
        table.put_item(Item=item)
    bring_up_to_date(table, "jerry#tom", Position.of(sent[-1]["sk"]))
    return [reference(item["sk"]) for item in sent]
