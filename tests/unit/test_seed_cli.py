"""``python -m seed``: render and validate without AWS."""

import json

import pytest

from chat.model import message_item, parse_time
from seed import __main__ as cli
from seed.__main__ import main
from seed.estimate import estimate


def item(body="x", minute=0):
    at = parse_time(f"2026-01-01T{minute // 60:02}:{minute % 60:02}Z")
    return message_item(sender="Tom", recipient="Jerry", body=body, sent_at=at)


def test_the_items_are_shown_and_what_they_take(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1] == "2026-01-01T09:01:00.000Z  Jerry → Tom: Yes, Tom. What's up?"
    assert len(out.splitlines()) == 5
    assert "5 messages in 1 conversation, " in err
    assert "10 write units into an empty table, $0.000006 on demand" in err


def test_check_prints_the_sum_only(capsys):
    assert main(["--check"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "messages.yaml: 5 messages" in line


def test_json_is_one_item_a_line(capsys):
    assert main(["--json"]) == 0
    items = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [item["SentAt"][14:16] for item in items] == ["00", "01", "02", "03", "04"]


def test_a_dataset_is_read_too(tmp_path, capsys):
    file = tmp_path / "data.jsonl"
    line = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}
    file.write_text(json.dumps(line) + "\n")
    assert main([str(file), "--check"]) == 0
    assert "data.jsonl: 1 message in 1 conversation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "users: ["), ("a.jsonl", '{"from": "Tom"}\n')]
)
def test_a_mistake_is_one_line_and_status_1(tmp_path, capsys, name, text):
    file = tmp_path / name
    file.write_text(text)
    assert main([str(file), "--check"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {file}")
    assert ":1: " in err
    assert len(err.splitlines()) == 1


def test_wrong_usage_is_status_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--check", "--json"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_an_interruption_is_one_line(monkeypatch, capsys):
    def interrupt(_file):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_items", interrupt)
    assert main([]) == 130
    assert capsys.readouterr().err == "error: interrupted; nothing was written to any table\n"


def test_units_round_up_and_a_transaction_takes_two():
    small, large = item(), item("x" * 1024)
    assert estimate([small]).write_units == 2
    assert estimate([large]).write_units == 4
    many = [item(minute=minute) for minute in range(101)]
    assert (estimate(many).write_units, estimate(many).messages) == (101, 101)
