"""Files of items, one item a line: reading and writing keep every value, and an import checks all lines first.

What is written is DynamoDB JSON, ``{"Item": {"pk": {"S": "..."}}}``: exact for sets, binary and numbers of 38
digits, and what DynamoDB's own import from S3 reads as DYNAMODB_JSON
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html).
"""

import base64
import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from chat.target import binary_input
from cli.errors import OpsError
from cli.output import count
from dynamo.values import from_plain, item_bytes, named, restored
from model.dataset import RepeatedKeys, is_gzip, line_item, parsed, unpacked
from model.messages import (
    CONVERSATION_PREFIX,
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    ITEM_BYTES,
    KEY_BYTES,
    PARTITION_KEY,
    SORT_KEY,
    Key,
    Position,
    check_entry,
    conversation_id,
    is_membership,
    is_message,
    key_of,
    participants,
)
from model.users import check_user
from model.wire import Typed, from_wire, to_wire

# An item of 400 KB takes less, even where every character is written as \u0001.
LINE_BYTES = 8 * 1024 * 1024
_MARK = b"\xef\xbb\xbf"
# How files begin that are one JSON document: an array, the output of a scan, an item over several lines.
_DOCUMENT = re.compile(rb'\s*(\[|\{\s*\n|\{\s*"(Items|Count|ScannedCount|ConsumedCapacity)"\s*:)')
_MESSAGE = frozenset({"from", "to", "body", "at"})
# The keys of table and index must be text; the most bytes of each.
_KEYS = KEY_BYTES | {INDEX_PARTITION_KEY: KEY_BYTES[PARTITION_KEY], INDEX_SORT_KEY: KEY_BYTES[SORT_KEY]}
# As many lines with the key of another line are named; all are counted.
_NAMED = 20


@dataclass(frozen=True)
class ImportFile:
    """An open file, its name in messages, and its path if an import of it can be continued."""

    file: BinaryIO
    name: str
    path: Path | None

    def size(self) -> int:
        """How many bytes it has."""
        return os.fstat(self.file.fileno()).st_size

    def digest(self) -> str:
        """The SHA-256 of its content."""
        self.file.seek(0)
        digest = hashlib.sha256()
        while chunk := self.file.read(2**20):
            digest.update(chunk)
        return digest.hexdigest()


@contextlib.contextmanager
def opened(path: str) -> Iterator[ImportFile]:
    """The file for the length of a ``with`` block; ``-`` is standard input.

    A pipe is copied to a temporary file first, and gzip is unpacked to one. Raises OpsError or OSError.
    """
    with contextlib.ExitStack() as files:
        name, is_file = "standard input", False
        if path == "-":
            file = binary_input()
        else:
            file, name = files.enter_context(open(path, "rb")), path
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        if not is_file:
            file = files.enter_context(_copied(file, name))
        if is_gzip(file):
            file = files.enter_context(_copied(unpacked(file), name))
        yield ImportFile(file, name, Path(path) if is_file else None)


def check(source: ImportFile, *, say: Callable[[str], None], advance: Callable[[int], None]) -> Counter[str]:
    """Read the whole file: how many "messages", "others" and "memberships" it has.

    ``say`` gets FILE:LINE: and the problem for every wrong line. Raises OpsError when there is one, when two
    lines would be one item, for a file without lines, and for one JSON document.
    """
    checked, wrong, end = Counter[str](), 0, 0
    source.file.seek(0)
    try:
        with RepeatedKeys() as keys:
            for line in lines(source.file):
                try:
                    key = key_of(item_in(line))
                except ValueError as error:
                    _check_document(source, line)
                    wrong += 1
                    say(f"{source.name}:{line.number}: {error}")
                else:
                    checked["messages" if is_message(*key) else "memberships" if is_membership(*key) else "others"] += 1
                    if not is_membership(*key):  # these are not written
                        keys.add(line.number, *key)
                advance(line.end - end)
                end = line.end
            repeated = keys.count()
            for earlier, later in keys.first(_NAMED):
                say(f"{source.name}:{later}: is the same item as line {earlier}; remove one, or give a message an 'id'")
    except sqlite3.Error as error:
        raise OpsError(
            f"{source.name}: cannot compare the keys of its lines in a temporary file: {error}; "
            "free disk space there, or name another folder in SQLITE_TMPDIR"
        ) from None
    number = wrong + checked.total()
    if wrong or repeated:
        of = count(number, "line")
        raise OpsError(f"{source.name}: {wrong + repeated:,} of {of} cannot be imported; nothing was written")
    if not number:
        raise OpsError(f"{source.name} is empty; it needs one item or message a line")
    return checked


def _check_document(source: ImportFile, line: "Line") -> None:
    """Raise OpsError when a wrong first line begins a JSON document: once, and not for each of its lines."""
    if line.number == 1 and line.text and _DOCUMENT.match(line.text + b"\n"):
        raise OpsError(
            f"{source.name} is one JSON document; make it one item a line with jq -c: '.[]' for an array, "
            "'.Items[] | {Item: .}' for the output of a scan, '.' for items over several lines"
        ) from None


class Line(NamedTuple):
    """One line; ``end`` is the offset of the next one, ``text`` is None if it is too long."""

    number: int
    end: int
    text: bytes | None


def lines(file: BinaryIO, *, after: int = 0) -> Iterator[Line]:
    """The lines from the position of ``file``, which is after line ``after``; at most one is in memory.

    Leaves out blank lines, and the byte order mark that some editors write before the first one.
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
            text = text.removeprefix(_MARK)
        if text is None or text.strip():
            yield Line(number, end, text)


def item_in(line: Line) -> Typed:
    """The item of a line. Raises ValueError."""
    if line.text is None:
        raise ValueError(f"is longer than {LINE_BYTES // 2**20} MiB, and no item is")
    return item_of(line.text)


def item_of(line: bytes) -> Typed:
    """The item of a line, as the API takes it.

    A line is DynamoDB JSON (``{"Item": ...}``), an item in plain JSON, which has ``pk`` and ``sk``, or a message
    of a dataset, which has ``from``, ``to``, ``body`` and ``at`` (model/dataset.py). Raises ValueError with the
    rule of DynamoDB or of the data model that it breaks.
    """
    value = parsed(line, parse_int=Decimal)
    try:
        item = _item(value)
        _check(item)
    except UnicodeEncodeError:
        raise ValueError("contains an unpaired surrogate, which is not valid Unicode") from None
    return item


def line_of(item: Typed) -> bytes:
    """The line of an item as the API returns it, with its line end.

    The same item always has the same line, so that sorted files can be compared.
    """
    spelled = {"Item": {name: _spelled(item[name]) for name in sorted(item)}}
    return json.dumps(spelled, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _item(value: object) -> Typed:
    if not isinstance(value, Mapping):
        raise ValueError("is not a JSON object")
    if "Item" in value:
        if others := sorted(value.keys() - {"Item"}):
            raise ValueError(f"has key {others[0]!r} next to 'Item'; only 'Item' is allowed")
        attributes = value["Item"]
        if not isinstance(attributes, Mapping):
            raise ValueError("'Item' is not an object of attributes")
        return {name: restored(name, content) for name, content in named(attributes)}
    if PARTITION_KEY in value or SORT_KEY in value:
        return {name: from_plain(name, content) for name, content in named(value)}
    if _MESSAGE & value.keys():
        return from_wire(to_wire(line_item(value)))
    raise ValueError('must be {"Item": ...}, an item with pk and sk, or a message with from, to, body and at')


def _check(item: Typed) -> None:
    """Raise ValueError for what DynamoDB, or the stream's function, would refuse."""
    for name in (PARTITION_KEY, SORT_KEY):
        if name not in item:
            raise ValueError(f"has no {name}; every item of the table has pk and sk")
    for name, most in _KEYS.items():
        if name in item:
            ((kind, content),) = item[name].items()
            if kind != "S" or not content:
                raise ValueError(f"the key {name} must be text, and not empty")
            if (size := len(content.encode())) > most:
                raise ValueError(f"the key {name} has {size} bytes; DynamoDB allows {most}")
    _check_message(key_of(item))
    if (size := item_bytes(item)) > ITEM_BYTES:
        raise ValueError(f"the item has {size} bytes; DynamoDB allows {ITEM_BYTES}")


def _check_message(key: Key) -> None:
    """A message must have a key by which its two users' lists can find it."""
    if not is_message(*key):
        return
    conversation, position = key[0].removeprefix(CONVERSATION_PREFIX), Position.of(key[1])
    users = participants(conversation)
    if (spelled := conversation_id(*users)) != conversation:
        raise ValueError(f"conversation {conversation!r} must be written {spelled!r}")
    for user in users:
        check_user(user)
    check_entry(conversation)
    if not (position.sent_at and position.message_id):
        raise ValueError(f"the sk of a message is MESSAGE#TIME#ID, not {key[1]!r}")


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value as JSON spells it: binary in base64, sets in one order."""
    ((kind, content),) = value.items()
    if kind == "B":
        content = base64.b64encode(bytes(content)).decode()
    elif kind == "BS":
        content = sorted(base64.b64encode(bytes(member)).decode() for member in content)
    elif kind == "SS":
        content = sorted(content)
    elif kind == "NS":
        content = sorted(content, key=Decimal)
    elif kind == "L":
        content = [_spelled(member) for member in content]
    elif kind == "M":
        content = {name: _spelled(content[name]) for name in sorted(content)}
    return {kind: content}


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
