"""A dataset: its messages, the errors of wrong lines, and lines with the same key."""

import gzip
import json
import re
import sqlite3
import tracemalloc
from collections import deque
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.dataset import LINE_BYTES, RepeatedKeys, line_item
from seed.dataset_file import check, read_items
from seed.document import SeedError

GOOD = {"from": "Tom", "to": "Jerry", "body": "Hi {to}", "at": "2026-01-01T09:00:00Z"}


@pytest.fixture
def dataset(tmp_path):
    """``dataset("...")``: the path of a file of these lines."""

    def write(*lines: str | bytes):
        file = tmp_path / "messages.jsonl"
        file.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines))
        return file

    return write


def problem(file) -> str:
    with pytest.raises(SeedError) as caught:
        check(file)
    text = str(caught.value)
    assert text.startswith(f"{file}:")
    assert "\n" not in text
    return text.removeprefix(f"{file}:")


def changed(**fields) -> str:
    return json.dumps(GOOD | fields)


def test_id_and_attributes_are_kept_with_their_types_also_as_step_functions_parses_them(dataset):
    attributes = {"Stars": 5, "Price": 0.1, "Big": 1e30, "New": True, "Tags": ["a", {"n": -1.5}]}
    line = changed(id="m-1", attributes=attributes)
    (item,) = read_items(dataset(line))
    assert item["MessageId"] == "m-1"
    assert {name: item[name] for name in attributes} == {
        "Stars": Decimal(5),
        "Price": Decimal("0.1"),
        "Big": Decimal("1E+30"),
        "New": True,
        "Tags": ["a", {"n": Decimal("-1.5")}],
    }
    assert line_item(json.loads(line)) == item
    for number in ("inf", "-inf", "nan"):
        with pytest.raises(ValueError, match=r"attribute 'n': .* is out of range: 1E-130 to 9\.99E"):
            line_item(GOOD | {"attributes": {"n": float(number)}})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"from": "Tom"', "is not valid JSON: Expecting ',' delimiter at column"),
        (b"\xff\n", "is not UTF-8 at byte 0"),
        ("", "is empty; remove the line"),
        ("[]", "is not a JSON object with from, to, body, at"),
        (changed(form="Tom"), "unknown key 'form'; must be one of from, to, body, at, id, attributes"),
        ('{"from": "Tom", "from": "Tim"}', "key 'from' appears twice"),
        ('{"from": "Tom", "to": "Jerry", "body": "Hi"}', "'at' is missing"),
        (changed(body=5), "'body' is 5; must be text"),
        (changed(body=" "), "body is empty"),
        (changed(id=None), "'id' is null; must be text"),
        (changed(attributes=None), "'attributes' is null; must be a mapping"),
        (changed(to="tom"), "are the same user"),
        (changed(to="\u200b"), "user '\\u200b' contains U+200B ZERO WIDTH SPACE"),
        (changed(at="yesterday"), "'yesterday' is not a time like"),
        (changed(at="2026-02-30T09:00:00Z"), "'2026-02-30T09:00:00Z' is not a time: day is out of"),
        (changed(at="0001-01-01T00:00:00+05:00"), ":00+05:00' is before year 1"),
        (changed(attributes={"Body": "x"}), "attribute 'Body' is reserved"),
        (changed(attributes={"": "x"}), "an attribute has an empty name"),
        (changed(attributes={"n": None}), "attribute 'n' is null; leave it out"),
        (changed(attributes={"n": 2**53 + 1}), "has too many digits; write it as text"),
        (changed(attributes={"n": 1e300}), "is out of range: 1E-130 to 9.99E+125"),
        (changed(attributes={"n": int("1" * 4_000)}), f"attribute 'n': {'1' * 40}... is out of range: 1E-130 to"),
        (changed(attributes={"n": 0.1}).replace("0.1", "NaN"), "NaN is not JSON"),
        (changed(attributes={"n": 0.1}).replace("0.1", "1E" + "9" * 20), "too many digits"),
        (changed(body="a\ud800"), "can't encode character '\\ud800'"),
        ("[" * 100_000, "is nested too deeply; DynamoDB has 32 levels"),
        (b"\xef\xbb\xbf" + changed().encode(), "begins with a byte order mark; save it without"),
        (changed(body="x" * LINE_BYTES), f"is longer than {LINE_BYTES} bytes"),
    ],
)
def test_a_wrong_line_is_named_with_its_rule(dataset, line, said):
    text = problem(dataset(changed(), line))
    assert text.startswith("2: ")
    assert said in text


@pytest.mark.parametrize(
    "second",
    [
        {"body": "Another"},
        {"from": "Jerry", "to": "Tom", "body": "Hi Tom"},
        {"at": "2026-01-01T09:00:00.0009Z"},
        {"at": "2026-01-01T10:00:00+01:00", "from": "TOM"},
    ],
    ids=["another text", "the other way", "less than a millisecond", "another zone"],
)
def test_a_second_line_with_the_key_of_another_is_refused_not_lost(dataset, second):
    said = problem(dataset(changed(), changed(**second), changed(id="own")))
    assert said == (
        "2: has the same users and time as the message in line 1; give one of them an 'id' of its own, or remove one"
    )


def test_a_full_disk_for_temporary_files_is_one_line(dataset, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(RepeatedKeys, "add", full)
    said = problem(dataset(changed()))
    assert said.startswith(" cannot be checked for repeated keys: database or disk is full; ")


def test_a_compressed_dataset_is_read_whatever_its_name_unless_damaged(dataset):
    lines = [changed(id=f"m-{number}") for number in range(500)]
    plain = list(read_items(dataset(*lines)))
    packed = gzip.compress("".join(line + "\n" for line in lines).encode())
    assert list(read_items(dataset(packed))) == plain
    assert problem(dataset(gzip.compress(b"{}\n"))) == "1: 'from' is missing"
    for damaged in (packed[:-9], packed[:-4] + b"abcd", packed[:100] + bytes(60) + packed[160:]):
        assert re.match(r" is damaged gzip after line \d+: ", problem(dataset(damaged)))


@pytest.mark.parametrize("content", [[GOOD, GOOD], {"Items": [{"pk": {"S": "x"}}], "Count": 1}, GOOD])
def test_a_file_that_is_no_dataset_is_one_error_with_what_to_do(dataset, content, tmp_path):
    assert problem(dataset(json.dumps(content, indent=4))) == (
        " is one JSON document; a dataset has one message a line, for example: jq -c '.[]' FILE > messages.jsonl"
    )
    assert problem(dataset()) == " is empty; it needs one message a line"
    assert problem(tmp_path / "none.jsonl") == " No such file or directory"


def test_memory_grows_neither_with_the_lines_nor_with_their_length(dataset):
    many = dataset(*(changed(id=f"m-{number}", body="x" * 8_000) for number in range(400)))
    tracemalloc.start()
    deque(read_items(many), maxlen=0)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    assert "is longer than" in problem(dataset(b"x" * 20_000_000))
    tracemalloc.stop()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["a", "ab"]), st.sampled_from(["", "b", "bc", "c"])), max_size=12))
def test_repeated_keys_are_found_as_with_all_keys_in_memory(keys):
    expected = []
    for key in set(keys):
        lines = [line for line, other in enumerate(keys, 1) if other == key]
        if len(lines) > 1:
            expected.append((lines[0], lines[-1]))
    with RepeatedKeys() as repeated:
        for line, (pk, sk) in enumerate(keys, 1):
            repeated.add(line, pk, sk)
        assert repeated.first(99) == sorted(expected, key=lambda pair: pair[1])
        assert repeated.count() == len(keys) - len(set(keys))
