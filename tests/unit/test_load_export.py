"""The functions that check and load the objects of an export, against a scripted S3 and DynamoDB."""

import gzip
import io
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from dynamo.changes import Outcome
from functions import load_export
from model.dataset import DatasetError
from tests.support.chat_steps import typed
from tests.support.lists import message

FOLDER, DATA = "p/AWSDynamoDB/01-a/", "p/AWSDynamoDB/01-a/data/x.json.gz"
ENTRY = {"Item": {"pk": {"S": "USER#tom"}, "sk": {"S": "CONVERSATION#jerry#tom"}, "User": {"S": "tom"}}}


def of(*numbers):
    """Lines of messages."""
    return [{"Item": typed(message(number))} for number in numbers]


def packed(*lines):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return gzip.compress("".join(text + "\n" for text in texts).encode(), mtime=0)


@pytest.fixture
def objects(monkeypatch):
    """The objects of S3 by key; each is read as a stream."""
    found = {}

    def get_object(*, Bucket, Key):
        assert Bucket == "b"
        return {"Body": StreamingBody(io.BytesIO(found[Key]), len(found[Key]))}

    def head_object(*, Bucket, Key):  # noqa: ARG001
        if Key not in found:
            raise ClientError({"Error": {"Code": "403"}}, "HeadObject")

    monkeypatch.setattr(load_export, "_s3", lambda: SimpleNamespace(get_object=get_object, head_object=head_object))
    return found


def context(*left):
    """A context that has so many milliseconds left, each time it is asked; the last ever after."""
    times = list(left)
    return SimpleNamespace(get_remaining_time_in_millis=lambda: times.pop(0) if len(times) > 1 else times[0])


def event(key=DATA, prefix=FOLDER, **more):
    return {"Table": "T", "Bucket": "b", "Prefix": prefix, "Key": key, "After": 0, "Counts": [0, 0, 0]} | more


def test_messages_of_data_files_are_counted_and_other_objects_are_left_alone(objects):
    objects[DATA] = packed(*of(1, 2), ENTRY, "", *of(3))
    objects[f"{FOLDER}data/empty.json.gz"] = gzip.compress(b"")
    assert load_export.check(event(), context(900_000)) == 3
    assert load_export.check(event(prefix=f"{FOLDER}data/"), context(900_000)) == 3
    assert load_export.check(event(f"{FOLDER}data/empty.json.gz"), context(900_000)) == 0
    for other in (f"{FOLDER}_started", f"{FOLDER}manifest-summary.json", f"{FOLDER}data/deeper/x.json.gz"):
        assert load_export.check(event(other), context(900_000)) == 0
        assert load_export.load(event(other), context(900_000))["Counts"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (packed(*of(1), "{"), r"line 2: is not valid JSON"),
        (packed(*of(1), ["x"]), r'line 2: must be {"Item": ...}$'),
        (
            packed({"Keys": {}, "NewImage": {}}),
            r'line 1: must be {"Item": ...}; this is an incremental export, load a f',
        ),
        (packed({"Item": {}, "x": 1}), r"line 1: has key 'x' next to 'Item'"),
        (
            packed({"Item": {"pk": {"S": "x"}, "sk": {"S": "y"}}}),
            r"line 1: the item 'x', 'y' is not a message; load it",
        ),
        (packed({"Item": {"pk": {"S": "CONVERSATION#Tom#jerry"}, "sk": {"S": "MESSAGE#1#2"}}}), "must be written"),
        (packed(*of(1, 2, 1)), r"line 3: is the same item as line 1; remove one"),
        (packed(*of(1))[:-9], r"is damaged gzip after line "),
        (b"{}", r"is damaged gzip after line 0: Not a gzipped file"),
    ],
)
def test_a_wrong_line_is_named_with_its_object(objects, content, said):
    objects[DATA] = content
    with pytest.raises(DatasetError, match=said) as caught:
        load_export.check(event(), context(900_000))
    assert str(caught.value).startswith(f"s3://b/{DATA}: ")


def test_more_lines_than_the_time_is_for_are_refused(objects, monkeypatch):
    monkeypatch.setattr(load_export, "_LINES", 2)
    objects[DATA] = packed(*of(1, 2, 3, 4, 5))
    with pytest.raises(DatasetError, match="split it into objects of at most 4 lines"):
        load_export.check(event(), context(900_000, 1_000))


def test_a_manifest_that_names_a_missing_file_is_refused(objects):
    objects[DATA] = packed(*of(1))
    manifest = f"{FOLDER}manifest-files.json"
    # The export was copied: its manifest names the files at their old place.
    objects[manifest] = b'{"dataFileS3Key": "old/AWSDynamoDB/01-a/data/x.json.gz"}\n'
    assert load_export.check(event(manifest), context(900_000)) == 0
    objects[manifest] += b'{"dataFileS3Key": "old/AWSDynamoDB/01-a/data/y.json.gz"}\n'
    with pytest.raises(
        DatasetError, match=r"names data/y\.json\.gz, which does not exist or cannot be read; copy the whole export"
    ):
        load_export.check(event(manifest), context(900_000))


@pytest.fixture
def written(monkeypatch):
    """The keys that were written, in order; every second one is there already."""
    keys = []

    class Table:
        def __init__(self, _client, name):
            assert name == "T"

        def follow(self, entries):
            assert all(entry.old is None for entry in entries)
            keys.extend(entry.key for entry in entries)
            outcomes = [Outcome.WRITTEN if int(entry.new["Body"]["S"][7:]) % 2 else Outcome.EDITED for entry in entries]
            return {kind: outcomes.count(kind) for kind in Outcome}

    monkeypatch.setattr(load_export, "Table", Table)
    monkeypatch.setattr(load_export, "_dynamodb", lambda: None)
    return keys


def test_a_load_that_runs_out_of_time_is_continued_where_it_ended(objects, written, monkeypatch):
    monkeypatch.setattr(load_export, "_LINES", 2)
    objects[DATA] = packed(*of(1, 2), ENTRY, *of(3, 4))
    first = load_export.load(event(), context(900_000, 1_000))
    assert {name: first[name] for name in ("After", "Counts", "Done")} == {
        "After": 4,
        "Counts": [2, 0, 1],
        "Done": False,
    }
    last = load_export.load(first, context(900_000))
    assert {name: last[name] for name in ("After", "Counts", "Done")} == {"After": 5, "Counts": [2, 0, 2], "Done": True}
    assert [sk for _, sk in written] == [message(number)["sk"] for number in (1, 2, 3, 4)]
