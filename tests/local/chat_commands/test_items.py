"""The commands for any item and any table on the embedded AWS: put, get, delete, scan, tables."""

import json
from decimal import Decimal

import pytest

from tests.support import odd_server
from tests.support.chat_steps import stdin


def test_any_item_is_put_read_and_deleted_by_its_key(on, tmp_path, monkeypatch):
    item = {"pk": "a b", "sk": "", "N": 12345678901234567890123456789012345678, "X": [1.5, None]}
    item["sk"] = "\x1b[31m"
    assert on("put", json.dumps(item)).lines == ["a b\t\\x1b[31m\t{}"]
    shown = on("get", "--key", "a b", "\x1b[31m", "--json")
    assert json.loads(shown.out, parse_float=Decimal) == item
    file = tmp_path / "item.json"
    file.write_text(json.dumps(item | {"X": "from a file"}))
    assert on("put", str(file), "--if-unchanged", shown.out, "--json").json["X"] == "from a file"
    again = on("put", str(file), "--if-unchanged", shown.out)
    assert again.status == 1
    assert 'differs from OLD in ["X"]; nothing written' in again.error
    stdin(monkeypatch, json.dumps(item).encode())
    taken = on("put", "-", "--if-absent")
    assert taken.status == 1
    assert taken.error.startswith('the item with the key "a b" "\\u001b[31m" in table ')
    assert taken.error.endswith(" already exists; nothing written")
    assert on("delete", "--key", "a b", "\x1b[31m").lines == ["a b\t\\x1b[31m"]
    stdin(monkeypatch, json.dumps(item).encode())
    assert on("put", "-", "--if-absent").status == 0


def test_an_item_with_a_set_and_binary_is_put_back_as_typed_json_only(on, table):
    item = {"pk": "a", "sk": "b", "Labels": {"x"}, "In": [{"Raw": b"\xff"}], "Body": "x"}
    table.put_item(Item=item)
    plain, old = on("get", "--key", "a", "b", "--json").out, on("get", "--key", "a", "b", "--typed").out
    assert on("scan", "--typed").json == json.loads(old)
    refused = on("put", json.dumps(json.loads(plain) | {"Body": "y"}), "--if-unchanged", plain)
    assert refused.status == 1
    assert 'has sets or binary, which plain JSON cannot express, in ["In", "Labels"]; nothing written;' in refused.error
    new = json.dumps(json.loads(old) | {"Body": {"S": "y"}})
    with_a_list = json.dumps(json.loads(old) | {"Labels": {"L": [{"S": "x"}]}})
    assert (
        'differs from OLD in ["Labels"]; nothing written'
        in on("put", new, "--if-unchanged", with_a_list, "--typed").error
    )
    assert table.scan()["Items"] == [item]
    assert on("put", new, "--if-unchanged", old, "--typed").status == 0
    assert table.scan()["Items"] == [item | {"Body": "y"}]
    plain = on("get", "--key", "a", "b", "--json").out
    assert on("put", '{"pk": "a", "sk": "b"}', "--if-unchanged", plain).status == 0  # leaves out set and binary
    assert table.scan()["Items"] == [{"pk": "a", "sk": "b"}]


def test_a_byte_order_mark_does_not_belong_to_an_item(on, tmp_path, monkeypatch):
    item, file = '{"pk": "a", "sk": "b"}', tmp_path / "item.json"
    file.write_text(item, encoding="utf-8-sig")
    stdin(monkeypatch, item.encode("utf-8-sig"))
    for given in (str(file), "\ufeff" + item, "-"):
        assert on("put", given).status == 0
    file.write_text(item, encoding="utf-16")
    failed = on("put", str(file))
    assert (failed.status, failed.error) == (2, f"ITEM: {file} is not UTF-8 text; save it as UTF-8")


@pytest.mark.parametrize("segments", ["1", "4"])
def test_a_scan_prints_every_item_on_a_line(on, talk, segments):
    lines = on("scan", "--segments", segments, "--json").lines
    assert len(lines) == 12  # and two memberships
    assert {json.loads(line)["sk"] for line in lines} >= {f"MESSAGE#{one}" for one in talk}
    cells = [line.split("\t") for line in on("scan", "--segments", segments).lines]
    assert {cell[1] for cell in cells} == {json.loads(line)["sk"] for line in lines}
    assert all("pk" not in json.loads(rest) for _, _, rest in cells)
    assert len(on("scan", "--segments", segments, "--limit", "3").lines) == 3


def failure(code, status=400):
    return status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()


TIME_AND_ID = "2026-01-01T09:00:00.000Z#never"
REFUSED = failure("ConditionalCheckFailedException")


@pytest.mark.parametrize(
    ("tries", "status"),
    [
        ([REFUSED], 1),
        ([failure("ProvisionedThroughputExceededException")] * 3 + [REFUSED], 1),
        ([None, REFUSED], 0),
        ([failure("InternalServerError", 500), REFUSED], 0),
        ([None, failure("ThrottlingException"), REFUSED], 0),
    ],
)
def test_only_a_lost_try_may_have_deleted_what_is_not_there(chat, monkeypatch, tries, status):
    left = iter(tries)
    # botocore's own pauses add up to some seconds.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    with odd_server.served(lambda *_: next(left)) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        ended = chat("delete", "--table", "T-1", "a#b", TIME_AND_ID)
    assert (ended.status, next(left, "none left")) == (status, "none left")
    if status:
        assert ended.error == f"message {TIME_AND_ID} of conversation a#b in table T-1 does not exist"
    else:
        assert ended.lines == [TIME_AND_ID]
