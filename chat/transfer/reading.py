"""The lines of a file of any size, each with its number and where it ends."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

# An item of 400 KB takes less, even where every character is written as \u0001.
LINE_BYTES = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line; ``end`` is the offset of the next one, ``text`` None where it is too long."""

    number: int
    end: int
    text: bytes | None


def lines(file: BinaryIO, *, after: int = 0) -> Iterator[Line]:
    """The lines from where ``file`` stands, which is behind line ``after``; at most one in memory.

    Lines without anything in them are left out. A byte order mark, which some
    editors write, is not part of the first line.
    """
    end, number = file.tell(), after
    while part := file.readline(LINE_BYTES + 1):
        number += 1
        end += len(part)
        text: bytes | None = part.rstrip(b"\r\n")
        if len(part) > LINE_BYTES:
            text = None
            while not part.endswith(b"\n") and (part := file.readline(LINE_BYTES)):
                end += len(part)
        if number == 1 and text:
            text = text.removeprefix(_BOM)
        if text is None or text.strip():
            yield Line(number, end, text)
