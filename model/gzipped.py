"""Reads a file that may be compressed with gzip. Standard library only."""

import gzip
from typing import IO, BinaryIO, cast

# https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
_GZIP = b"\x1f\x8b"


def is_gzip(file: IO[bytes]) -> bool:
    """Whether the content of ``file``, which can seek, begins as gzip does."""
    start = file.tell()
    file.seek(0)
    found = file.read(len(_GZIP)) == _GZIP
    file.seek(start)
    return found


def unpacked(file: BinaryIO) -> BinaryIO:
    """``file`` itself, or its content where that is gzip: known by its bytes, not by its name.

    Reading raises EOFError or gzip.BadGzipFile (an OSError) or zlib.error for a damaged file.
    """
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_gzip(file) else file
