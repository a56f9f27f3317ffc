"""Files of items, one item a line, as ``import`` reads them: every value exact, every line checked first."""

import contextlib
import gzip
import os
import re
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from chat.target import binary_input
from chat.transfer import bar
from cli.errors import OpsError
from cli.output import count
from dynamo.item_rules import LINE_BYTES, checked_item, exported_item
from dynamo.values import from_plain
from model import messages as model
from model.dataset import DatasetError, RepeatedKeys, is_gzip, line_item, named, unpacked
from model.wire import Typed, from_wire, to_wire

_MARK = b"\xef\xbb\xbf"
# How files begin that are one JSON document: an array, the output of a scan, an item over several lines.
_DOCUMENT = re.compile(rb'\s*(\[|\{\s*\n|\{\s*"(Items|Count|ScannedCount|ConsumedCapacity)"\s*:)')
_MESSAGE = frozenset({"from", "to", "body", "at"})
# As many lines with the key of another line are named; all are counted.
_NAMED = 20


class ImportFile(NamedTuple):
    """An open file, its name in messages, its path if an import of it can be continued, its size in bytes."""

    file: BinaryIO
    name: str
    path: Path | None
    size: int


@contextlib.contextmanager
def opened(path: str) -> Iterator[ImportFile]:
    """The file for a ``with`` block; ``-`` is standard input. A pipe is copied, gzip unpacked to a temporary file."""
    with contextlib.ExitStack() as files:
        name, own = (path, Path(path)) if path != "-" else ("standard input", None)
        file = files.enter_context(own.open("rb")) if own else binary_input()
        if not (own and own.is_file()):
            file, own = files.enter_context(_copied(file, name)), None
        if is_gzip(file):
            file = files.enter_context(_copied(unpacked(file), name))
        yield ImportFile(file, name, own, os.fstat(file.fileno()).st_size)


class Line(NamedTuple):
    """One line, and the offset of the next one."""

    number: int
    end: int
    text: bytes


def lines(file: BinaryIO, *, after: int = 0) -> Iterator[Line]:
    """The lines from the position of ``file``, which is after line ``after``; at most one is in memory.

    Leaves out blank lines, and the byte order mark that some editors write before the first one. Cuts lines that
    are too long for an item: a file may lack line ends.
    """
    end = file.tell()
    for number, text in enumerate(iter(lambda: file.readline(LINE_BYTES + 1), b""), after + 1):
        end += len(text)
        line = text.removeprefix(_MARK) if number == 1 else text
        if line.strip():
            yield Line(number, end, line)


def item_of(line: bytes) -> Typed:
    """The item of a line, as the API takes it.

    A line is DynamoDB JSON (``{"Item": ...}``), an item in plain JSON, which has ``pk`` and ``sk``, or a message
    of a dataset, which has ``from``, ``to``, ``body`` and ``at`` (model/dataset.py). Raises ValueError with the
    rule of DynamoDB or of the data model that it breaks.
    """
    return checked_item(line, _item)


def check(source: ImportFile, say: Callable[[str], None]) -> Counter[str]:
    """Read the whole file: how many "messages", "others" and "memberships" it has.

    ``say`` gets FILE:LINE: and the problem for every wrong line. Raises OpsError when there is one, when two
    lines would be one item, for a file without lines, and for one JSON document.
    """
    name, checked, wrong = source.name, Counter[str](), 0
    source.file.seek(0)
    try:
        with bar(f"checking {name}", source.size) as advance, RepeatedKeys() as keys:
            for line in lines(source.file):
                advance(len(line.text))
                try:
                    key = model.key_of(item_of(line.text))
                except ValueError as error:
                    if line.number == 1 and _DOCUMENT.match(line.text + b"\n"):
                        raise OpsError(
                            f"{name} is one JSON document; make it one item a line with jq -c: '.[]' for an "
                            "array, '.Items[] | {Item: .}' for the output of a scan, '.' for items over several lines"
                        ) from None
                    wrong += 1
                    say(f"{name}:{line.number}: {error}")
                    continue
                if model.is_membership(*key):  # which is not written
                    checked["memberships"] += 1
                else:
                    checked["messages" if model.is_message(*key) else "others"] += 1
                    keys.add(line.number, *key)
            repeated = keys.count()
            for earlier, later in keys.first(_NAMED):
                say(f"{name}:{later}: is the same item as line {earlier}; remove one, or give a message an 'id'")
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing was written") from None
    except DatasetError as error:
        raise OpsError(f"{name}: {error}") from None
    if wrong or repeated:
        of = count(wrong + checked.total(), "line")
        raise OpsError(f"{name}: {wrong + repeated:,} of {of} cannot be imported; nothing was written")
    if not checked:
        raise OpsError(f"{name} is empty; it needs one item or message a line")
    return checked


def _item(value: Any) -> Typed:
    if not isinstance(value, Mapping):
        raise ValueError("is not a JSON object")
    if "Item" in value:
        return exported_item(value)
    if model.PARTITION_KEY in value or model.SORT_KEY in value:
        return {name: from_plain(name, content) for name, content in named(value)}
    if _MESSAGE & value.keys():
        return from_wire(to_wire(line_item(value)))
    raise ValueError('must be {"Item": ...}, an item with pk and sk, or a message with from, to, body and at')


@contextlib.contextmanager
def _copied(content: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A temporary file with the content. Raises OpsError for damaged gzip and for a full disk."""
    with contextlib.ExitStack() as files:
        try:
            file = files.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(content, file)
            file.seek(0)  # which also writes what is in memory: its size is asked for
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise OpsError(f"{name} is a damaged or incomplete gzip file ({error})") from None
        except OSError as error:
            files.pop_all()  # closing the file would try again to write what is in memory
            raise OpsError(
                f"{name}: cannot copy it to a temporary file: {error.strerror or error}; free disk space there, or "
                "name another folder in TMPDIR"
            ) from None
        yield file
