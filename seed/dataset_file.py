"""A dataset: a file of many messages, one JSON object a line, in memory only a line at a time."""

import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.dataset import DatasetError, is_gzip, items_of, unpacked
from model.messages import Item
from seed.document import SeedError


def check(file: Path) -> None:
    """Read the whole dataset ``file``. Raises SeedError as read_items does."""
    deque(read_items(file), maxlen=0)


def read_items(file: Path) -> Iterator[Item]:
    """The items of the dataset ``file``, plain or gzip. Raises SeedError, which names file, line and rule."""
    try:
        with file.open("rb") as stored:
            yield from items_of(unpacked(stored))
    except DatasetError as error:
        line = f":{error.line}" if error.line else ""
        raise SeedError(f"{file}{line}: {error.problem}") from None
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None


@contextmanager
def plain_file(file: Path) -> Iterator[Path]:
    """The path of ``file``, or of a temporary copy that is not compressed, named ``*.jsonl``.

    Step Functions tells compressed objects by the end of their key.
    """
    with file.open("rb") as stored, tempfile.TemporaryDirectory() as folder:
        if file.suffix == ".jsonl" and not is_gzip(stored):
            yield file
            return
        copy = Path(folder) / "dataset.jsonl"
        with copy.open("wb") as target:
            shutil.copyfileobj(unpacked(stored), target)
        yield copy
