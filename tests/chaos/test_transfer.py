"""Export, import and reindex through a faulty network and a throttling DynamoDB."""

import json
import threading
from random import uniform

import pytest

from model.messages import INDEX_PARTITION_KEY
from tests.support.faults import FAULTS, RESET_AFTER, THROTTLED, faults
from tests.support.relay import Relay, relaying
from tests.support.transfer_steps import command, everything, keyed, message, store, typed

COUNT = 700


@pytest.fixture
def chat(capsys, aws, messages_table, monkeypatch):
    """``chat(endpoint, "import", ...)``: the command, through that endpoint."""
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    # Pauses add up to minutes.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: uniform(0, 0.03))
    monkeypatch.setattr("dynamo.parallel._LONGEST_PAUSE", 0.05)
    run = command(capsys, messages_table)

    def through(endpoint, *arguments):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        try:
            return run(*arguments)
        finally:
            monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)

    return through


def items(count=COUNT, body="x"):
    return [{"pk": {"S": f"p{n % 7}"}, "sk": {"S": f"{n}"}, "Body": {"S": f"{body} {n}"}} for n in range(count)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"Item": item}) + "\n" for item in items()))
    return path


@pytest.mark.parametrize("kinds", FAULTS.values(), ids=FAULTS)
def test_import(chat, burst, file, messages_table, kinds):
    burst.rules(*faults(kinds))
    status, out, err = chat(burst.endpoint, "import", file)
    assert (status, out) == (0, f"{file}: {COUNT} written\n"), err
    assert everything(messages_table) == keyed(*items())


@pytest.mark.parametrize("kinds", FAULTS.values(), ids=FAULTS)
def test_import_if_absent_counts_exactly(chat, burst, file, messages_table, kinds):
    store(messages_table, *items(50, "mine"))
    burst.rules(*faults(kinds))
    status, out, err = chat(burst.endpoint, "import", file, "--if-absent", "--json")
    assert status == 0, err
    assert everything(messages_table) == keyed(*items()) | keyed(*items(50, "mine"))
    counts = json.loads(out)
    # What was written, but not answered, is found to be there as it is.
    assert counts["written"] + counts["unchanged"] == COUNT - 50
    assert counts["left_alone"] == 50


def test_unprocessed_items_are_sent_again(chat, withholding, file, messages_table):
    status, out, err = chat(withholding.endpoint, "import", file)
    assert (status, out) == (0, f"{file}: {COUNT} written\n"), err
    assert everything(messages_table) == keyed(*items())
    assert withholding.withheld > 0


@pytest.mark.parametrize("kinds", FAULTS.values(), ids=FAULTS)
def test_export(chat, burst, messages_table, tmp_path, kinds):
    large = [item | {"Body": {"S": "x" * 50_000}} for item in items(100)]
    store(messages_table, *large)
    burst.rules(*faults(kinds))
    status, _, err = chat(burst.endpoint, "export", tmp_path / "out.jsonl")
    assert status == 0, err
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len(lines) == 100
    assert keyed(*(json.loads(line)["Item"] for line in lines)) == keyed(*large)


def test_faults_do_happen(chat, burst, file):
    """Otherwise the tests above would prove nothing."""
    burst.rules(*faults([THROTTLED, RESET_AFTER], share=0.6))
    assert chat(burst.endpoint, "import", file)[0] == 0
    kinds = {(fault["operation"], fault["action"].partition(":")[0]) for fault in burst.fired()}
    assert {("BatchWriteItem", "error"), ("BatchWriteItem", "response")} <= kinds


class Refusing(Relay):
    """A relay that lets so many requests of one operation through, and refuses all later ones."""

    def __init__(self, operation, through):
        super().__init__()
        self.operation, self.left, self.lock = operation, through, threading.Lock()

    def answer(self, operation, body, send_on):
        if operation == self.operation:
            with self.lock:
                self.left -= 1
                if self.left < 0:
                    return 400, b'{"__type": "x#AccessDeniedException", "message": "not you"}'
        return send_on(body)


def test_a_refused_import_is_continued_by_the_same_command(chat, aws, file, messages_table):
    with relaying(aws, relay := Refusing("BatchWriteItem", 10)):
        status, out, err = chat(relay.endpoint, "import", file)
    assert (status, out) == (1, "")
    assert "BatchWriteItem: AccessDeniedException: not you" in err
    assert "running the same command again continues" in err
    assert 0 < len(everything(messages_table)) < COUNT
    status, out, err = chat(aws.endpoint, "import", file)
    assert (status, out) == (0, f"{file}: {COUNT} written\n")
    assert err.startswith("continuing after line ")
    assert everything(messages_table) == keyed(*items())


def test_a_refused_export_is_continued_by_the_same_command(chat, aws, messages_table, tmp_path):
    large = [item | {"Body": {"S": "x" * 100_000}} for item in items(100)]
    for start in range(0, 100, 20):
        store(messages_table, *large[start : start + 20])
    file = tmp_path / "out.jsonl"
    with relaying(aws, relay := Refusing("Scan", 5)):
        status, out, err = chat(relay.endpoint, "export", file)
    assert (status, out, file.exists()) == (1, "", False)
    assert "running the same command again continues" in err
    status, out, err = chat(aws.endpoint, "export", file)
    assert status == 0
    assert err.startswith("continuing after ")
    lines = file.read_text().splitlines()
    assert len(lines) == 100
    assert keyed(*(json.loads(line)["Item"] for line in lines)) == keyed(*large)


def test_reindex(chat, burst, messages_table):
    messages = [message(minute, recipient=f"user{minute % 20}") for minute in range(40)]
    store(messages_table, *map(typed, messages))
    burst.rules(*faults(FAULTS["all of them"]))
    status, out, err = chat(burst.endpoint, "reindex")
    assert (status, out) == (0, "20 conversations reindexed\n"), err
    rows = [item for item in everything(messages_table).values() if INDEX_PARTITION_KEY in item]
    assert len(rows) == 40
    assert {row["LastMessageBody"]["S"] for row in rows} == {f"minute {n}" for n in range(20, 40)}
