"""The file that is imported: opened so that it can be read more than once, and recognised."""

import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ops.errors import OpsError

STANDARD_INPUT = "-"
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Source:
    """An open file: how to call it, and its path where an import of it can be continued."""

    file: BinaryIO
    name: str
    path: Path | None

    def size(self) -> int:
        """How many bytes it has."""
        return os.fstat(self.file.fileno()).st_size

    def digest(self) -> str:
        """By what its content is recognised."""
        digest = hashlib.sha256()
        self.file.seek(0)
        while chunk := self.file.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def stamp(self) -> tuple[int, int]:
        """What changes when somebody writes to the file."""
        status = os.fstat(self.file.fileno())
        return status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def opened(path: str) -> Iterator[Source]:
    """The source for the length of a ``with`` block; ``-`` is standard input.

    A pipe is copied to a temporary file first. Raises OpsError for what cannot
    be read.
    """
    if path == STANDARD_INPUT:
        with _copied(binary_input()) as file:
            yield Source(file, "standard input", None)
        return
    try:
        found = open(path, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise OpsError(f"{path}: {error.strerror}") from None
    with found:
        if stat.S_ISREG(os.fstat(found.fileno()).st_mode):
            yield Source(found, path, Path(path))
            return
        with _copied(found) as file:
            yield Source(file, path, None)


def binary_input() -> BinaryIO:
    """Standard input. Raises OpsError when the caller has closed it."""
    if sys.stdin is None:
        raise OpsError("standard input is closed, so - has nothing to read")
    return sys.stdin.buffer


@contextlib.contextmanager
def _copied(pipe: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(pipe, file)
        file.flush()  # by its size and time it is seen later whether it was changed
        yield file
