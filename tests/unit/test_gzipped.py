"""A compressed file is known by its first bytes, whatever its name."""

import gzip
import io

import pytest

from model.dataset import is_gzip, unpacked


@pytest.mark.parametrize("content", [b"", b"a", b"one\ntwo\n"])
def test_the_content_of_a_compressed_file_and_of_a_plain_one(content):
    for stored in (content, gzip.compress(content)):
        assert unpacked(io.BytesIO(stored)).read() == content


def test_where_the_file_stands_does_not_matter_and_stays():
    file = io.BytesIO(gzip.compress(b"one"))
    file.seek(5)
    assert is_gzip(file)
    assert file.tell() == 5
