"""A dataset in S3 is checked before a line of it is written."""

import gzip
import io
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody

from functions import check_dataset
from model.dataset import DatasetError


def lines(count: int) -> bytes:
    """A dataset of ``count`` lines."""
    message = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}
    return "\n".join(json.dumps(message | {"id": f"m-{number}"}) for number in range(count)).encode()


@pytest.fixture
def check(monkeypatch):
    """``check(content)``: the answer to an object of this content."""

    def run(content: bytes, key="a/messages.jsonl", left=900_000, sent=None):
        body = StreamingBody(io.BytesIO(content if sent is None else content[:sent]), len(content))
        s3 = SimpleNamespace(get_object=lambda **where: {"Body": body} | where)
        monkeypatch.setattr(check_dataset.boto3, "client", lambda _: s3)
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: left)
        return check_dataset.check({"Bucket": "b", "Key": key, "Table": "T"}, context)

    return run


def test_every_line_of_a_plain_or_compressed_object_is_read_and_counted(check):
    assert check(lines(205)) == 205
    assert check(gzip.compress(lines(3), mtime=0), key="messages.jsonl.gz") == 3


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        (gzip.compress(lines(3), mtime=0), "messages.jsonl", "its key does not end with .gz; rename it"),
        (lines(3), "messages.jsonl.gz", "but its key ends with .gz; rename it"),
        (gzip.compress(lines(3), mtime=0)[:-9], "messages.jsonl.gz", "is damaged gzip after line"),
        (b"", "messages.jsonl", "is empty; it needs one message a line"),
        (b"[\n{}\n]", "messages.jsonl", "is one JSON document; a dataset has one message a line"),
    ],
    ids=["gzip by no name", "gzip by name only", "damaged", "empty", "document"],
)
def test_what_step_functions_could_not_read_is_refused_with_what_to_do(check, content, key, said):
    with pytest.raises(DatasetError, match=said):
        check(content, key)


def test_more_lines_than_the_time_is_for_are_refused_with_how_many_fit(check, monkeypatch):
    monkeypatch.setattr(check_dataset, "_LINES", 100)
    with pytest.raises(DatasetError, match=r"time limit \(100 lines\); split .* at most 100 l"):
        check(lines(200), left=1_000)


def test_a_broken_connection_is_not_an_error_in_the_dataset(check):
    content = lines(3)
    with pytest.raises(IncompleteReadError):
        check(content, sent=len(content) - 5)
