"""A table, and ``python -m chat`` on it, for tests of its commands."""

import functools
from datetime import UTC, datetime

import pytest

from dynamo.memberships import bring_up_to_date
from model.messages import Position, message_item
from tests.support import chat_steps, tables


@pytest.fixture
def table(ministack, name):
    with tables.messages_table(ministack, name, stream=False) as made:
        yield made


@pytest.fixture
def chat(on_aws, monkeypatch, capsys):  # noqa: ARG001
    """``chat("history", "a#b", "--table", "t")``: any command."""
    monkeypatch.delenv("STAGE", raising=False)
    return functools.partial(chat_steps.run, capsys)


@pytest.fixture
def on(chat, table):
    """``on("history", "a#b")``: a command on the test's table."""
    return lambda command, *arguments: chat(command, "--table", table.name, *arguments)


@pytest.fixture
def talk(table):
    """The references of ten messages of Tom and Jerry, a minute apart, in both users' lists."""
    people, references = ("Tom", "Jerry"), []
    for n in range(10):
        sender, recipient = people[n % 2], people[(n + 1) % 2]
        at = datetime(2026, 1, 1, 9, n, tzinfo=UTC)
        item = message_item(sender=sender, recipient=recipient, body=f"text {n}", sent_at=at)
        table.put_item(Item=item)
        references.append(f"{item['SentAt']}#{item['MessageId']}")
    bring_up_to_date(table, "jerry#tom", Position.of(item["sk"]))
    return references
