"""Export, import and reindex through a faulty network and a throttling DynamoDB."""

import json

import pytest

from model.messages import INDEX_PARTITION_KEY
from tests.support.chat_steps import everything, keyed, on_table, store, typed
from tests.support.faults import FAULTS, faults
from tests.support.lists import message

COUNT = 700


@pytest.fixture
def chat(capsys, on_aws, messages_table, monkeypatch):  # noqa: ARG001
    """``chat(endpoint, "import", ...)``: the command, through that endpoint."""
    run = on_table(capsys, messages_table)

    def through(endpoint, *arguments):
        with monkeypatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", endpoint)
            return run(*arguments)

    return through


def items(count=COUNT, body="x"):
    return [{"pk": {"S": f"p{n % 7}"}, "sk": {"S": f"{n}"}, "Body": {"S": f"{body} {n}"}} for n in range(count)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"Item": item}) + "\n" for item in items()))
    return path


def test_import(chat, burst, file, messages_table):
    burst.rules(*faults(FAULTS["all of them"]))
    status, out, err = chat(burst.endpoint, "import", file)
    assert (status, out) == (0, f"{file}: {COUNT} written\n"), err
    assert everything(messages_table) == keyed(*items())


def test_import_if_absent_counts_exactly(chat, burst, file, messages_table):
    store(messages_table, *items(50, "mine"))
    burst.rules(*faults(FAULTS["all of them"]))
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


def test_export(chat, burst, messages_table, tmp_path):
    large = [item | {"Body": {"S": "x" * 50_000}} for item in items(100)]
    store(messages_table, *large)
    burst.rules(*faults(FAULTS["all of them"]))
    status, _, err = chat(burst.endpoint, "export", tmp_path / "out.jsonl")
    assert status == 0, err
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
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
