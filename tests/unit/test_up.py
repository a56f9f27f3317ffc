"""What `make up` suggests to try next."""

from datetime import UTC, datetime

import pytest

from local.up import suggestions
from model.messages import message_item


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
