"""What the worker makes of a batch of lines."""

import pytest

from functions.write_dataset import batch_entries
from model.dataset import DatasetError


def line(index: int, **fields):
    message = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}
    return {"Index": index, "Message": message | fields}


def test_every_line_is_a_new_entry():
    entries = batch_entries([line(0), line(1, at="2026-01-01T09:00:01Z")])
    assert [entry.old for entry in entries] == [None, None]
    assert [entry.new["Body"] for entry in entries if entry.new] == [{"S": "Hi"}] * 2


@pytest.mark.parametrize("other", [{}, {"body": "Ho"}])
def test_two_lines_under_one_key_are_refused(other):
    with pytest.raises(DatasetError, match=r"line 9: is another message .* as line 3; .* 'id'"):
        batch_entries([line(2), line(8, **other)])


def test_a_wrong_line_is_named_by_its_number_in_the_dataset():
    with pytest.raises(DatasetError, match=r"^line 1501: body is empty$"):
        batch_entries([line(1499), line(1500, body="")])
