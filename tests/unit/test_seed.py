"""``python -m seed``: render and validate without AWS."""

import gzip
import json
import re

import pytest

from seed import __main__ as cli
from seed.__main__ import main
from seed.dataset_file import read_items
from seed.templates import load_items

BEGIN = "users: {tom: Tom, jerry: Jerry}\nstart: 2026-01-01T09:00:00Z\nevery: 1m\nmessages:\n"


@pytest.fixture
def file(tmp_path):
    """``file("body: x", count=2)``: the path of a seed of messages with these fields."""

    def write(fields, *, count=1, size=0):
        path = tmp_path / "large seed.yaml"
        text = BEGIN + f"  - {{from: tom, to: jerry, {fields}}}\n" * count
        path.write_text(text + "#" * (size - len(text)))
        return path

    return write


def test_the_items_are_shown_with_their_sum_or_only_one_of_both(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1] == "2026-01-01T09:01:00.000Z  Jerry → Tom: Yes, Tom. What's up?"
    assert len(out.splitlines()) == 5
    assert "5 messages in 1 conversation, " in err
    assert "10 write units into an empty table, $0.000006 on demand" in err
    assert main(["--check"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "messages.yaml: 5 messages" in line
    assert main(["--json"]) == 0
    items = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [item["SentAt"][14:16] for item in items] == ["00", "01", "02", "03", "04"]


@pytest.mark.parametrize(("size", "count", "units"), [(1, 1, 2), (1024, 1, 4), (1, 101, 101)])
def test_units_round_up_and_a_transaction_takes_two(file, capsys, size, count, units):
    assert main([str(file(f"body: {'x' * size}", count=count)), "--check"]) == 0
    assert f"{units} write units" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--json", "--dataset"])
def test_nothing_that_a_terminal_acts_on_is_printed_and_json_loses_nothing(file, capsys, option):
    body = "Hi\\n2026-01-01T09:00:00.000Z  Jerry → Tom: forged\\e[2J\\u202e\\u2028"
    hostile = file(f'body: "{body}", attributes: {{a: "\\x9b2J"}}')
    assert main([str(hostile)]) == 0
    assert capsys.readouterr().out == (
        "2026-01-01T09:00:00.000Z  Tom → Jerry: Hi\\n2026-01-01T09:00:00.000Z  Jerry → Tom: forged"
        "\\x1b[2J\\u202e\\u2028\n"
    )
    assert main([str(hostile), option]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert not set(out[:-1]) & set("\x1b\x9b\u202e\u2028\r")
    line = json.loads(out)
    (item,) = load_items(hostile)
    assert line.get("Body", line.get("body")) == item["Body"]
    assert line.get("a", line.get("attributes", {}).get("a")) == item["a"]


def test_above_a_size_the_way_to_a_dataset_of_the_same_items_is_named(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "MOST_BYTES", 10_000)
    attributes = 'Stars: 4.50, Big: 1e100, Seen: true, Tags: ["\\u2028", {n: 1}]'
    fields = f'body: "\\n\\U0001F600{"x" * 800}", attributes: {{{attributes}}}'
    assert main([str(file(fields, count=9, size=10_000)), "--check"]) == 0
    large = file(fields, count=9, size=10_001)
    expected = load_items(large)
    capsys.readouterr()
    assert main([str(large), "--check"]) == 1
    assert capsys.readouterr() == (
        "",
        f"error: {large}: is larger than 10000 bytes, the limit for a YAML seed; convert it to a "
        f"dataset and set seed_dataset to it: python -m seed '{large}' --dataset > messages.jsonl\n",
    )
    assert main([str(large), "--dataset"]) == 0
    dataset = tmp_path / "messages.jsonl.gz"
    dataset.write_bytes(gzip.compress(capsys.readouterr().out.encode()))
    assert list(read_items(dataset)) == expected
    assert main([str(dataset), "--check"]) == 0
    assert f"{dataset}: 9 messages in 1 conversation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("1234567890123456789.5", "attribute 'a': 1234567890123456789.5 has too many digits; write it as text"),
        ("x" * 250_000, "is longer than 250000 bytes; Step Functions passes no more on"),
    ],
    ids=["number", "text"],
)
def test_what_a_dataset_cannot_hold_fails_the_conversion(file, capsys, attribute, said):
    seed = file(f"body: x, attributes: {{a: {attribute}}}")
    assert main([str(seed), "--dataset"]) == 1
    assert capsys.readouterr() == ("", f"error: {seed}: message 1 cannot be a line of a dataset: {said}\n")


@pytest.mark.parametrize(("name", "text"), [("a.yaml", "users: ["), ("a.jsonl", '{"from": "Tom"}\n')])
def test_a_mistake_is_one_line_and_status_1(tmp_path, capsys, name, text):
    file = tmp_path / name
    file.write_text(text)
    assert main([str(file), "--check"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"error: {file}:\d: .*\n", err)


def test_an_interruption_is_one_line(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_items", interrupt)
    assert main([]) == 130
    assert capsys.readouterr().err == "error: interrupted; nothing was written to any table\n"
