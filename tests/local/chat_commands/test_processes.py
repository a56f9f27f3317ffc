"""The commands as processes on the embedded AWS: signals, pipes and terminals."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from boto3.dynamodb.conditions import Key

from tests.conftest import PROJECT
from tests.support import odd_server


@contextlib.contextmanager
def start(aws, *arguments):
    """A command as a process, which a failing test ends too: else it would wait for it."""
    command, streams = (
        [sys.executable, "-m", "chat", *arguments],
        {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
    )
    with subprocess.Popen(command, cwd=PROJECT, text=True, env=aws.environment(), **streams) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_follow_prints_what_comes_until_it_is_ended(aws, on, table, ending):
    with start(aws, "follow", "jerry#tom", "--json", "--table", table.name) as process:
        assert process.stderr.readline() == "conversation jerry#tom has no messages yet; waiting for the first\n"
        sent = on("send", "--from", "Tom", "--to", "Jerry", "one\n\x1b[31mtwo")
        assert (sent.status, sent.err) == (0, "")
        assert json.loads(process.stdout.readline())["Body"] == "one\n\x1b[31mtwo"
        process.send_signal(ending)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


@contextlib.contextmanager
def hanging():
    """A server that answers for the first segment of a scan, and for the others never."""
    ended = threading.Event()

    def answer(_operation, request):
        if request["Segment"]:
            ended.wait(120)
        item = {"pk": {"S": "a"}, "sk": {"S": "x" * 70_000}}
        return json.dumps({"Items": [item], "LastEvaluatedKey": item}).encode()

    try:
        with odd_server.served(answer) as environment:
            yield SimpleNamespace(environment=lambda: os.environ | environment)
    finally:
        ended.set()


@pytest.mark.parametrize(("ending", "status"), [("limit", 0), ("closed pipe", 1), (signal.SIGINT, 130)])
def test_a_scan_that_ends_waits_for_no_other_segment(ending, status):
    options = ["--limit", "1"] if ending == "limit" else []
    with hanging() as slow, start(slow, "scan", "--json", "--segments", "4", "--table", "t-t", *options) as process:
        assert process.stdout.readline()
        if ending == signal.SIGINT:
            process.send_signal(ending)
        if ending == "closed pipe":
            process.stdout.close()
        assert process.wait(60) == status


def test_what_was_done_is_reported_although_it_cannot_be_printed(aws, table, talk):
    """Else the command would be repeated, and a message sent twice."""
    why = "No space left on device"

    def failed(*arguments):
        command = [sys.executable, "-m", "chat", *arguments, "--table", table.name]
        streams = {"stdout": full, "stderr": subprocess.PIPE}
        ended = subprocess.run(command, cwd=PROJECT, env=aws.environment(), text=True, timeout=60, **streams)
        assert ended.returncode == 1
        return ended.stderr

    with open("/dev/full", "w") as full:
        said_of_send = failed("send", "--from", "Spike", "--to", "Tyke", "hi")
        (sent,) = table.query(KeyConditionExpression=Key("pk").eq("CONVERSATION#spike#tyke"))["Items"]
        done = f"sent as {sent['SentAt']}#{sent['MessageId']}"
        assert said_of_send == f"error: {done}, but the result could not be printed: {why}\n"
        assert (
            failed("delete", "jerry#tom", talk[3])
            == f"error: deleted {talk[3]}, but the result could not be printed: {why}\n"
        )
        assert failed("history", "jerry#tom") == f"error: standard output: {why}\n"
