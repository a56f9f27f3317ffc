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
    process = subprocess.Popen(
        [sys.executable, "-m", "chat", *arguments],
        cwd=PROJECT,
        text=True,
        env=aws.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_follow_prints_what_comes_until_it_is_ended(aws, on, table, ending):
    with start(aws, "follow", "jerry#tom", "--last", "2", "--json", "--table", table.name) as process:
        assert [json.loads(process.stdout.readline())["Body"] for _ in "ab"] == ["text 8", "text 9"]
        sent = on("send", "--from", "Tom", "--to", "Jerry", "news")
        assert (sent.status, sent.err) == (0, "")
        assert json.loads(process.stdout.readline())["Body"] == "news"
        process.send_signal(ending)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_follow_waits_for_a_first_message(aws, on, table):
    with start(aws, "follow", "a#b", "--table", table.name) as process:
        assert process.stderr.readline() == "conversation a#b has no messages yet; waiting for the first\n"
        on("send", "--from", "A", "--to", "B", "one\n\x1b[31mtwo")
        assert process.stdout.readline() == "A → B: one\\n\\x1b[31mtwo\n"


@pytest.mark.usefixtures("talk")
def test_nothing_of_a_terminal_is_in_a_pipe(aws, on, table):
    forced = aws.environment() | {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TTY_COMPATIBLE": "1"}
    shown = subprocess.run(
        [sys.executable, "-m", "chat", "history", "jerry#tom", "--table", table.name],
        cwd=PROJECT,
        text=True,
        env=forced,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert shown.stdout.splitlines() == on("history", "jerry#tom").lines


def test_on_a_terminal_history_is_a_table(aws, table, talk):
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "chat", "history", "jerry#tom", "--table", table.name],
            cwd=PROJECT,
            env=aws.environment() | {"TERM": "xterm", "COLUMNS": "120"},
            stdout=follower,
            stderr=subprocess.PIPE,
        )
        os.close(follower)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the writer has ended
            while part := screen.read(4096):
                shown += part
        assert process.wait(30) == 0
        process.stderr.close()
    header, first, *_ = shown.decode().splitlines()
    assert "sent (UTC)" in header
    assert first.split() == ["2026-01-01T09:00:00.000Z", "Tom", "Jerry", "text", "0", talk[0][25:33]]


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


@pytest.mark.parametrize("ending", [signal.SIGINT, None])
def test_a_scan_that_is_ended_waits_for_no_other_segment(ending):
    with hanging() as slow, start(slow, "scan", "--json", "--segments", "4", "--table", "t-t") as process:
        assert process.stdout.readline()
        if ending:
            process.send_signal(ending)
            process.communicate(timeout=30)
        else:
            process.stdout.close()
        assert process.wait(30) == (130 if ending else 1)


@pytest.fixture(params=["full", "closed"])
def no_output(request):
    """A standard output that takes nothing, and why it does not."""
    if request.param == "full":
        writer, why = os.open("/dev/full", os.O_WRONLY), "No space left on device"
    else:
        reader, writer = os.pipe()
        os.close(reader)
        why = "Broken pipe"
    yield writer, why
    os.close(writer)


def test_what_was_done_is_said_although_it_cannot_be_printed(aws, table, talk, no_output):
    """Else the command would be repeated, and a message sent twice."""
    output, why = no_output

    def failed(*arguments):
        ended = subprocess.run(
            [sys.executable, "-m", "chat", *arguments, "--table", table.name],
            cwd=PROJECT,
            env=aws.environment(),
            text=True,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1
        return ended.stderr

    def said(done):
        return f"error: {done}; only the output failed: {why}\n"

    said_of_send = failed("send", "--from", "Spike", "--to", "Tyke", "hi")
    (sent,) = table.query(KeyConditionExpression=Key("pk").eq("CONVERSATION#spike#tyke"))["Items"]
    assert said_of_send == said(f"sent as {sent['SentAt']}#{sent['MessageId']}")
    assert failed("edit", "jerry#tom", talk[3], "changed") == said(f"edited {talk[3]}")
    assert failed("delete", "jerry#tom", talk[3]) == said(f"deleted {talk[3]}")
    assert failed("put", '{"pk": "a", "sk": "b"}', "--json") == said("put a\tb\t{}")
    assert failed("history", "jerry#tom") == ("" if why == "Broken pipe" else f"error: standard output: {why}\n")
