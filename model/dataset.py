"""A dataset: a file of many messages, one JSON object a line, plain or gzip, read in flat memory."""

import gzip
import hashlib
import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, BinaryIO, NoReturn, cast

from model.messages import LEVELS, RANGE, Item, is_in_range, key_of, message_item, parse_time, short, within

# What the names of local files that are datasets end with.
SUFFIXES = (".jsonl", ".jsonl.gz")
# The label of the Map that checks all objects of an export, before another one loads them.
CHECKS = "Checks"
# A batch with its envelope is the input of a Step Functions task, of at most 256 KiB
# (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
LINE_BYTES = 250_000
_REQUIRED, _OPTIONAL = ("from", "to", "body", "at"), ("id", "attributes")
# How a file begins that is one JSON document.
_DOCUMENT = re.compile(rb'\s*(\[|\{\s*(\n|"Items"))')
# https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
_GZIP = b"\x1f\x8b"
# Half of a SHA-256: two different keys out of a billion share one with a chance of 1 in 10^20.
_DIGEST_BYTES = 16
_CACHE_KIB = 16 * 1024
# Why a number cannot be kept; None when it can.
NumberProblem = Callable[[Decimal], str | None]


class DatasetError(Exception):
    """A dataset is not valid; the text names ``line``, from 1, or None where no single line is wrong."""

    def __init__(self, problem: object, line: int | None = None) -> None:
        super().__init__(f"line {line}: {problem}" if line else str(problem))
        self.problem, self.line = str(problem), line


def repeated(line: int, earlier: int) -> DatasetError:
    """The error for ``line`` that has the key of an ``earlier`` one: one would be lost."""
    return DatasetError(
        f"has the same users and time as the message in line {earlier}; "
        "give one of them an 'id' of its own, or remove one",
        line,
    )


class RepeatedKeys:
    """The keys of numbered lines, in a temporary file; a context manager. Raises DatasetError where that is full.

    SQLite sorts outside of memory: the digests are written without an index and grouped once, when asked.
    """

    def __init__(self) -> None:
        # The empty name is a private database on disk that ends with the connection
        # (https://www.sqlite.org/inmemorydb.html#temp_db).
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._database.execute("PRAGMA temp_store = FILE")
        self._database.execute("CREATE TABLE keys (digest BLOB, line INTEGER)")
        self._database.execute("BEGIN")

    def __enter__(self) -> "RepeatedKeys":
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        self._database.close()
        if isinstance(error, sqlite3.Error):
            advice = "free space in the folder for temporary files (SQLITE_TMPDIR), about 70 bytes a line"
            raise DatasetError(f"cannot be checked for repeated keys: {error}; {advice}") from None

    def add(self, line: int, pk: str, sk: str) -> None:
        """Note that the item of ``line`` has the key ``pk``, ``sk``."""
        # The length keeps "a" + "bc" apart from "ab" + "c".
        text = f"{len(pk)}:{pk}{sk}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(text).digest()[:_DIGEST_BYTES]
        self._database.execute("INSERT INTO keys VALUES (?, ?)", (digest, line))

    def first(self, most: int = 1) -> list[tuple[int, int]]:
        """Up to ``most`` pairs of an earlier and a later line with one key, by the later line."""
        return self._database.execute(
            "SELECT min(line), max(line) AS later FROM keys GROUP BY digest HAVING count(*) > 1 ORDER BY later LIMIT ?",
            (most,),
        ).fetchall()

    def count(self) -> int:
        """How many lines have the key of an earlier line."""
        ((number,),) = self._database.execute(
            "SELECT coalesce(sum(lines - 1), 0) FROM (SELECT count(*) AS lines FROM keys GROUP BY digest)"
        )
        return int(number)


def is_gzip(file: IO[bytes]) -> bool:
    """Whether the content of ``file``, which can seek, begins as gzip does."""
    start = file.tell()
    file.seek(0)
    found = file.read(len(_GZIP)) == _GZIP
    file.seek(start)
    return found


def unpacked(file: BinaryIO) -> BinaryIO:
    """``file``, or what it unpacks to if it is gzip; reading that may raise EOFError, BadGzipFile or zlib.error."""
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_gzip(file) else file


def lines_of(file: IO[bytes] | gzip.GzipFile, most: int) -> Iterator[tuple[int, bytes]]:
    """The lines and their numbers, each cut after ``most`` bytes: a file may lack line ends. Raises DatasetError."""
    number = 0
    try:
        for number, line in enumerate(iter(lambda: file.readline(most), b""), 1):
            yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"is damaged gzip after line {number}: {error}") from None


def items_of(file: BinaryIO) -> Iterator[Item]:
    """The items of the lines of ``file``, read as they are used, in its order.

    Raises DatasetError for a wrong line when it is reached, and after the last one for two lines with one key.
    """
    number = 0
    with RepeatedKeys() as keys:
        for number, line in lines_of(file, LINE_BYTES + 2):
            try:
                item = item_of(line)
            except ValueError as error:
                if number == 1 and _DOCUMENT.match(line + file.readline(LINE_BYTES)):
                    raise DatasetError(
                        "is one JSON document; a dataset has one message a line, for example: "
                        "jq -c '.[]' FILE > messages.jsonl"
                    ) from None
                raise DatasetError(error, number) from None
            keys.add(number, *key_of(item))
            yield item
        for earlier, later in keys.first():
            raise repeated(later, earlier)
    if not number:
        raise DatasetError("is empty; it needs one message a line")


def item_of(line: bytes) -> Item:
    """The item of a line. Raises ValueError."""
    if len(line.rstrip(b"\r\n")) > LINE_BYTES:
        raise ValueError(f"is longer than {LINE_BYTES} bytes; Step Functions passes no more on")
    if not line.strip():
        raise ValueError("is empty; remove the line")
    # Not as int, which reads no more than 4300 digits.
    return line_item(parsed(line, parse_int=Decimal))


def line_item(message: object, *, number_problem: NumberProblem | None = None) -> Item:
    """The item of a line that was parsed from JSON, or of a message of a seed.

    ``{"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}``, and optionally ``id`` and
    ``attributes``. ``number_problem`` is that of datasets unless another one is given. Raises ValueError.
    """
    if not isinstance(message, Mapping):
        raise ValueError(f"is not a JSON object with {', '.join(_REQUIRED)}")
    check_keys(message, _REQUIRED, _OPTIONAL)
    attributes = message.get("attributes", {})
    if not isinstance(attributes, Mapping):
        raise ValueError(f"'attributes' is {shown(attributes)}; must be a mapping of names to values")
    return message_item(
        sender=text_of(message, "from"),
        recipient=text_of(message, "to"),
        body=text_of(message, "body"),
        sent_at=parse_time(text_of(message, "at")),
        message_id=text_of(message, "id") if "id" in message else None,
        attributes=plain_members(attributes, number_problem or _dataset_number_problem),
    )


def check_keys(found: Mapping[str, object], required: Collection[str], optional: Collection[str]) -> None:
    """Raise ValueError for an unknown key, and for a missing one that is required."""
    known = (*required, *optional)
    for key in found:
        if key not in known:
            raise ValueError(f"unknown key {shown(key)}; must be one of {', '.join(known)}")
    for key in required:
        if key not in found:
            raise ValueError(f"{key!r} is missing")


def text_of(found: Mapping[str, object], key: str) -> str:
    """The text under ``key``. Raises ValueError for another value."""
    value = found[key]
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is {shown(value)}; must be text, in quotes")
    return value


def shown(value: object) -> str:
    """A value for an error message, shortened: text in quotes, any other value as in JSON."""
    if isinstance(value, list | Mapping):
        return "a list" if isinstance(value, list) else "an object"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return short(repr(value) if isinstance(value, str) else str(value))


def plain_members(
    members: Mapping[str, object], problem: NumberProblem, *, null: bool = False, levels: int = LEVELS
) -> dict[str, Any]:
    """The members of an item or map in plain JSON. Raises ValueError for what DynamoDB, or ``problem``, refuses."""

    def value(name: str, found: object, levels: int) -> Any:
        if isinstance(found, str | bool) or (found is None and null):
            return found
        if found is None:
            raise ValueError(f"attribute {shown(name)} is null; leave it out, or put text in quotes")
        if isinstance(found, int | float | Decimal):
            number = Decimal(repr(found)) if isinstance(found, float) else Decimal(found)
            if text := problem(number):
                raise ValueError(f"attribute {shown(name)}: {text}")
            return number
        inner = within(name, levels)
        if isinstance(found, Mapping):
            return plain_members(found, problem, null=null, levels=inner)
        assert isinstance(found, list)  # JSON has nothing else
        return [value(name, member, inner) for member in found]

    return {name: value(name, found, levels) for name, found in named(members)}


def named(members: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """The attributes of an item or map. Raises ValueError where one has no name."""
    if "" in members:
        raise ValueError("an attribute has an empty name")
    return members.items()


def _dataset_number_problem(number: Decimal) -> str | None:
    """Why a JSON reader that knows only doubles, as Step Functions does, cannot keep the number; None when it can."""
    if not (number.is_finite() and is_in_range(number)):
        return f"{shown(number)} is out of range: {RANGE}"
    if Decimal(repr(float(number))) != number:
        return f"{shown(number)} has too many digits; write it as text"
    return None


def parsed(source: bytes | str, *, parse_int: Callable[[str], Any] = int) -> Any:
    """The value of a JSON text: UTF-8, no key twice, no NaN or Infinity; fractions as Decimal. Raises ValueError."""
    try:
        text = source if isinstance(source, str) else source.decode()
        if text.startswith("\ufeff"):
            raise ValueError("begins with a byte order mark; save it without one")
        return json.loads(
            text.rstrip(" \t\n\r"),  # an error at the end is then on the last line
            parse_int=parse_int,
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in error.doc else ""
        raise ValueError(f"is not valid JSON: {error.msg} at {line}column {error.colno}") from None
    except RecursionError:
        raise ValueError("is nested too deeply; DynamoDB has 32 levels") from None
    except InvalidOperation:
        raise ValueError("the exponent of a number has too many digits") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} appears twice")
        found[key] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
