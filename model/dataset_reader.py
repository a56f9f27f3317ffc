"""Reads and checks the lines of a dataset, in flat memory however many there are.

Standard library only: the function that checks a dataset in S3 imports this module.
"""

import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from model.dataset_error import DatasetError, repeated
from model.dataset_line import line_item
from model.messages import PARTITION_KEY, SORT_KEY, Item
from model.repeated_keys import RepeatedKeys
from model.strict_json import parsed

# A batch with its envelope is the input of a Step Functions task, of at most 256 KiB
# (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
LINE_BYTES = 250_000
# What the names of local files that are datasets end with.
SUFFIXES = (".jsonl", ".jsonl.gz")

_SCAN = re.compile(rb'\s*\{\s*"Items"\s*:')


def items_of(file: BinaryIO) -> Iterator[Item]:
    """The items of the lines of ``file``, read as they are used, in its order.

    Raises DatasetError for a wrong line when it is reached, and after the last
    one for two lines with one key.
    """
    number = 0
    try:
        with RepeatedKeys() as keys:
            for number, line in enumerate(_lines(file), 1):
                item = _item(line, number, file)
                keys.add(number, str(item[PARTITION_KEY]), str(item[SORT_KEY]))
                yield item
            for earlier, later in keys.first():
                raise repeated(later, earlier)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"is damaged gzip after line {number}: {error}") from None
    except sqlite3.Error as error:
        raise DatasetError(
            f"cannot be checked for repeated keys: {error}; the folder for temporary files needs about 70 bytes a line"
        ) from None
    if not number:
        raise DatasetError("is empty; it needs one message a line")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines, each cut where it is too long anyway: a file may lack line ends."""
    return iter(lambda: file.readline(LINE_BYTES + 2), b"")


def _item(line: bytes, number: int, file: BinaryIO) -> Item:
    try:
        return item_of(line)
    except ValueError as error:
        if number == 1 and (problem := _document(line + file.readline(LINE_BYTES))):
            raise DatasetError(problem) from None
        raise DatasetError(error, number) from None


def _document(beginning: bytes) -> str:
    """What to do with a file that is one JSON document; empty for any other."""
    if _SCAN.match(beginning):
        return (
            "is the output of 'aws dynamodb scan'; a dataset has one message a line. To load these "
            "items: jq -c '.Items[] | {Item: .}' FILE > items.jsonl, then python -m chat import "
            "items.jsonl"
        )
    if beginning.lstrip().startswith(b"["):
        return "is a JSON array; a dataset has one message a line: jq -c '.[]' FILE > messages.jsonl"
    if re.match(rb"\s*\{\s*\n", beginning):
        return "has a message over several lines; a dataset has one message a line: jq -c . FILE > messages.jsonl"
    return ""


def item_of(line: bytes) -> Item:
    """The item of a line. Raises ValueError."""
    if len(line.rstrip(b"\r\n")) > LINE_BYTES:
        raise ValueError(f"is longer than {LINE_BYTES} bytes; Step Functions passes no more on")
    if not line.strip():
        raise ValueError("is empty; remove the line")
    # Not as int, which reads no more than 4300 digits.
    return line_item(parsed(line, parse_int=Decimal))
