"""Export and import: what comes out goes in again, exactly."""

import json
import os

import pytest

from model.messages import key_of, memberships
from tests.support.chat_steps import everything, store, typed
from tests.support.lists import message

ODD = {
    "pk": {"S": "odd"},
    "sk": {"S": "one"},
    "long": {"N": "1" * 38},
    "binary": {"B": b"\x00\xff"},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["-1", "10"]},
    "blobs": {"BS": [b"1", b"2"]},
    "null": {"NULL": True},
    "nested": {"M": {"list": {"L": [{"B": b"x"}, {"BOOL": False}]}}},
}
# Near the 400 KB of an item, and six times as long in JSON.
LARGE = {"pk": {"S": "odd"}, "sk": {"S": "large"}, "t": {"S": "\u0001" * (400 * 1024 - 20)}}
MESSAGES = [typed(message(minute)) for minute in range(60)]
OTHERS = [typed(message(minute, sender="Spike", recipient="Tom")) for minute in range(7)]
LISTS = [typed(row) for row in memberships(message(59))]


@pytest.fixture
def file(tmp_path):
    """``file(line, ...)``: the path of a file of these lines, texts or objects."""

    def write(*lines):
        path = tmp_path / "messages.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_bytes("\n".join([*texts, ""]).encode())
        return path

    return write


def plain(sk, **attributes):
    return {"pk": "p", "sk": sk, **attributes}


def lines_of(path):
    return [json.loads(line)["Item"] for line in path.read_text().splitlines()]


def test_what_is_exported_and_imported_is_the_same_table(chat, table, tmp_path):
    assert chat("export") == (0, "", f"0 items of table {table}\n")
    store(table, ODD, LARGE, *MESSAGES, *OTHERS)
    before, path = everything(table), tmp_path / "all.jsonl"
    assert chat("export", path) == (0, f"{path}: 69 items of table {table}\n", "")
    store(table, *[item | {"Body": {"S": "changed"}} for item in MESSAGES])
    assert everything(table) != before
    assert chat("import", path).status == 0
    assert everything(table) == before
    assert os.listdir(tmp_path) == ["all.jsonl"]
    # The same items have the same lines, so that sorted files can be compared.
    chat("export", again := tmp_path / "again.jsonl")
    assert sorted(again.read_bytes().splitlines()) == sorted(path.read_bytes().splitlines())


def test_parts_of_the_table_go_to_a_file_or_to_standard_output_alone(chat, table, tmp_path):
    store(table, ODD, *MESSAGES, *OTHERS, *LISTS)
    path = tmp_path / "part.jsonl"
    assert chat("export", path, "--messages").status == 0
    assert {item["pk"]["S"] for item in lines_of(path)} == {"CONVERSATION#jerry#tom", "CONVERSATION#spike#tom"}
    spike = ["--conversation", "Tom#Spike"]
    assert chat("export", path, *spike).error == f"{path} exists; pass --force to replace it, or name another file"
    assert len(lines_of(path)) == 67
    assert chat("export", path, *spike, "--force").status == 0
    assert lines_of(path) == OTHERS
    ran = chat("export", *spike)
    assert ran.err == f"7 items of table {table}\n"
    assert [json.loads(line)["Item"] for line in ran.lines] == OTHERS
    assert "is not a regular file; without FILE the" in chat("export", tmp_path, "--force").error
    assert "No such file or directory" in chat("export", tmp_path / "missing" / "file").error


def test_every_kind_of_line_is_imported_if_none_is_wrong(chat, table, file):
    lines = [
        {"Item": {"pk": {"S": "p"}, "sk": {"S": "1"}, "n": {"N": "1"}}},
        '{"pk": "p", "sk": "2", "n": 12345678901234567890123456789012345678}',
        {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z", "id": "m"},
        {"Item": LISTS[0]},
    ]
    path = file(*lines, "{", plain("x", n=1e300))
    *said, last = chat("import", path).err.splitlines()
    assert said[0].startswith(f"{path}:5: is not valid JSON")
    assert said[1].startswith(f"{path}:6: attribute 'n': 1E+300 is out of range")
    assert last == f"error: {path}: 2 of 6 lines cannot be imported; nothing was written"
    assert everything(table) == {}
    ran = chat("import", file(*lines), "--json")
    counts = {"written": 3, "unchanged": 0, "left_alone": 0, "memberships_skipped": 1}
    assert ran.json == {"table": table, "file": str(path), **counts}
    found = everything(table)
    assert found["p", "2"]["n"] == {"N": "12345678901234567890123456789012345678"}
    assert key_of(typed(message(0))) in found
    assert len(found) == 3
    # Only ministack's table has a stream.
    assert ("`python -m chat reindex`" in ran.err) == ("has no stream" in ran.err)


def test_if_absent_overwrites_nothing(chat, table, file):
    store(table, typed(plain("there", Body="mine")))
    same = {"n": {"N": "5.00"}, "s": {"NS": ["2", "1.0"]}}  # the table spells these numbers otherwise
    store(table, typed(plain("same")) | {"n": {"N": "5"}, "s": {"NS": ["1", "2"]}})
    path = file(plain("there", Body="line"), {"Item": typed(plain("same")) | same}, plain("new", Body="line"))
    counts = {"written": 1, "unchanged": 1, "left_alone": 1, "memberships_skipped": 0}
    assert counts.items() <= chat("import", path, "--if-absent", "--json").json.items()
    bodies = {sk: item["Body"]["S"] for (_, sk), item in everything(table).items() if "Body" in item}
    assert bodies == {"there": "mine", "new": "line"}


def test_a_table_with_other_keys_is_refused(chat, table, file, monkeypatch):
    described = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lambda *_: {"Table": described})
    said = f"table {table} has the key id (S); this command needs pk (S) and sk (S)"
    assert chat("import", file(plain("1"))).error == said
