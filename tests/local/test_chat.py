"""``python -m chat history`` as a process, as a person runs it."""

import json
import subprocess
import sys
from datetime import UTC, datetime

from model.messages import message_item
from tests.conftest import PROJECT


def test_history_is_oldest_first_whoever_is_named_first(aws, client, messages_table):
    def history(*arguments):
        command = [sys.executable, "-m", "chat", "history", *arguments, "--table", messages_table]
        ended = subprocess.run(
            command, cwd=PROJECT, text=True, capture_output=True, timeout=60, check=True, env=aws.environment()
        )
        return ended.stdout

    # 12 x 100 KB is more than the 1 MB of one page.
    bodies = [f"{minute:02}" + "x" * 100_000 for minute in range(12)]
    for minute in (2, 0, 1, *range(3, 12)):
        at = datetime(2026, 1, 1, 9, minute, tzinfo=UTC)
        item = message_item(sender="Tom", recipient="Jerry", body=bodies[minute], sent_at=at)
        client("dynamodb").put_item(TableName=messages_table, Item={k: {"S": v} for k, v in item.items()})
    assert history("Tom#JERRY").splitlines() == [f"Tom → Jerry: {body}" for body in bodies]
    assert [message["Body"] for message in json.loads(history("jerry#tom", "--json"))] == bodies
