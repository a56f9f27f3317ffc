"""The functions that Step Functions calls with each object of an export of DynamoDB: all are checked, then loaded.

The event names the object, ``Key`` in ``Bucket``, and the export's folder, ``Prefix``. Only its data files have items.
Messages are loaded; entries of lists follow from them, through the stream. Objects are read as a stream.
"""

import contextlib
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from dynamo.changes import Outcome, SeedEntry
from dynamo.item_rules import LINE_BYTES, checked_item, exported_item
from dynamo.writer import CLIENT, Table, in_parts
from functions.log import log
from model.dataset import DatasetError, RepeatedKeys, lines_of
from model.messages import is_membership, is_message, key_of
from model.wire import Typed

# Below the folder of an export, or of its data alone.
_DATA, _MANIFEST = re.compile(r"(data/)?[^/]+\.json\.gz"), "manifest-files.json"
# The clock is read after so many lines; the time that is left then for sorting the keys, and for ending a load, which
# the next call continues: together they are the 15 minutes of a function, of which the writer takes ten.
_LINES, _CHECK_LEFT, _LOAD_LEFT = 1_000, 180_000, 420_000
_MISSING = ("403", "404")  # 403 for a caller who may not list the bucket


def check(event: Mapping[str, Any], context: Any) -> int:
    """How many messages the object has. Raises DatasetError, also for more than the time is for."""
    name = event["Key"].removeprefix(event["Prefix"])
    with _named(event):
        if name == _MANIFEST:
            _check_manifest(event)
        return _check_data(event, context) if _DATA.fullmatch(name) else 0


def load(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Load what comes after line ``After``, as long as there is time; the event of the call that continues.

    Its ``Counts`` say how many messages were written, unchanged and preserved so far; none for an object without data.
    """
    if not _DATA.fullmatch(event["Key"].removeprefix(event["Prefix"])):
        return {**event, "Counts": [], "Done": True}
    last, done = event["After"], False

    def entries() -> Iterator[SeedEntry]:
        nonlocal last, done
        for number, item in _items(event, after=last):
            if item:
                yield SeedEntry(key_of(item), None, item)
            last = number
            if number % _LINES == 0 and context.get_remaining_time_in_millis() < _LOAD_LEFT:
                return
        done = True

    with _named(event):
        outcomes = in_parts(entries(), Table(_dynamodb(), event["Table"]).follow)
    found = (outcomes[o] for o in (Outcome.WRITTEN, Outcome.UNCHANGED, Outcome.EDITED))
    counts = [before + more for before, more in zip(event["Counts"], found, strict=True)]
    log("loaded", object=event["Key"], lines=last, done=done)
    return {**event, "After": last, "Counts": counts, "Done": done}


@contextlib.contextmanager
def _named(event: Mapping[str, Any]) -> Iterator[None]:
    """Put the object into a DatasetError."""
    try:
        yield
    except DatasetError as error:
        raise DatasetError(f"s3://{event['Bucket']}/{event['Key']}: {error}") from None


def _check_manifest(event: Mapping[str, Any]) -> None:
    """Raise DatasetError when a data file of the manifest is missing: a copy may be incomplete."""
    s3 = _s3()
    for line in s3.get_object(Bucket=event["Bucket"], Key=event["Key"])["Body"].iter_lines():
        name = "data/" + json.loads(line)["dataFileS3Key"].rpartition("/")[2]
        try:
            s3.head_object(Bucket=event["Bucket"], Key=event["Prefix"] + name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            raise DatasetError(f"names {name}, which does not exist or cannot be read; copy the whole export") from None


def _check_data(event: Mapping[str, Any], context: Any) -> int:
    messages = 0
    with RepeatedKeys() as keys:
        for number, item in _items(event):
            if item:
                messages += 1
                keys.add(number, *key_of(item))
            if number % _LINES == 0 and context.get_remaining_time_in_millis() < _CHECK_LEFT:
                raise DatasetError(
                    f"is too long to be checked within the function's time limit; split it into objects of at most "
                    f"{number} lines"
                )
        for earlier, later in keys.first():
            raise DatasetError(f"is the same item as line {earlier}; remove one", later)
    return messages


def _items(event: Mapping[str, Any], *, after: int = 0) -> Iterator[tuple[int, Typed | None]]:
    """The number of each line after one, and its message; None for an entry of a list. Raises DatasetError."""
    body = _s3().get_object(Bucket=event["Bucket"], Key=event["Key"])["Body"]
    with gzip.GzipFile(fileobj=io.BufferedReader(body, 1024 * 1024)) as file:
        for number, line in lines_of(file, LINE_BYTES + 1):
            if number > after and line.strip():
                yield number, _message(number, line)


def _message(number: int, line: bytes) -> Typed | None:
    try:
        item = checked_item(line, _item)
    except ValueError as error:
        raise DatasetError(error, number) from None
    pk, sk = key_of(item)
    if is_message(pk, sk):
        return item
    if not is_membership(pk, sk):
        raise DatasetError(f"the item {pk!r}, {sk!r} is not a message; load it with `python -m chat import`", number)
    return None


def _item(value: Any) -> Typed:
    if not isinstance(value, Mapping) or "Item" not in value:
        is_change = isinstance(value, Mapping) and "Keys" in value
        hint = "; this is an incremental export, load a full one" if is_change else ""
        raise ValueError(f'must be {{"Item": ...}}{hint}')
    return exported_item(value)


@cache
def _s3() -> Any:
    return boto3.client("s3")


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb", config=CLIENT)
