"""Exports and imports that are killed at any moment: the same command then completes them."""

import json
import os
import random

import pytest

import chat.transfer
from chat.__main__ import main
from tests.support.chat_steps import everything, keyed, store
from tests.support.killed import killed

KILLS = 3


def _saving_always(arguments):
    chat.transfer._SAVE_SECONDS = 0
    return main(arguments)


@pytest.fixture
def transfer(aws, on_aws, messages_table, tmp_path):  # noqa: ARG001
    """``transfer(state, name, 100, "import", ...)``: exit code, and what the command said.

    It is killed once its state file ``state`` says that ``name`` is 100 or more.
    """

    def run(state, name, moment, *arguments):
        def wait(child):
            while child.is_alive() and not (state.exists() and json.loads(state.read_text())[name] >= moment):
                child.join(0.002)

        command = [*arguments, "--table", messages_table]
        return killed(_saving_always, aws.environment(), command, tmp_path / "errors", wait)

    return run


def killed_and_continued(transfer, state, name, total, *arguments):
    """Kill a transfer at ever later moments, then let it end: each continues the one before."""
    moments = sorted(random.Random(20261121).sample(range(1, total // 4), KILLS))
    for number, moment in enumerate(moments):
        status, said = transfer(state, name, moment, *arguments)
        assert status == -9, said
        assert ("continuing" in said) == (number > 0)
    status, said = transfer(state, name, total + 1, *arguments)
    assert status == 0, said
    assert "continuing" in said


# If absent, each item is a request of its own.
@pytest.mark.parametrize(("count", "options"), [(4000, ()), (1500, ("--if-absent",))], ids=["put", "if absent"])
def test_an_import(transfer, messages_table, tmp_path, count, options):
    file = tmp_path / "in.jsonl"
    items = [{"pk": {"S": f"p{n % 13}"}, "sk": {"S": f"{n % 700}"}, "n": {"N": str(n)}} for n in range(count)]
    file.write_text("".join(json.dumps({"Item": item}) + "\n" for item in items))
    state = tmp_path / f"in.jsonl.{messages_table}.import"
    killed_and_continued(transfer, state, "line", len(items), "import", file, *options)
    assert everything(messages_table) == keyed(*items)
    assert sorted(os.listdir(tmp_path)) == ["errors", "in.jsonl"]


def test_an_export(transfer, messages_table, tmp_path):
    items = [{"pk": {"S": f"p{n % 29}"}, "sk": {"S": f"{n}"}, "Body": {"S": "x" * 20_000}} for n in range(1500)]
    store(messages_table, *items)
    file, state = tmp_path / "out.jsonl", tmp_path / "out.jsonl.part.json"
    killed_and_continued(transfer, state, "items", len(items), "export", file)
    found = [json.loads(line)["Item"] for line in file.read_text().splitlines()]
    assert len(found) == len(items)
    assert keyed(*found) == keyed(*items)
    assert sorted(os.listdir(tmp_path)) == ["errors", "out.jsonl"]
