"""The file that is imported: opened so that it can be read more than once, and recognised."""

import contextlib
import gzip
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.errors import OpsError
from model.dataset import is_gzip, unpacked

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

    A pipe is copied to a temporary file first, and what is compressed with gzip
    is unpacked to one. Raises OpsError for what cannot be read.
    """
    with contextlib.ExitStack() as files:
        name, is_file = "standard input", False
        if path == STANDARD_INPUT:
            file = binary_input()
        else:
            file, name = files.enter_context(_open(path)), path
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        if not is_file:
            file = files.enter_context(_copied(file, name))
        if is_gzip(file):
            file = files.enter_context(_copied(unpacked(file), name))
        yield Source(file, name, Path(path) if is_file else None)


def binary_input() -> BinaryIO:
    """Standard input. Raises OpsError when the caller has closed it."""
    if sys.stdin is None:
        raise OpsError("standard input is closed, so - has nothing to read")
    return sys.stdin.buffer


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise OpsError(f"{path}: {error.strerror}") from None


@contextlib.contextmanager
def _copied(content: BinaryIO, name: str) -> Iterator[BinaryIO]:
    try:
        made = tempfile.TemporaryFile()  # noqa: SIM115 (closed below)
    except OSError as error:
        raise OpsError(
            f"{name}: cannot copy it to a temporary file: {error.strerror}; name a folder for it in TMPDIR"
        ) from None
    with made as file:
        try:
            shutil.copyfileobj(content, file)
            file.seek(0)  # which also writes what is in memory: its size is asked for
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise OpsError(f"{name} is a damaged or incomplete gzip file ({error})") from None
        except OSError as error:
            with contextlib.suppress(OSError):
                file.close()  # which tries again to write what is in memory
            raise OpsError(
                f"{name}: cannot copy it to a temporary file in {tempfile.gettempdir()}: "
                f"{error.strerror}; free disk space there, or name another folder in TMPDIR"
            ) from None
        yield file
