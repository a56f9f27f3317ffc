"""A dataset: a file of many messages, one JSON object a line, in memory only a line at a time."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from chat.model import Item
from seed.dataset_line import line_item
from seed.document import SeedError
from seed.json_line import parsed

# A batch with its envelope is the input of a Step Functions task, of at most 256 KiB
# (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
LINE_BYTES = 250_000


def read_items(file: Path) -> Iterator[Item]:
    """The items of the dataset ``file``, read as they are used, in its order.

    Raises SeedError, which names the file, the line and the rule. That two
    lines have the same key is not noticed: it would take all keys in memory.
    """
    try:
        with file.open("rb") as lines:
            number = 0
            for number, line in enumerate(_lines(lines), 1):
                try:
                    yield line_item(_parsed(line))
                except ValueError as error:
                    raise SeedError(f"{file}:{number}: {error}") from None
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None
    if not number:
        raise SeedError(f"{file}: is empty; it needs one message a line")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines, each cut where it is too long anyway: a file may lack line ends."""
    return iter(lambda: file.readline(LINE_BYTES + 2), b"")


def _parsed(line: bytes) -> Any:
    if len(line.rstrip(b"\r\n")) > LINE_BYTES:
        raise ValueError(f"is longer than {LINE_BYTES} bytes; Step Functions passes no more on")
    if not line.strip():
        raise ValueError("is empty")
    # Not as int, which reads no more than 4300 digits.
    return parsed(line, parse_int=Decimal)
