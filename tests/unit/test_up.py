"""What `make up` prints: what changed in the table, and what to try next."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from local.table_changes import Content, changes
from local.up import suggestions
from model.messages import key_of, message_item


def seeded(sender, recipient):
    return message_item(sender=sender, recipient=recipient, body="Hi", sent_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("message", "commands"),
    [
        (seeded("Tom", "Jerry"), ["history jerry#tom", 'send --from Jerry --to Tom "Any time!"', "conversations Tom"]),
        (
            seeded("Ann Lee", "~bo"),
            ["history 'ann lee#~bo'", "send --from '~bo' --to 'Ann Lee' \"Any time!\"", "conversations 'Ann Lee'"],
        ),
        (None, []),
    ],
)
def test_a_conversation_that_the_seed_has_is_suggested(message, commands):
    lines = suggestions(message, "dev", ())
    assert [line.partition("-m chat ")[2] for line in lines if "-m chat " in line] == commands


def test_another_stage_is_named_in_every_command():
    lines = suggestions(seeded("Tom", "Jerry"), "pr-1", ["pitr_days=1"])
    assert "python -m local run -- cdk -c stage=pr-1 -c pitr_days=1 diff" in lines
    assert "make console STAGE=pr-1" in lines
    assert all("pr-1" in line for line in lines if line != "make down")


def content(*messages, arn="arn:one", items=None):
    return Content(arn=arn, items=items or len(messages), messages={key_of(one): one for one in messages})


def test_what_a_deployment_changed_is_listed_and_shortened():
    gone, same, edited = seeded("Tom", "Jerry"), seeded("Tom", "Ann"), seeded("Tom", "Bo")
    long = edited | {"Body": "x" * 100 + "\n"}
    strange = {"pk": "CONVERSATION#x", "sk": "MESSAGE#y", "Body": Decimal(1)}
    assert changes(content(gone, same, edited), content(same, long, strange)) == [
        "messages: 1 changed, 1 removed, 1 added",
        f"changed bo#tom  2026-01-01T00:00:00.000Z  Tom: {'x' * 60}...",
        "removed jerry#tom  2026-01-01T00:00:00.000Z  Tom: Hi",
        "added   ?  ?  ?: 1",
    ]
    assert changes(content(same), content(same)) == ["no message added, changed or removed"]
    many = [seeded("Tom", f"user{number:02}") for number in range(12)]
    first, *listed, last = changes(content(), content(*many))
    assert (first, len(listed), last) == ("messages: 12 added", 10, "and 2 more")


def test_a_large_table_is_counted_and_another_table_is_named():
    assert changes(content(items=10_001), content(items=10_002)) == [
        "10,001 items before, 10,002 now; more than 10,000 are not compared"
    ]
    assert changes(content(arn="arn:other"), content(items=1)) == ["another table than before; it has 1 item"]


def test_the_last_message_that_names_its_users_is_the_one_to_try():
    strange = {"pk": "CONVERSATION#x", "sk": "MESSAGE#y", "FromUser": Decimal(1)}
    assert content(strange, seeded("Tom", "Jerry")).last() == seeded("Tom", "Jerry")
    assert content(strange).last() is None
